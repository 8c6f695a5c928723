/**
 * Ends an engine's work, in a bounded time.
 *
 * I1. What is not given back when the time is over is abandoned: its leases run out, and others take it over.
 * I2. Nothing of the engine keeps the process alive afterwards.
 */
import { InvalidOption } from '../errors.ts';
import type { Claims } from './claims.ts';
import { assertWaitOptions } from './handle/bounded.ts';
import type { StopOptions } from './options.ts';
import type { Workers } from './workers.ts';

export interface StopPorts {
  readonly claims: Pick<Claims, 'held' | 'settled'>;
  readonly workers: Pick<Workers, 'withdraw'>;
  problem(error: Error): void;
  /** Take no more work. */
  stopTaking(): void;
  /** All that waits is told. */
  halt(): void;
}

const defaultGraceMs = 5_000;
const marginMs = 5_000;

export async function stopEngine(ports: StopPorts, options: StopOptions = {}): Promise<void> {
  const { graceMs = defaultGraceMs, signal } = options;
  const { timeoutMs = graceMs + marginMs } = options;
  const { claims } = ports;
  ports.stopTaking();
  const given = async (): Promise<void> => {
    await claims.settled();
    const withdrawn = ports.workers.withdraw().catch(() => {});
    await Promise.all([...claims.held.values()].map((run) => run.release(graceMs)));
    await withdrawn;
  };
  await within(timeoutMs, signal, given().catch(ports.problem));
  for (const run of claims.held.values()) run.abandon();
  ports.halt();
}

export function assertStopOptions({ graceMs, ...limits }: StopOptions): void {
  assertWaitOptions(limits);
  if (graceMs === undefined || graceMs >= 0) return;
  throw new InvalidOption(`Expected \`graceMs\` to be a number of milliseconds, got \`${String(graceMs)}\`.`);
}

/** Resolves when it is done, or its time is over. */
function within(timeoutMs: number, signal: AbortSignal | undefined, done: Promise<void>): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, Math.min(timeoutMs, 2 ** 31 - 1));
    if (signal?.aborted) end();
    signal?.addEventListener('abort', end);
    void done.then(end);
  });
}
