/** `signalbox resume`: goes on with what was left under way, by a crash or by Ctrl-C. */
import type { Cli, CommandResult } from '../cli.ts';
import type { Engine } from '../../engine/engine.ts';
import { isAtRest } from '../drive.ts';
import { everyRun } from '../every-run.ts';
import { findRun } from '../find-run.ts';
import { finishRuns } from '../finish-runs.ts';
import { type Session, withSession } from '../session.ts';
import { storeTime } from '../store-time.ts';

export interface ResumeOptions {
  readonly concurrency: number;
  /** In milliseconds. */
  readonly timeout?: number;
}

const mostDue = 10_000;
const statuses = ['running', 'waiting'] as const;

export async function resume(cli: Cli, id: string | undefined, options: ResumeOptions): CommandResult {
  return id === undefined ? resumeAll(cli, options) : resumeOne(cli, id, options);
}

async function resumeOne(cli: Cli, id: string, { timeout }: ResumeOptions): CommandResult {
  return withSession(cli, { work: 'own' }, async (session) => {
    const { name } = await findRun(session, id);
    await session.serve([name]);
    return finishRuns(session, [{ id }], { timeoutMs: timeout });
  });
}

async function resumeAll(cli: Cli, { concurrency, timeout }: ResumeOptions): CommandResult {
  const { ids, workflows } = await withSession(cli, { work: 'none' }, unfinished);
  if (ids.length === 0) {
    cli.screen.jsonLine({ type: 'outcomes', runs: [], stopped: false });
    return cli.screen.print('Nothing to go on with: every run has ended or waits.');
  }
  return withSession(cli, { work: 'all', concurrency, serve: workflows }, (session) =>
    finishRuns(
      session,
      ids.map((each) => ({ id: each })),
      { timeoutMs: timeout },
    ),
  );
}

interface Unfinished {
  /** Runs that are under way, are due, or will be soon. */
  readonly ids: readonly string[];
  /** The workflows of all that have not ended. */
  readonly workflows: ReadonlySet<string>;
}

async function unfinished({ cli, catalog, engine, store }: Session): Promise<Unfinished> {
  const ids: string[] = [];
  const workflows = new Set<string>();
  const unknown = new Set<string>();
  const refs = catalog.workflows.map(({ ref }) => ref);
  const due = new Set(await store.due({ workflows: refs, now: (await storeTime(store))(), limit: mostDue }));
  for (const status of statuses) {
    for await (const { id, workflow, version } of everyRun(engine, { status })) {
      if (!catalog.has(`${workflow}@${version}`)) {
        unknown.add(`${workflow}@${version}`);
        continue;
      }
      workflows.add(workflow);
      if (status === 'running' || due.has(id) || !(await rests(engine, id))) ids.push(id);
    }
  }
  if (unknown.size > 0) {
    const names = [...unknown].join(', ');
    cli.warn(`There are unfinished runs of ${names}, which is not there; \`--workflows <module>\` adds it.`);
  }
  // Oldest first.
  return { ids: ids.toReversed(), workflows };
}

/** A run that cannot even be looked at is taken up too, to be told of. */
async function rests(engine: Engine, id: string): Promise<boolean> {
  try {
    return isAtRest(await engine.run(id).snapshot());
  } catch {
    return false;
  }
}
