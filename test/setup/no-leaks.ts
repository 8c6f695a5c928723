/**
 * Fails the test that writes to the console, and the test file that leaves a socket, a server or a child process
 * open. A test about console output says so with `allowConsole()`; one that replaces `console.log` by a spy of its
 * own needs nothing.
 */

import { format } from 'node:util';
import { afterAll, afterEach, beforeEach, vi } from 'vitest';

const METHODS = ['debug', 'error', 'info', 'log', 'trace', 'warn'] as const;
const GUARDED_RESOURCES = ['ProcessWrap', 'TCPServerWrap', 'TCPSocketWrap'];
const CLOSING_TIMEOUT_MS = 2_000;

let written: string[] = [];
let allowed = false;

/** Lets the test that calls it write to the console. */
export function allowConsole(): void {
  allowed = true;
}

for (const method of METHODS) {
  const write = console[method].bind(console);
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
  allowed = false;
  assertSilent();
  // Closing takes a few turns of the event loop.
  await vi.waitFor(assertClosed, { timeout: CLOSING_TIMEOUT_MS, interval: 10 });
});

function assertSilent(): void {
  const unexpected = allowed ? [] : written;
  written = [];
  if (unexpected.length > 0) throw new Error(`Expected no console output, got ${unexpected.join('; ')}`);
}

function assertClosed(): void {
  const open = countOpen();
  for (const resource of GUARDED_RESOURCES) {
    const left = (open[resource] ?? 0) - (openAtStart[resource] ?? 0);
    if (left > 0)
      throw new Error(`Expected every resource to be closed after the tests, got ${left} open ${resource}`);
  }
}

function countOpen(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const resource of process.getActiveResourcesInfo()) counts[resource] = (counts[resource] ?? 0) + 1;
  return counts;
}
