/**
 * A store, an engine on it, and the services that runs need, for the time of one command; all are let go of at its end,
 * however it ends.
 *
 * I1. Ctrl-C and SIGTERM stop the engine, which gives its runs back; the command then ends by itself. The second time they
 *     end the process at once, which loses nothing that was acknowledged.
 */
import { constants } from 'node:os';

import { createEngine, type Engine } from '../engine/engine.ts';
import { EngineStopped } from '../errors.ts';
import { type Catalog, loadCatalog } from './catalog.ts';
import type { Cli } from './cli.ts';
import { Interrupted } from './command-error.ts';
import { openStore, type Store } from './open-store.ts';
import { openRecordings, type Recordings } from './recordings.ts';
import { type RunningServices, startServices } from './services.ts';

export interface SessionOptions {
  /** Which runs this process works on, as for `createEngine`. */
  readonly work: 'all' | 'own' | 'none';
  /** Make a store if there is none. Default: false. */
  readonly create?: boolean;
  readonly catalog?: Catalog;
  /** How many runs are worked on at a time. */
  readonly concurrency?: number;
  /** Workflows whose services are started before the engine is. */
  readonly serve?: Iterable<string>;
}

export interface Session {
  readonly cli: Cli;
  readonly catalog: Catalog;
  readonly store: Store;
  readonly engine: Engine;
  readonly concurrency: number;
  readonly recordings: Recordings | undefined;
  /** Start the services of these workflows, before anything is done that makes the engine work on their runs. */
  serve(workflows: Iterable<string>): Promise<void>;
  /** The exit code of a command that was told to stop, once it was. */
  stopped(): number | undefined;
  /** Where the engine's problems go from now on. */
  problemsTo(listener: (message: string) => void): void;
}

export const defaultConcurrency = 16;

export async function withSession<T>(
  cli: Cli,
  options: SessionOptions,
  body: (session: Session) => Promise<T>,
): Promise<T> {
  const { work, create = false, concurrency = defaultConcurrency } = options;
  const catalog = options.catalog ?? (await loadCatalog(cli.globals.workflows));
  const recordings = work === 'none' ? undefined : await openRecordings(cli);
  const store = await openStore(cli, { create });
  const told = new Set<string>();
  let tell = cli.warn;
  let stoppedBy: number | undefined;
  const services: RunningServices[] = [];
  const serve = async (names: Iterable<string>): Promise<void> => {
    if (recordings?.replays) return;
    const wanted = new Set(names);
    const ready = catalog.ready.filter(({ workflow }) => wanted.has(workflow.name));
    services.push(await startServices(ready, cli.globals.store));
  };
  if (options.serve) await serve(options.serve).catch((error: unknown) => closeAfter(store, error));

  const engine = createEngine({
    workflows: catalog.workflows,
    store,
    work,
    concurrency,
    ...(recordings && { exchanges: recordings.intercept }),
    onProblem({ message }) {
      if (told.has(message)) return;
      told.add(message);
      tell(message);
    },
  });
  const stop = (signal: NodeJS.Signals): void => {
    const code = 128 + constants.signals[signal];
    if (stoppedBy !== undefined) process.exit(code);
    stoppedBy = code;
    void engine.stop();
  };
  if (work !== 'none') for (const signal of signals) process.on(signal, stop);

  try {
    return await body({
      cli,
      catalog,
      store,
      engine,
      concurrency,
      recordings,
      serve,
      stopped: () => stoppedBy,
      problemsTo(listener) {
        tell = listener;
      },
    });
  } catch (error) {
    if (stoppedBy === undefined || !(error instanceof EngineStopped)) throw error;
    throw new Interrupted(stoppedBy);
  } finally {
    await engine.stop();
    for (const signal of signals) process.off(signal, stop);
    await Promise.all(services.map((running) => running.close()));
    await store.close();
  }
}

const signals = ['SIGINT', 'SIGTERM'] as const;

async function closeAfter(store: Store, error: unknown): Promise<never> {
  await store.close();
  throw error;
}
