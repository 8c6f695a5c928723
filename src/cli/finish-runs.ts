/** The end of every command that works on runs: they are gone on with, shown on their way, and then how they stand. */
import type { RunSnapshot } from '../engine/run-snapshot.ts';
import { RunCancelled, RunFailed, RunNotFound, SnapshotNotRestorable, WaitTimeout } from '../errors.ts';
import { commandLine } from './command-line.ts';
import { drive, type DriveListener, type RunToDrive } from './drive.ts';
import { exitCodeOf } from './exit-codes.ts';
import { type RunOutcome, readOutcome } from './outcome.ts';
import { printOutcomes, printWaiting } from './outcome-view.ts';
import { createProgressView } from './progress-view.ts';
import { reportError } from './report-error.ts';
import type { Session } from './session.ts';

export interface FinishOptions {
  /** Told of how the runs stand, before what waits is listed. */
  readonly between?: (outcomes: readonly RunOutcome[]) => Promise<void> | void;
  /** How many of those that wait are listed. Default: 5. */
  readonly mostWaiting?: number;
  /** How long they are waited for, all together. Default: until each has ended or waits. */
  readonly timeoutMs?: number | undefined;
}

/** Gives the command's exit code. */
export async function finishRuns(
  session: Session,
  runs: readonly RunToDrive[],
  options: FinishOptions = {},
): Promise<number> {
  const { cli } = session;
  const { screen } = cli;
  const view = createProgressView(screen, runs.length);
  const late: string[] = [];
  const listener: DriveListener = {
    ...view,
    failed(id, error) {
      if (error instanceof WaitTimeout && options.timeoutMs !== undefined) late.push(id);
      else view.failed(id, error);
    },
  };
  session.problemsTo((message) =>
    screen.live ? view.note(screen.paint('yellow', message)) : cli.warn(message),
  );
  try {
    await drive(session, runs, listener, options.timeoutMs);
  } finally {
    view.close();
    session.problemsTo(cli.warn);
  }
  const stopped = session.stopped();
  const outcomes: RunOutcome[] = [];
  for (const { id } of runs) {
    try {
      outcomes.push((await readOutcome(session, id)).outcome);
    } catch (error) {
      // It was not started any more.
      if (stopped === undefined || !(error instanceof RunNotFound)) throw error;
    }
  }
  const { recordings } = session;
  if (recordings) screen.jsonLine(recordings.summary());
  screen.jsonLine({ type: 'outcomes', runs: outcomes, stopped: stopped !== undefined });
  screen.print();
  printOutcomes(cli, outcomes);
  if (recordings) screen.print(recordings.sentence());
  await options.between?.(outcomes);
  printWaiting(cli, outcomes, options.mostWaiting ?? 5);
  if (stopped !== undefined) {
    const left = outcomes.filter(({ status }) => status === 'running').length;
    const unstarted = runs.length - outcomes.length;
    screen.print();
    if (unstarted > 0) screen.print(`${unstarted} were not started; the same command again starts them.`);
    screen.print(
      `Stopped with ${left} under way. To go on: ${screen.paint('cyan', commandLine(cli.globals, ['resume']))}`,
    );
    return stopped;
  }
  const trouble = recordings?.trouble() ?? troubleOf(outcomes) ?? tooLate(late, outcomes, options.timeoutMs);
  if (!trouble) return 0;
  reportError(screen, trouble);
  return exitCodeOf(trouble);
}

/** What the first thing that went wrong says of all. */
function troubleOf(outcomes: readonly RunOutcome[]): Error | undefined {
  const stuck = outcomes.filter(({ problem }) => problem !== undefined);
  if (stuck.length > 0) return new SnapshotNotRestorable(sentence(stuck, outcomes, 'cannot be gone on with'));
  const failed = ended(outcomes, 'failed');
  if (failed.length > 0) return new RunFailed(sentence(failed, outcomes, 'failed'));
  const cancelled = ended(outcomes, 'cancelled');
  return cancelled.length > 0 ? new RunCancelled(sentence(cancelled, outcomes, 'were cancelled')) : undefined;
}

function tooLate(
  late: readonly string[],
  all: readonly RunOutcome[],
  timeoutMs: number | undefined,
): WaitTimeout | undefined {
  if (late.length === 0) return undefined;
  const some = all.filter(({ run }) => late.includes(run));
  return new WaitTimeout(sentence(some, all, `were not done within ${Number(timeoutMs) / 1_000} s`));
}

function ended(outcomes: readonly RunOutcome[], status: RunSnapshot['status']): readonly RunOutcome[] {
  return outcomes.filter((outcome) => outcome.status === status);
}

function sentence(some: readonly RunOutcome[], all: readonly RunOutcome[], what: string): string {
  const names = some.slice(0, 5).map(({ run }) => run);
  return `${some.length} of ${all.length} ${what}: ${names.join(', ')}${some.length > 5 ? ', …' : ''}.`;
}
