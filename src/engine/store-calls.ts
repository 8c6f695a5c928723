/**
 * Store calls that wait out the store's trouble: what an executor of a run writes and reads goes through here.
 *
 * I1. A call that the store rejects is repeated until the store answers. Only an error that repeating cannot cure (remedy
 *     `stop` or `fix-input`) reaches the caller, so a store that is away is never the failure of a run or an actor.
 * I2. Every answer, of this run's calls or its renewed lease, makes the others that wait try at once.
 * I3. Once closed, nothing is called any more, and a call that had no answer yet never settles unless the store still
 *     answers it.
 */
import { SignalboxError } from '../errors.ts';

export interface StoreCalls {
  /** `attempt` counts from 1. From the second on, those before may have been applied. */
  call<T>(make: (attempt: number) => Promise<T>): Promise<T>;
  /** Resolves when all calls that wait for an answer now have one; undefined if there are none. */
  untilAnswered(): Promise<void> | undefined;
  /** The store has answered somebody: try again now. */
  retryNow(): void;
  close(): void;
}

export interface StoreCallsPorts {
  /** The store has begun to fail, or goes on failing. */
  failing(error: Error): void;
  /** Call `fn` in so many milliseconds. Returns the way to call it off. Default: by Node's timers. */
  after?: ((ms: number, fn: () => void) => () => void) | undefined;
}

interface PendingCall {
  /** Who waits for its answer. */
  overs: Array<() => void> | undefined;
}

const firstRetryMs = 20;
const maxRetryMs = 1_000;
/** How many attempts in a row fail before it is told again: half a minute. */
const attemptsPerReport = 30;

export function createStoreCalls({ failing, after = afterMs }: StoreCallsPorts): StoreCalls {
  const waiting = new Set<() => void>();
  const pending = new Set<PendingCall>();
  let isClosed = false;

  function retryNow(): void {
    for (const retry of waiting) retry();
  }

  function backoff(attempt: number): Promise<void> {
    return new Promise((resolve) => {
      const retry = (): void => {
        waiting.delete(retry);
        cancel();
        resolve();
      };
      waiting.add(retry);
      const cancel = after(Math.min(firstRetryMs * 2 ** (attempt - 1), maxRetryMs), retry);
    });
  }

  async function repeat<T>(make: (attempt: number) => Promise<T>, failure: unknown): Promise<T> {
    let error = failure;
    for (let attempt = 1; isStoreTrouble(error); attempt++) {
      if (isClosed) return never();
      if (attempt === 1 ? waiting.size === 0 : attempt % attemptsPerReport === 0) failing(asError(error));
      await backoff(attempt);
      if (isClosed) return never();
      try {
        const answer = await make(attempt + 1);
        retryNow();
        return answer;
      } catch (again) {
        error = again;
      }
    }
    throw error;
  }

  /** The first attempt costs one promise, since nearly all calls need no other. */
  function first<T>(make: (attempt: number) => Promise<T>): Promise<T> {
    const call: PendingCall = { overs: undefined };
    pending.add(call);
    const over = (): void => {
      pending.delete(call);
      call.overs?.forEach((tell) => tell());
    };
    return begun(make).then(
      (answer) => {
        if (waiting.size > 0) retryNow();
        over();
        return answer;
      },
      (error: unknown) => repeat(make, error).finally(over),
    );
  }

  return {
    call(make) {
      return isClosed ? never() : first(make);
    },
    untilAnswered() {
      if (pending.size === 0) return undefined;
      const overs = [...pending].map(
        (call) => new Promise<void>((resolve) => (call.overs ??= []).push(resolve)),
      );
      return Promise.all(overs).then(() => {});
    },
    retryNow,
    close() {
      isClosed = true;
      retryNow();
    },
  };
}

/** Whether a store call may be answered when it is made again. A store's own errors are of any class. */
export function isStoreTrouble(error: unknown): boolean {
  return !(error instanceof SignalboxError) || error.remedy === 'retry-later';
}

/** A custom store may throw synchronously. */
function begun<T>(make: (attempt: number) => Promise<T>): Promise<T> {
  try {
    return make(1);
  } catch (error) {
    return Promise.reject(asError(error));
  }
}

/** A promise of its own each time: one for all would keep whatever waits for it. */
function never(): Promise<never> {
  return new Promise<never>(() => {});
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

function afterMs(ms: number, fn: () => void): () => void {
  const timeout = setTimeout(fn, ms);
  return () => clearTimeout(timeout);
}
