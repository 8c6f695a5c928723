/**
 * Goes on with runs until each is at rest: it has ended, or waits for an event, a person, or a timer that is not soon.
 */
import { setTimeout as pause } from 'node:timers/promises';

import type { RunSnapshot } from '../engine/run-snapshot.ts';
import { EngineStopped } from '../errors.ts';
import type { Session } from './session.ts';
import { storeTime } from './store-time.ts';

export interface DriveListener {
  /** At every step that was seen, and once more when the run is at rest. */
  moved(snapshot: RunSnapshot): void;
  atRest(runId: string): void;
  /** Nobody can go on with the run. */
  failed(runId: string, error: Error): void;
}

/** A run that needs nobody but a timer is waited for so long. */
const timerPatienceMs = 60_000;
/** A timer that is so near is about to fire. */
const aboutToFireMs = 1_000;
const leaseLookMs = 25;

export interface RunToDrive {
  readonly id: string;
  /** Settles when the run is in the store. Default: it is. */
  readonly started?: Promise<unknown>;
}

/** It is over early when the engine is stopped. Rejects if a run could not be started. */
export async function drive(
  session: Session,
  runs: readonly RunToDrive[],
  listener: DriveListener,
  timeoutMs?: number,
): Promise<void> {
  const over = timeoutMs === undefined ? undefined : performance.now() + timeoutMs;
  const queue = runs.values();
  const work = async (): Promise<void> => {
    for (const { id, started } of queue) {
      if (session.stopped() !== undefined) return;
      try {
        await started;
      } catch (error) {
        if (error instanceof EngineStopped) return;
        throw error;
      }
      try {
        await driveOne(session, id, listener, over);
        listener.atRest(id);
      } catch (error) {
        if (error instanceof EngineStopped) return;
        listener.failed(id, error as Error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(session.concurrency, runs.length) }, work));
}

/** `over`: until when it is waited for, by `performance.now()`. */
async function driveOne(
  { engine, store }: Session,
  id: string,
  listener: DriveListener,
  over: number | undefined,
): Promise<void> {
  const now = await storeTime(store);
  const run = engine.run(id);
  let last = await run.snapshot();
  listener.moved(last);
  if (hasEnded(last)) return;
  await engine.resume(id);
  for (;;) {
    const timeoutMs = over === undefined ? undefined : Math.max(0, over - performance.now());
    last = await run.waitFor(
      (snapshot) => {
        last = snapshot;
        listener.moved(snapshot);
        return isAtRest(snapshot, now());
      },
      { timeoutMs },
    );
    // Whoever holds a run that waits has something to do with it: a message, a timer.
    const lease = hasEnded(last) ? undefined : (await store.load(id))?.lease;
    if (!lease || lease.until <= now()) return;
    await pause(leaseLookMs);
  }
}

export function isAtRest({ status, timers, accepts, problem }: RunSnapshot, now = Date.now()): boolean {
  if (problem !== undefined) return true;
  if (status === 'running') return false;
  if (status !== 'waiting') return true;
  const next = timers[0];
  if (!next) return true;
  return next.deadline - now > (accepts.length > 0 ? aboutToFireMs : timerPatienceMs);
}

export function hasEnded({ status }: Pick<RunSnapshot, 'status'>): boolean {
  return status !== 'running' && status !== 'waiting';
}
