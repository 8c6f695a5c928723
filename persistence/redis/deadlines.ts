/**
 * Bounds how long each of many calls may take, with one timer for all of them: they wait equally long, so the one that
 * began first runs out first.
 */
export interface Deadlines {
  /** Begin the work. Settles like it, or rejects once the time is over. */
  guard<T>(work: () => Promise<T>): Promise<T>;
  /** Resolves once nothing is guarded any more. */
  idle(): Promise<void>;
  rejectAll(reason: Error): void;
}

export interface DeadlineOptions {
  /** Something is guarded, after a time when nothing was. */
  readonly onBusy?: () => void;
  /** Nothing is guarded any more. */
  readonly onIdle?: () => void;
}

interface Wait {
  readonly endsAt: number;
  readonly reject: (reason: Error) => void;
}

export function createDeadlines(ms: number, { onBusy, onIdle }: DeadlineOptions = {}): Deadlines {
  const waits = new Set<Wait>();
  let timer: NodeJS.Timeout | undefined;
  let idleWaiters: Array<() => void> = [];

  function finish(wait: Wait): void {
    waits.delete(wait);
    if (waits.size > 0) return;
    onIdle?.();
    for (const wake of idleWaiters) wake();
    idleWaiters = [];
  }

  function arm(delayMs: number): void {
    // What a call waits for, a socket or a reconnection, keeps the process alive; this need not.
    timer = setTimeout(endExpired, delayMs).unref();
  }

  function endExpired(): void {
    timer = undefined;
    const now = performance.now();
    for (const wait of waits) {
      if (wait.endsAt > now) return arm(wait.endsAt - now + 1);
      wait.reject(new Error(`no answer within ${ms} ms`));
      finish(wait);
    }
  }

  return {
    guard(work) {
      return new Promise((resolve, reject) => {
        const wait = { endsAt: performance.now() + ms, reject };
        waits.add(wait);
        if (waits.size === 1) onBusy?.();
        if (timer === undefined) arm(ms);
        work().then(
          (value) => {
            finish(wait);
            resolve(value);
          },
          (error: unknown) => {
            finish(wait);
            reject(error);
          },
        );
      });
    },
    rejectAll(reason) {
      for (const wait of waits) {
        wait.reject(reason);
        finish(wait);
      }
    },
    async idle() {
      if (waits.size > 0) await new Promise<void>((resolve) => idleWaiters.push(resolve));
    },
  };
}
