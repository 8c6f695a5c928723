/**
 * Fails the test that writes to the console, and the test file that leaves a socket, a server or a child process
 * open. A test about console output says so with `allowConsole()`; one that replaces `console.log` by a spy of its
 * own needs nothing.
 */

import { format } from 'node:util';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeEach, vi } from 'vitest';

const methods = ['debug', 'error', 'info', 'log', 'trace', 'warn'] as const;
const guardedResources = ['ProcessWrap', 'TCPServerWrap', 'TCPSocketWrap'];
/** Only what is never closed takes so long. */
const closingTimeoutMs = 60_000;

interface Shared {
  readonly console: Partial<Record<(typeof methods)[number], Console['log']>>;
}

// Test files of one worker share the process; what is done once for all of them is kept here.
const key = Symbol.for('signalbox.test.shared');
const everyFile = globalThis as { [key]?: Shared };
// When vitest is killed, this process ends too, and with it what its tests have started.
if (!everyFile[key]) process.once('disconnect', () => process.exit());
const { console: originals } = (everyFile[key] ??= { console: {} });

let written: string[] = [];
let allowed = false;

/** Lets the test that calls it write to the console. */
export function allowConsole(): void {
  allowed = true;
}

for (const method of methods) {
  const write = (originals[method] ??= console[method].bind(console));
  console[method] = (...values: unknown[]) => {
    written.push(`console.${method}(${format(...values)})`);
    write(...values);
  };
}

beforeEach(() => {
  allowed = false;
});

afterEach(assertSilent);

const openAtStart = countOpen();

afterAll(async () => {
  // The next file of this worker finds what it would find in a process of its own.
  vi.unstubAllEnvs();
  vi.unstubAllGlobals();
  vi.useRealTimers();
  allowed = false;
  assertSilent();
  // Closing takes a few turns of the event loop.
  for (const giveUpAt = Date.now() + closingTimeoutMs; findOpen() && Date.now() < giveUpAt;) await pause(10);
  const left = findOpen();
  if (left) throw new Error(`Expected every resource to be closed after the tests, got ${left}`);
});

function assertSilent(): void {
  const unexpected = allowed ? [] : written;
  written = [];
  if (unexpected.length > 0) throw new Error(`Expected no console output, got ${unexpected.join('; ')}`);
}

function findOpen(): string | undefined {
  const open = countOpen();
  return guardedResources
    .map((name) => ({ name, left: (open[name] ?? 0) - (openAtStart[name] ?? 0) }))
    .filter(({ left }) => left > 0)
    .map(({ name, left }) => `${left} open ${name}`)
    .at(0);
}

function countOpen(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const resource of process.getActiveResourcesInfo()) counts[resource] = (counts[resource] ?? 0) + 1;
  return counts;
}
