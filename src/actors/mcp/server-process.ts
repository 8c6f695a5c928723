/**
 * The process of an MCP server, seen from here: what it last said, how it ended, and whether it keeps this process
 * alive.
 *
 * I1. While it is not held it does not keep this process from ending, and when this process ends so does it.
 */
import type { ChildProcess } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';

export interface ServerProcess {
  /** Keep this process alive for it, until `release`. Not counted. */
  hold(): void;
  release(): void;
  /** The last lines of its standard error. */
  lastWords(): string;
  /** "exited with code 1", "was ended by SIGKILL". Undefined while it runs. */
  ending(): string | undefined;
}

const LAST_WORDS_LENGTH = 2_000;

const running = new Set<ChildProcess>();

/**
 * The process that `start` spawns before it returns. The SDK does not hand it out, so it is taken from Node's own announcement.
 */
export function processSpawnedBy<T>(start: () => T): {
  readonly started: T;
  readonly spawned?: ServerProcess;
} {
  let child: ChildProcess | undefined;
  const listener = (message: unknown) => {
    child = (message as { readonly process: ChildProcess }).process;
  };
  subscribe('child_process', listener);
  try {
    const started = start();
    return child ? { started, spawned: serverProcess(child) } : { started };
  } finally {
    unsubscribe('child_process', listener);
  }
}

function serverProcess(child: ChildProcess): ServerProcess {
  let said = '';
  const decoder = new TextDecoder();
  child.stderr?.on('data', (chunk: Buffer) => {
    said = (said + decoder.decode(chunk, { stream: true })).slice(-LAST_WORDS_LENGTH);
  });
  endWithThisProcess(child);
  const handles = [child, child.stdin, child.stdout, child.stderr] as (Partial<NodeJS.RefCounted> | null)[];
  return {
    hold: () => handles.forEach((handle) => handle?.ref?.()),
    release: () => handles.forEach((handle) => handle?.unref?.()),
    lastWords: () => said.trim(),
    ending: () => {
      if (child.signalCode !== null) return `was ended by ${child.signalCode}`;
      return child.exitCode === null ? undefined : `exited with code ${child.exitCode}`;
    },
  };
}

function endWithThisProcess(child: ChildProcess): void {
  if (running.size === 0) process.on('exit', killAll);
  running.add(child);
  // A program that could not be started never exits.
  for (const event of ['exit', 'error']) {
    child.once(event, () => {
      if (running.delete(child) && running.size === 0) process.off('exit', killAll);
    });
  }
}

function killAll(): void {
  for (const child of running) child.kill();
}
