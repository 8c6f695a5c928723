/**
 * The part of a state in which two inputs meet: of a parallel state, the regions whose transitions they take. In the other
 * regions the machine may be anywhere, and the race is the same.
 */
import type { AnyStateMachine } from 'xstate';

import { placeName } from '../checks/place-name.ts';
import { transitionsOf } from '../transitions.ts';

/** `value`: a state value. `transitions`: what the two take. */
export type RacePlace = (value: unknown, transitions: readonly string[]) => string;

export function createRacePlace(machine: AnyStateMachine): RacePlace {
  const paths = new Map(
    transitionsOf(machine).flatMap(({ id, source, machine: nested }) =>
      nested === '' ? [[id, source.split('.').filter((key) => key !== '')] as const] : [],
    ),
  );
  return (value, transitions) => {
    if (typeof value === 'string') return value;
    const sources = transitions.map((id) => paths.get(id));
    // Of a transition in a nested machine it is not told here which region that belongs to.
    const isKnown = sources.length > 0 && sources.every((source) => source !== undefined);
    const place = isKnown ? part(value, sources) : value;
    return place === undefined ? '(root)' : placeName(place);
  };
}

/** The value without the regions that none of the paths leads into; undefined if nothing is left of it. */
function part(value: unknown, paths: ReadonlyArray<readonly string[]>): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, inner]): readonly [string, unknown] => {
    const within = paths.filter(([first]) => first === key).map(([, ...rest]) => rest);
    return [key, part(inner, within)];
  });
  const [only] = entries;
  if (only && entries.length === 1) return only[1] === undefined ? only[0] : { [only[0]]: only[1] };
  const involved = entries.filter(([key]) => paths.some(([first]) => first === key));
  return involved.length > 0 ? Object.fromEntries(involved) : undefined;
}
