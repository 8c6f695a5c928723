/** `signalbox resume`: goes on with what was left under way, by a crash or by Ctrl-C. */
import { RunNotFound } from '../../errors.ts';
import type { Cli, CommandResult } from '../cli.ts';
import { isAtRest } from '../drive.ts';
import { finishRuns } from '../finish-runs.ts';
import { type Session, withSession } from '../session.ts';

export interface ResumeOptions {
  readonly concurrency: number;
}

const pageSize = 200;
const statuses = ['running', 'waiting'] as const;

export async function resume(
  cli: Cli,
  id: string | undefined,
  { concurrency }: ResumeOptions,
): CommandResult {
  return id === undefined ? resumeAll(cli, concurrency) : resumeOne(cli, id);
}

async function resumeOne(cli: Cli, id: string): CommandResult {
  return withSession(cli, { work: 'own' }, async (session) => {
    const stored = await session.store.load(id);
    if (!stored) throw new RunNotFound(id);
    await session.serve([stored.workflow]);
    return finishRuns(session, [{ id }]);
  });
}

async function resumeAll(cli: Cli, concurrency: number): CommandResult {
  // Looked at before an engine works on them, so that their services are there first.
  const { ids, workflows } = await withSession(cli, { work: 'none' }, unfinished);
  if (ids.length === 0) {
    cli.screen.jsonLine({ type: 'outcomes', runs: [], stopped: false });
    return cli.screen.print('Nothing to go on with: every run has ended or waits.');
  }
  return withSession(cli, { work: 'all', concurrency }, async (session) => {
    await session.serve(workflows);
    return finishRuns(
      session,
      ids.map((each) => ({ id: each })),
    );
  });
}

interface Unfinished {
  readonly ids: readonly string[];
  readonly workflows: ReadonlySet<string>;
}

/** Runs that are under way, are due, or will be soon; oldest first. */
async function unfinished(session: Session): Promise<Unfinished> {
  const { cli, catalog, engine, store } = session;
  const ids: string[] = [];
  const workflows = new Set<string>();
  const unknown = new Set<string>();
  const refs = catalog.workflows.map(({ ref }) => ref);
  const due = new Set(await store.due({ workflows: refs, now: Date.now(), limit: 10_000 }));
  for (const status of statuses) {
    for (let cursor: string | undefined; ;) {
      const page = await engine.list({
        status,
        limit: pageSize,
        ...(cursor === undefined ? {} : { cursor }),
      });
      for (const run of page.runs) {
        const ref = `${run.workflow}@${run.version}`;
        if (!catalog.has(ref)) unknown.add(ref);
        else if (status === 'running' || due.has(run.id) || !isAtRest(await engine.run(run.id).snapshot())) {
          ids.unshift(run.id);
          workflows.add(run.workflow);
        }
      }
      cursor = page.cursor;
      if (cursor === undefined) break;
    }
  }
  if (unknown.size > 0) {
    cli.warn(
      `There are unfinished runs of ${[...unknown].join(', ')}, which is not there; \`--workflows <module>\` adds it.`,
    );
  }
  return { ids, workflows };
}
