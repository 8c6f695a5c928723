/** How a run stands, gathered from its snapshot and its history. */
import type { EventObject } from 'xstate';

import { canAccept } from '../engine/advance.ts';
import { decode } from '../engine/codec.ts';
import type { HistoryEntry } from '../engine/history.ts';
import type { RunSnapshot } from '../engine/run-snapshot.ts';
import type { RunState } from '../engine/run-state.ts';
import { exchangesOf, type RunSpend, spendOf } from '../engine/spend.ts';
import { RunNotFound, SnapshotNotRestorable, WorkflowNotFound } from '../errors.ts';
import { hasEnded } from './drive.ts';
import { workflowMissing } from './find-run.ts';
import type { Store } from './open-store.ts';
import type { Session } from './session.ts';
import { type Waiting, waitingOf } from './waiting.ts';

export interface RunOutcome {
  readonly run: string;
  readonly workflow: string;
  readonly version: string;
  readonly status: RunSnapshot['status'];
  readonly state: unknown;
  readonly tags: readonly string[];
  readonly output?: unknown;
  readonly error?: unknown;
  /** Why no worker can go on with the run, if none can. */
  readonly problem?: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly tookMs: number;
  readonly tokens: Tokens;
  readonly spend: RunSpend;
  /** True if any answer in it came from a stand-in and not from a model. */
  readonly standIn: boolean;
  readonly waiting?: Waiting;
}

export interface Tokens {
  /** Those read from and written to the cache included. */
  readonly input: number;
  readonly output: number;
}

type StoredRun = NonNullable<Awaited<ReturnType<Store['load']>>>;

export interface ReadOutcome {
  readonly outcome: RunOutcome;
  readonly history: readonly HistoryEntry[];
}

/** Throws `RunNotFound`. A run that cannot be restored here is still shown, with the reason as its `problem`. */
export async function readOutcome(session: Session, id: string): Promise<ReadOutcome> {
  const { engine, store } = session;
  const history = await engine.run(id).history();
  const stored = await store.load(id);
  if (!stored) throw new RunNotFound(id);
  const spend = spendOf(history);
  const standIn = history.flatMap(exchangesOf).some((exchange) => exchange.standIn);
  const gathered: Gathered = { tokens: tokensOf(spend), spend, standIn };
  try {
    const snapshot = await engine.run(id).snapshot();
    const waiting = readWaiting(session, stored.state, snapshot, history);
    return { outcome: { ...standOf(snapshot), ...gathered, ...(waiting ? { waiting } : {}) }, history };
  } catch (error) {
    if (!(error instanceof SnapshotNotRestorable || error instanceof WorkflowNotFound)) throw error;
    const isUnknown = error instanceof WorkflowNotFound;
    const problem = isUnknown ? workflowMissing(id, `${stored.workflow}@${stored.version}`) : error.message;
    return { outcome: { ...standInStore(stored, problem), ...gathered }, history };
  }
}

/** What is in the history of a run, whether or not it can be restored. */
type Gathered = Pick<RunOutcome, 'tokens' | 'spend' | 'standIn'>;

/** Without its workflow, a run that has ended shows all that it has; one that has not cannot be gone on with here. */
function standInStore(stored: StoredRun, problem: string): Omit<RunOutcome, keyof Gathered> {
  const { id, workflow, version, status, value, tags, createdAt, updatedAt } = stored;
  const { output, error } = (decode(stored.state) as RunState).snapshot;
  return {
    run: id,
    workflow,
    version,
    status,
    state: JSON.parse(value) as unknown,
    tags,
    ...(output === undefined ? {} : { output }),
    ...(error === undefined ? {} : { error }),
    ...(hasEnded(stored) ? {} : { problem: stored.problem?.message ?? problem }),
    ...timesOf(createdAt, updatedAt),
  };
}

function readWaiting(
  { cli, catalog }: Session,
  encoded: string,
  snapshot: RunSnapshot,
  history: readonly HistoryEntry[],
): Waiting | undefined {
  const workflow = catalog.find(`${snapshot.workflow}@${snapshot.version}`);
  const state = decode(encoded) as RunState;
  const takes = (event: EventObject): boolean => canAccept(workflow, state, event);
  return waitingOf({ globals: cli.globals, snapshot, history, takes });
}

function standOf(snapshot: RunSnapshot): Omit<RunOutcome, keyof Gathered> {
  const { id, workflow, version, status, value, tags, createdAt, updatedAt, problem } = snapshot;
  return {
    run: id,
    workflow,
    version,
    status,
    state: value,
    tags,
    ...('output' in snapshot ? { output: snapshot.output as unknown } : {}),
    ...('error' in snapshot ? { error: snapshot.error } : {}),
    ...(problem === undefined ? {} : { problem: problem.message }),
    ...timesOf(createdAt, status === 'running' ? Date.now() : updatedAt),
    updatedAt: new Date(updatedAt),
  };
}

function timesOf(
  createdAt: number,
  updatedAt: number,
): Pick<RunOutcome, 'createdAt' | 'updatedAt' | 'tookMs'> {
  return { createdAt: new Date(createdAt), updatedAt: new Date(updatedAt), tookMs: updatedAt - createdAt };
}

function tokensOf({ tokens: { input, output, cacheRead, cacheWrite } }: RunSpend): Tokens {
  return { input: input + cacheRead + cacheWrite, output };
}
