/**
 * What two inputs have led to, and how that differs from what they led to the other way round.
 *
 * What only tells in which order things were begun counts for nothing: pending invocations, timers and nested actors are
 * compared as sets, and how often an actor was entered not at all. All of the context counts, be it read on the route or not:
 * what is put into an actor, shown to a person or given out in the end is made of it.
 */
import { isDeepStrictEqual } from 'node:util';

import type { Invocation, PersistedActor, RunState } from '../../engine/run-state.ts';
import { changedPlaces } from '../checks/differing.ts';
import { canonical } from '../fold.ts';
import { keysOf } from '../watch/reads.ts';

export interface Outcome {
  readonly state: RunState;
  /** Irreversible invocations that were started on the way. */
  readonly effects: readonly Invocation[];
}

/** What differs, in words: `state`, `context.amount`, `input of refund`. Empty: they are the same. `now`: when they have come about. */
export function differences(one: Outcome, other: Outcome, now: number): readonly string[] {
  const before = one.state.snapshot;
  const after = other.state.snapshot;
  const differ = (what: string, part: (outcome: Outcome) => unknown): string[] =>
    isDeepStrictEqual(part(one), part(other)) ? [] : [what];
  return [
    ...differ('state', ({ state }) => whereabouts(state.snapshot)),
    ...differ('output', ({ state }) => state.snapshot.output),
    ...contextThatDiffers(before.context, after.context),
    ...invocationsThatDiffer(one.state.invocations, other.state.invocations),
    ...differ('timers', ({ state }) => waits(state, now)),
    ...differ('effects', ({ effects }) => effects.map(asked).sort()),
  ];
}

/** Where the machine and those nested in it are, and what these hold. */
function whereabouts({ status, value, error, historyValue, children }: PersistedActor): object {
  const nested = Object.entries(children ?? {}).map(([id, { src, snapshot }]) => [
    id,
    { src, ...whereabouts(snapshot), context: snapshot.context, output: snapshot.output },
  ]);
  return { status, value, error, historyValue, children: Object.fromEntries(nested) as object };
}

function contextThatDiffers(one: unknown, other: unknown): string[] {
  if (isDeepStrictEqual(one, other)) return [];
  const fields = changedPlaces(one, other).map((path) => ['context', ...keysOf(path)].join('.'));
  // What is not plain data (`Date`, `Map`) is not looked into.
  return fields.length > 0 ? fields : ['context'];
}

function waits({ timers }: RunState, now: number): string[] {
  return timers
    .map(({ source, target, event, deadline }) => canonical([source, target, event, deadline - now]))
    .sort();
}

function invocationsThatDiffer(some: readonly Invocation[], others: readonly Invocation[]): string[] {
  const paths = (all: readonly Invocation[]): string[] => all.map(({ path, src }) => `${path} ${src}`).sort();
  if (!isDeepStrictEqual(paths(some), paths(others))) return ['pending actors'];
  return some.flatMap(({ path, input }) => {
    const other = others.find((one) => one.path === path);
    return isDeepStrictEqual(input, other?.input) ? [] : [`input of ${path}`];
  });
}

function asked({ src, input }: Invocation): string {
  return canonical([src, input]);
}
