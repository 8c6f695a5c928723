/**
 * The graph of all that a workflow can do: `advance` handed to `@xstate/graph` as actor logic, with the messages that a state
 * can really get.
 *
 * I1. Nothing is performed, no clock is read, no store touched.
 * I2. Two states are one node only if they are in the same place and agree on all that any way on from there reads (see
 *     liveness.ts), as far as the graph was explored. So it is explored again until no more reads are found. Where the author
 *     says with `fold` what matters, that decides, and some of the states that it takes as one are held against each other.
 * I3. When the budget is spent it ends with what it has, and says which nodes were not gone on from, and why.
 */
import { getAdjacencyMap } from '@xstate/graph';
import type { ActorLogic, Snapshot } from 'xstate';

import { InvalidOption } from '../errors.ts';
import type { AnyWorkflow, WorkflowExample } from '../workflow.ts';
import { createShortener, liveReads, type LiveReads } from './fold.ts';
import { createFolded, type Fold } from './folded.ts';
import { type Graph, graphOf, type GrowingField } from './graph.ts';
import { type Live, type Passage, spreadLive } from './liveness.ts';
import { createMoves } from './moves.ts';
import {
  createSituations,
  type Found,
  type MoveEvent,
  type Situation,
  type StartingPoint,
} from './situations.ts';
import { startsOf } from './starts.ts';
import { createTraces } from './traces.ts';
import { transitionsTaken } from './watch/watched-workflow.ts';

export interface ExploreOptions {
  /** What to start with, and what actors answer and events hold beside what their schemas tell. Default: the workflow's own. */
  readonly examples?: ReadonlyArray<WorkflowExample<unknown>>;
  /**
   * How many states at one place are gone on from, whatever they hold; beyond that, only those that hold a value that was not
   * there before, or a few values together that one guard reads and that were not there together. Default: 8. `Infinity`: all.
   */
  readonly variants?: number;
  /** The most nodes that are gone on from in all. Default: 2,000. */
  readonly maxNodes?: number;
  /** Asked with the transitions taken so far before a node is gone on from: whether that is enough. Default: never. */
  readonly isEnough?: (taken: ReadonlySet<string>, nodes: number) => boolean;
}

export interface ExploreFromOptions extends ExploreOptions {
  /** Where a run stands, to go on from there. Default: before the start. */
  readonly from?: StartingPoint;
}

/** Each round finds more that is read. It could only go on for ever if the context grew for ever. */
const maxRounds = 50;

/** Throws `InvalidOption` for an option that is not as described. */
export function explore(workflow: AnyWorkflow, options: ExploreFromOptions = {}): Graph {
  const { maxNodes = 2_000, variants = 8, isEnough = () => false, from } = options;
  assertCount('maxNodes', maxNodes);
  assertCount('variants', variants);
  const examples = options.examples ?? workflow.examples ?? [];
  const moves = createMoves(workflow, examples);
  const starts = from ? [] : startsOf(workflow, examples);
  const traces = createTraces();
  const situations = createSituations(workflow, moves, starts, traces, from);
  const { origin, movesOf, follow } = situations;
  const fold = workflow.fold as Fold | undefined;
  const short = createShortener();
  const live: Live = new Map();
  /** Good for as long as nothing more is live at its place. */
  let keys = new WeakMap<Situation, { readonly key: string; readonly version: number }>();

  for (let round = 1; ; round++) {
    const taken = new Set<string>();
    const logic = {
      transition(at: Situation, event: MoveEvent) {
        const led = follow(at, event);
        for (const transition of transitionsTaken(led.advanced?.actions)) taken.add(transition);
        return led.to;
      },
      getInitialSnapshot: () => origin,
      getPersistedSnapshot: (at: Situation) => at,
    } as unknown as ActorLogic<Snapshot<unknown>, MoveEvent>;

    const reads = new Map<string, LiveReads>();
    const readsAt = (place: string): LiveReads => {
      const known = reads.get(place) ?? liveReads(live.get(place) ?? new Set(), short);
      reads.set(place, known);
      return known;
    };
    const inferredKey = (at: Situation): string => short(readsAt(at.control).keyOf(contextOf(at)));
    // Which states it takes as one is looked at anew: what tells them apart has become more.
    const folded = fold && createFolded(fold, workflow.ref, situations);
    if (folded) keys = new WeakMap();
    const keyOf = (at: Situation): string => {
      const version = live.get(at.control)?.size ?? 0;
      const known = keys.get(at);
      if (known?.version === version) return known.key;
      const context = contextOf(at);
      const key =
        folded && context !== undefined
          ? folded.keyOf(at, context, () => inferredKey(at))
          : `${short(at.control)}\n${inferredKey(at)}`;
      keys.set(at, { key, version });
      return key;
    };
    const partsOf = (at: Situation): readonly string[] =>
      folded ? [keyOf(at)] : readsAt(at.control).partsOf(contextOf(at));

    let nodes = 0;
    let cut = 0;
    const left = new Set<Situation>();
    const isNew = createNovelty(variants);
    const found = Object.entries(
      getAdjacencyMap(logic, {
        fromState: origin,
        events: (at) => movesOf(at as Situation),
        serializeState: (at) => keyOf(at as Situation),
        serializeEvent: ({ name }) => name,
        stopWhen(snapshot) {
          const at = snapshot as Situation;
          const isWorth = isNew(at.control, partsOf(at));
          const goesOn = isWorth && nodes < maxNodes && !isEnough(taken, nodes);
          if (goesOn) nodes += 1;
          else left.add(at);
          if (isWorth && !goesOn) cut += 1;
          return !goesOn;
        },
      }),
    ) as unknown as Found;

    const passages = new Map<string, Passage>();
    for (const [, { state: at, transitions }] of found) {
      for (const { event } of Object.values(transitions)) {
        const { to, trace } = follow(at, event);
        passages.set(`${trace.id} ${short(at.control)} ${short(to.control)}`, {
          from: at.control,
          to: to.control,
          trace,
        });
      }
    }
    // What this round's keys were made of must stay what it is, if this is the last.
    const isLast = round === maxRounds;
    const settled = !spreadLive(passages.values(), isLast ? copyOf(live) : live, traces);
    if (settled || isLast) {
      const growing = cut > 0 || !settled ? growingFields(found, (at) => readsAt(at.control)) : [];
      const counts = { lacking: [...moves.lacking], advances: situations.advances, rounds: round };
      const unlike = folded?.unlike(keyOf) ?? [];
      const { guards } = situations;
      return graphOf(
        { found, left, keyOf, partsOf, follow },
        { ...counts, guards, cut, settled, growing, unlike },
      );
    }
  }
}

function copyOf(live: Live): Live {
  return new Map([...live].map(([place, groups]) => [place, new Set(groups)]));
}

/** Of a run that has ended, nothing is read any more. */
function contextOf({ state }: Situation): unknown {
  return state?.snapshot.status === 'active' ? state.snapshot.context : undefined;
}

const mostGrowing = 3;

/** Of what the route reads, what has most values at one place: the reason why there are so many states. */
function growingFields(found: Found, readsAt: (at: Situation) => LiveReads): GrowingField[] {
  const places = new Map<string, { readonly value: unknown; readonly fields: Map<string, Set<string>> }>();
  for (const [, { state: at }] of found) {
    const place = places.get(at.control) ?? { value: at.state?.snapshot.value, fields: new Map() };
    places.set(at.control, place);
    for (const [field, value] of readsAt(at).fieldsOf(contextOf(at))) {
      const values = place.fields.get(field) ?? new Set<string>();
      place.fields.set(field, values.add(value));
    }
  }
  const all = [...places.values()].flatMap(({ value, fields }) =>
    [...fields].map(([field, { size }]) => ({ value, field, values: size })),
  );
  const most = new Map<string, GrowingField>();
  for (const one of all.sort((first, second) => second.values - first.values)) {
    if (one.values > 1 && !most.has(one.field)) most.set(one.field, one);
  }
  const grown = [...most.values()];
  return grown.slice(0, mostGrowing).filter(({ values }) => values * 4 > (grown[0]?.values ?? 0));
}

/** Whether a state is worth going on from: there are few at its place, or it holds values together that none before it did. */
function createNovelty(variants: number): (place: string, values: readonly string[]) => boolean {
  const places = new Map<string, { count: number; readonly seen: Set<string> }>();
  return (name, values) => {
    const place = places.get(name) ?? { count: 0, seen: new Set() };
    places.set(name, place);
    const { size } = place.seen;
    for (const value of values) place.seen.add(value);
    place.count += 1;
    return place.count <= variants || place.seen.size > size;
  };
}

function assertCount(option: string, value: number): void {
  if ((Number.isSafeInteger(value) || value === Infinity) && value >= 1) return;
  throw new InvalidOption(
    `Expected \`${option}\` to be a positive integer or \`Infinity\`, got \`${value}\`.`,
  );
}
