/**
 * Whether what an invocation is given depends on what a model said before it: the answer is told otherwise, and the run led
 * the same way once more.
 */
import { advance } from '../../engine/advance.ts';
import type { RunState } from '../../engine/run-state.ts';
import type { AnyWorkflow } from '../../workflow.ts';
import { changedPlaces, toldOtherwise } from '../checks/differing.ts';
import { messageOf, type Move } from '../moves.ts';
import type { Route } from '../paths/routes.ts';
import { answererOf } from './performed.ts';

/** As many as are tried of one answer. */
const mostTellings = 40;

interface Dependence {
  /** `src` of the model whose answer it depends on. */
  readonly on: string;
  /** Places in the input that differ. */
  readonly places: readonly string[];
}

/** What the invocation of `src`, which the route's last edge starts, is given by whom. The route begins at the start. */
export function dependencesOf(
  workflow: AnyWorkflow,
  route: Route,
  { src, isModel }: { readonly src: string; isModel(src: string): boolean },
): Dependence[] {
  const states: Array<RunState | undefined> = [undefined];
  const inputOf = (from: RunState | undefined, index: number, first: Move): unknown => {
    let state = from;
    let input: unknown = absent;
    for (const [step, edge] of route.slice(index).entries()) {
      const move = step === 0 ? first : edge.move;
      const message = messageOf(move, state ?? { invocations: [] }, edge.to.now);
      const led = message && advance(workflow, state, message);
      if (!led?.accepted) return absent;
      state = led.state;
      if (index === 0) states.push(state);
      const started = led.started.find((one) => one.src === src);
      input = started ? started.input : absent;
    }
    return input;
  };
  const [begin] = route;
  const given = begin ? inputOf(undefined, 0, begin.move) : absent;
  if (given === absent) return [];
  return route.flatMap((edge, index): Dependence[] => {
    const on = answererOf(edge);
    const { move } = edge;
    if (on === undefined || !isModel(on) || !('output' in move)) return [];
    const places = new Set<string>();
    for (const output of tellings(move.output)) {
      const other = inputOf(states[index], index, { ...move, output });
      if (other !== absent) for (const place of changedPlaces(given, other)) places.add(place);
    }
    return places.size > 0 ? [{ on, places: [...places] }] : [];
  });
}

const absent = Symbol('not started');

function tellings(output: unknown): unknown[] {
  return [...longerAndShorter(output), ...toldOtherwise(output).map(({ value }) => value)].slice(
    0,
    mostTellings,
  );
}

/** The value with one of its lists longer by one, or shorter. */
function longerAndShorter(value: unknown): unknown[] {
  if (typeof value !== 'object' || value === null || value instanceof Date) return [];
  if (Array.isArray(value)) {
    const items: readonly unknown[] = value;
    return items.length > 0 ? [[...items, items.at(-1)], items.slice(0, -1)] : [];
  }
  return Object.entries(value).flatMap(([key, part]: [string, unknown]) =>
    longerAndShorter(part).map((other) => ({ ...value, [key]: other })),
  );
}
