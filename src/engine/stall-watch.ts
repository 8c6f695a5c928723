/**
 * Ends this process if its event loop stands still for too long: an endless loop in a guard, say. Others take its runs over
 * then; without it the process would hold a core and its connections for ever.
 *
 * A thread looks whether the loop is alive. It counts its own looks and not the time, so a process that is stopped as a
 * whole, by SIGSTOP or a laptop's lid, is not ended when it goes on. Not with a debugger, whose breakpoints stand still too.
 */
import { url as inspectorUrl } from 'node:inspector';
import { Worker } from 'node:worker_threads';

export interface StallWatch {
  /** The code of this run is about to decide its next step. */
  advancing(runId: string): void;
  stop(): void;
}

const looksPerStall = 20;
const minLookMs = 5;
/** How many bytes of ids are kept for the message. */
const namesLength = 4_096;
const maxNames = 5;

export function watchForStalls(maxStallMs: number): StallWatch {
  if (inspectorUrl() !== undefined) return { advancing: () => {}, stop: () => {} };
  const lookMs = Math.max(minLookMs, maxStallMs / looksPerStall);
  const beats = new Int32Array(new SharedArrayBuffer(8));
  const names = new Uint8Array(new SharedArrayBuffer(namesLength));
  const worker = new Worker(watcher, {
    eval: true,
    workerData: { beats, names, lookMs, maxStallMs, pid: process.pid },
    // What this process was started with (a loader, a test's setup) is nothing to it.
    execArgv: [],
    stdout: false,
  });
  worker.unref();
  // Without the thread the process goes on as it would without this option.
  worker.on('error', () => {});
  const interval = setInterval(() => Atomics.add(beats, 0, 1), lookMs).unref();
  let latest: string[] = [];
  return {
    advancing(runId) {
      if (latest[0] === runId) return;
      latest = [runId, ...latest.filter((other) => other !== runId)].slice(0, maxNames);
      const { written } = new TextEncoder().encodeInto(latest.join(', '), names);
      Atomics.store(beats, 1, written);
    },
    stop() {
      clearInterval(interval);
      void worker.terminate();
    },
  };
}

const watcher = `
const { workerData: { beats, names, lookMs, maxStallMs, pid } } = require('node:worker_threads');
const { writeSync } = require('node:fs');
let last = -1;
let stoodMs = 0;
setInterval(() => {
  const beat = Atomics.load(beats, 0);
  stoodMs = beat === last ? stoodMs + lookMs : 0;
  last = beat;
  if (stoodMs < maxStallMs) return;
  const runs = Buffer.from(names.slice(0, Atomics.load(beats, 1))).toString() || 'none';
  try {
    writeSync(2, 'signalbox: the event loop has stood still for ' + Math.round(stoodMs) + ' ms; this worker ends itself. Runs last advanced: ' + runs + '\\n');
  } finally {
    process.kill(pid, 'SIGKILL');
  }
}, lookMs);
`;
