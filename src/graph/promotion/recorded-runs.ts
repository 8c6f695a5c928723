/**
 * Recorded runs, sorted by what they show.
 *
 * I1. A run counts for the line of inputs only if it is of this version, its history fits the machine as it is here, it has
 *     come to an end of its own, and a model was asked in it, whose answers came from no stand-in and no recording, unless
 *     these are to count.
 * I2. Only answers of models make a run one of a stand-in: a tool that is replaced does not say how good the model is.
 */
import type { HistoryEntry, MessageEntry } from '../../engine/history.ts';
import { exchangesOf } from '../../engine/spend.ts';
import type { Exchange } from '../../invocation.ts';
import type { AnyWorkflow } from '../../workflow.ts';
import { actorOf } from '../actor-of.ts';
import { type FoldedHistory, foldHistory } from './fold-history.ts';

/** A run as it is on record. */
export interface RecordedRun {
  readonly id: string;
  /** Name and version of its workflow. */
  readonly workflow: string;
  readonly version: string;
  readonly status: MessageEntry['status'];
  readonly history: readonly HistoryEntry[];
}

/** A run of this version whose history fits. */
export interface FoldedRun extends RecordedRun, FoldedHistory {
  readonly input: unknown;
  /** Ids of all transitions that it took. */
  readonly taken: ReadonlySet<string>;
  readonly exchanges: readonly AttributedExchange[];
  /** Who gave the models' answers. `nobody`: no model was asked. */
  readonly answeredBy: 'models' | 'stand-ins' | 'recordings' | 'nobody';
}

/** An exchange, with the actor and the invocation in which it was made. */
export interface AttributedExchange extends Exchange {
  readonly src: string;
  readonly key: string;
}

export interface SortedRuns {
  /** Of this version, with a history that fits; in the order in which they were given. */
  readonly fitting: readonly FoldedRun[];
  /** Of this version, with a history that does not fit the machine as it is here, from that message on. */
  readonly misfit: ReadonlyArray<RecordedRun & { readonly from: number }>;
  readonly otherVersions: readonly RecordedRun[];
}

/** Runs of other workflows are left out. */
export function sortRuns(workflow: AnyWorkflow, runs: readonly RecordedRun[]): SortedRuns {
  const own = runs.filter((run) => run.workflow === workflow.name);
  const fitting: FoldedRun[] = [];
  const misfit: Array<RecordedRun & { readonly from: number }> = [];
  for (const run of own.filter(({ version }) => version === workflow.version)) {
    const folded = foldHistory(workflow, run.history);
    if (folded.misfit === undefined) fitting.push(foldedRun(workflow, run, folded));
    else misfit.push({ ...run, from: folded.misfit });
  }
  return { fitting, misfit, otherVersions: own.filter(({ version }) => version !== workflow.version) };
}

function foldedRun(workflow: AnyWorkflow, run: RecordedRun, folded: FoldedHistory): FoldedRun {
  const [first] = folded.steps;
  const exchanges = attributed(run.history);
  return {
    ...run,
    ...folded,
    input: first?.entry.message.type === 'start' ? first.entry.message.input : undefined,
    taken: new Set(folded.steps.flatMap(({ transitions }) => transitions)),
    exchanges,
    answeredBy: whoAnswered(exchanges.filter(({ src }) => actorOf(workflow, src)?.fallible)),
  };
}

function attributed(history: readonly HistoryEntry[]): AttributedExchange[] {
  const sources = new Map<string, string>();
  for (const entry of history) {
    if (entry.type !== 'message') continue;
    for (const { key, src } of entry.started ?? []) sources.set(key, src);
  }
  return history.flatMap((entry) => {
    const key = keyOf(entry);
    const src = key === undefined ? undefined : sources.get(key);
    return key === undefined || src === undefined
      ? []
      : exchangesOf(entry).map((exchange) => ({ ...exchange, src, key }));
  });
}

function keyOf(entry: HistoryEntry): string | undefined {
  if ('key' in entry) return entry.key;
  return entry.type === 'message' && 'key' in entry.message ? entry.message.key : undefined;
}

/** One answer that was not a model's is enough: what came after it may rest on it. */
function whoAnswered(exchanges: readonly Exchange[]): FoldedRun['answeredBy'] {
  if (exchanges.some(({ standIn }) => standIn)) return 'stand-ins';
  if (exchanges.some(({ replayed }) => replayed)) return 'recordings';
  return exchanges.length > 0 ? 'models' : 'nobody';
}
