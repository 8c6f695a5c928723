/**
 * A store as one process sees it, which may die at one of its writes, and what that process wrote.
 *
 * M1. Once dead, nothing reaches the store below. What is asked of it then is answered as if the run were another's, so the
 *     engine that has it comes to rest and does nothing more.
 * M2. Counted are `create`, `commit`, `record` and `send`, which change a run.
 * M3. The lease of the process before is taken from it, as from one that is known to be dead; so no time has to pass, and a
 *     run that was cut off goes on at the moment at which it was.
 */
import type { Store } from '../../../persistence/store.ts';
import { StoreUnavailable } from '../../errors.ts';

/** The n-th write, from 1, and whether it still reaches the store. */
export interface Death {
  readonly at: number;
  readonly when: 'before' | 'after';
}

export interface MortalStoreOptions {
  readonly death?: Death | undefined;
  /** The lease tokens of the processes before. */
  readonly dead: readonly string[];
  /** Something was written to the run: these log entries, and the state if it is a new one. */
  wrote(log: readonly string[], state: string | undefined): void;
  died(): void;
}

export interface MortalStore {
  readonly store: Store;
  /** The names of its writes so far, in order. */
  readonly writes: readonly string[];
  readonly isDead: boolean;
  /** The lease tokens that it was given. */
  readonly tokens: readonly string[];
  /** Resolves when all that was under way at its death has come to its end below. */
  settled(): Promise<void>;
  kill(): void;
}

const buried = Symbol('buried');

export function createMortalStore(
  below: Store,
  { death, dead, wrote, died }: MortalStoreOptions,
): MortalStore {
  const writes: string[] = [];
  const tokens = new Set<string>();
  let isDead = false;
  const underWay = new Set<Promise<unknown>>();
  let bury = (): void => {};
  /** A call that the store below never answers must not keep a dead process waiting. */
  const burial = new Promise<typeof buried>((resolve) => (bury = () => resolve(buried)));

  const gone = (): StoreUnavailable => new StoreUnavailable('This process was killed by a path test.');

  /** `lost`: what a dead process is told, which throws if there is nothing that it could be told. */
  async function write<T>(name: string, call: () => Promise<T>, note: (answer: T) => void, lost: () => T) {
    if (isDead) return lost();
    const isTheOne = writes.push(name) === death?.at;
    if (isTheOne && death?.when === 'before') return die(lost);
    const noted = call().then((answer) => {
      // Even if another write has killed the process meanwhile.
      note(answer);
      return answer;
    });
    underWay.add(noted);
    const forget = (): boolean => underWay.delete(noted);
    noted.then(forget, forget);
    const answer = await Promise.race([noted, burial]);
    if (answer === buried) return lost();
    return isTheOne ? die(lost) : isDead ? lost() : answer;
  }

  function die<T>(lost: () => T): T {
    isDead = true;
    died();
    return lost();
  }

  async function read<T>(call: () => Promise<T>): Promise<T> {
    if (isDead) throw gone();
    return call();
  }

  const store: Store = {
    shared: below.shared,
    create(run) {
      if (run.lease) tokens.add(run.lease.token);
      const note = (answer: string): void => {
        if (answer === 'created') wrote(run.log, run.state);
      };
      return write(
        'create',
        () => below.create(run),
        note,
        () => {
          throw gone();
        },
      );
    },
    commit: (runId, commit) =>
      write(
        'commit',
        () => below.commit(runId, commit),
        ({ status }) => {
          if (status === 'committed') wrote(commit.log, commit.state);
        },
        () => ({ status: 'lease-lost' }),
      ),
    record: (runId, recording) =>
      write(
        'record',
        () => below.record(runId, recording),
        (held) => {
          if (held) wrote(recording.log, undefined);
        },
        () => false,
      ),
    send: (runId, message) =>
      write(
        'send',
        () => below.send(runId, message),
        () => {},
        () => {
          throw gone();
        },
      ),
    load: (runId) => read(() => below.load(runId)),
    async acquire(runId, options) {
      if (isDead) return 'held';
      tokens.add(options.token);
      const lease = (await below.load(runId))?.lease;
      const evict = lease && dead.includes(lease.token) ? { evict: lease.token } : {};
      return isDead ? 'held' : below.acquire(runId, { ...options, ...evict });
    },
    renew: async (renewal) => (isDead ? { lost: [], mail: [] } : below.renew(renewal)),
    async release(runId, release) {
      if (!isDead) await below.release(runId, release);
    },
    inbox: (runId, after) => read(() => below.inbox(runId, after)),
    due: async (query) => (isDead ? [] : below.due(query)),
    leases: async () => (isDead ? [] : below.leases()),
    open: () => read(() => below.open()),
    list: (query) => read(() => below.list(query)),
    history: (runId, from, limit) => read(() => below.history(runId, from, limit)),
    ended: (query) => read(() => below.ended(query)),
    delete: (runId, deletion) => read(() => below.delete(runId, deletion)),
    publish: (runId, text) => void (isDead || below.publish(runId, text)),
    subscribe: (runId, listener) => below.subscribe(runId, (text) => isDead || listener(text)),
    announce: async (token, worker) => (isDead ? undefined : below.announce(token, worker)),
    workers: (now) => read(() => below.workers(now)),
    onProblem: (listener) => below.onProblem((error) => isDead || listener(error)),
    watch: (listener) => below.watch((runId) => isDead || listener(runId)),
    // It is used again by the next process.
    close: async () => {},
  };

  return {
    store,
    writes,
    get isDead() {
      return isDead;
    },
    get tokens() {
      return [...tokens];
    },
    async settled() {
      await Promise.allSettled(underWay);
    },
    kill() {
      isDead = true;
      bury();
    },
  };
}
