/**
 * Guards that go by how sure a model says it is.
 *
 * A model that is wrong is as sure as one that is right. So a guard before something irreversible should look at what is done,
 * and how far it reaches. It is found out by asking: if a guard answers otherwise when nothing but a field of that name is
 * told otherwise, it goes by it. One that only reads the field, as a schema does that checks it with the rest, does not.
 */
import type { ZodType } from 'zod';

import { advance } from '../../engine/advance.ts';
import type { RunState } from '../../engine/run-state.ts';
import type { AnyWorkflow } from '../../workflow.ts';
import { actorOf } from '../actor-of.ts';
import { placeName } from '../checks/place-name.ts';
import type { GraphEdge } from '../graph.ts';
import { messageOf, type Move } from '../moves.ts';
import { watchedWorkflow } from '../watch/watched-workflow.ts';
import { answererOf, type Performed } from './performed.ts';

interface ByConfidence {
  readonly guard: string;
  /** Id of the transition that it guards. */
  readonly transition: string;
  /** `confidence`, `decision.confidence`. */
  readonly field: string;
  readonly place: string;
}

const sureness = /confiden|score|probab|certain|likelihood/i;

/** Two of each kind of step are asked: what they hold else may decide before the field is looked at. */
const mostAlike = 2;

interface ConfidenceAsking {
  /** The guards on these edges that go by such a field. */
  on(edges: readonly GraphEdge[]): readonly ByConfidence[];
}

export function createConfidenceAsking(
  workflow: AnyWorkflow,
  performed: readonly Performed[],
): ConfidenceAsking {
  const models = performed.filter(({ actor }) => actor?.fallible);
  // Another may write down a score that it has counted itself.
  const told = new Map<string, Set<unknown>>();
  for (const { move } of models.flatMap(({ answers }) => answers)) {
    if (!('output' in move)) continue;
    for (const { path, value } of fieldsOf(move.output, () => true)) {
      const key = path.at(-1) ?? '';
      if (sureness.test(key)) told.set(key, (told.get(key) ?? new Set()).add(value));
    }
  }
  const isTold = (key: string): boolean => told.has(key);
  const sources = new Set(models.map(({ src }) => src));
  const known = new Map<GraphEdge, readonly ByConfidence[]>();

  return {
    on(edges) {
      if (told.size === 0) return [];
      const asked = new Map<string, number>();
      const found = new Map<string, ByConfidence>();
      for (const edge of edges) {
        const fields = fieldsOn(edge, sources, isTold);
        if (fields.length === 0) continue;
        const name = [placeName(edge.from.state?.snapshot.value), edge.move.name, ...edge.transitions].join(
          ' ',
        );
        const times = asked.get(name) ?? 0;
        if (times === mostAlike) continue;
        asked.set(name, times + 1);
        const by = known.get(edge) ?? fields.flatMap((field) => guardsBy(edge, field, told, workflow));
        known.set(edge, by);
        for (const one of by) found.set(`${one.transition} ${one.field}`, one);
      }
      return [...found.values()];
    },
  };
}

interface Field {
  readonly path: readonly string[];
  readonly value: unknown;
}

/** A field in the context, or in the answer that comes. */
type FieldOn = Field & { readonly where: 'context' | 'answer' };

function fieldsOn(edge: GraphEdge, models: ReadonlySet<string>, isTold: (key: string) => boolean): FieldOn[] {
  const { move, from } = edge;
  const answering = answererOf(edge);
  const answer =
    answering !== undefined && models.has(answering) && 'output' in move ? move.output : undefined;
  return [
    ...fieldsOf(answer, isTold).map((field) => ({ ...field, where: 'answer' as const })),
    ...fieldsOf(from.state?.snapshot.context, isTold).map((field) => ({
      ...field,
      where: 'context' as const,
    })),
  ];
}

function fieldsOf(value: unknown, isWanted: (key: string) => boolean, path: readonly string[] = []): Field[] {
  if (typeof value !== 'object' || value === null || value instanceof Date) return [];
  return Object.entries(value).flatMap(([key, part]: [string, unknown]) => {
    const here = [...path, key];
    const isLeaf = typeof part !== 'object' || part === null;
    return isLeaf ? (isWanted(key) ? [{ path: here, value: part }] : []) : fieldsOf(part, isWanted, here);
  });
}

const degrees = [0, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 1, 10, 25, 50, 75, 90, 99, 100];

/** What a model could have said there instead; nothing that would only be refused for its form. */
function otherValues(value: unknown, told: ReadonlySet<unknown>): unknown[] {
  if (typeof value === 'boolean') return [!value];
  if (typeof value !== 'number') return [...told];
  const numbers = [...told].filter((one) => typeof one === 'number');
  const [least, most] = [Math.min(0, ...numbers), Math.max(1, ...numbers)];
  return [...told, ...degrees.filter((degree) => degree >= least && degree <= most)];
}

function guardsBy(
  edge: GraphEdge,
  { path, value, where }: FieldOn,
  told: ReadonlyMap<string, ReadonlySet<unknown>>,
  workflow: AnyWorkflow,
): ByConfidence[] {
  const { workflow: watched, take } = watchedWorkflow(workflow);
  const output = actorOf(workflow, answererOf(edge) ?? '')?.output;
  const answersOf = (state: RunState | undefined, move: Move) => {
    const message = messageOf(move, state ?? { invocations: [] }, edge.to.now);
    take();
    if (message) advance(watched, state, message);
    return take().flatMap((entry) => (entry.type === 'guard' ? [entry] : []));
  };
  const { move, from } = edge;
  const own = answersOf(from.state, move);
  const others = otherValues(value, told.get(path.at(-1) ?? '') ?? new Set());
  for (const other of others) {
    if (other === value) continue;
    const changed = where === 'answer' ? withAnswer(move, path, other) : move;
    if (where === 'answer' && !isTaken(output, changed)) continue;
    const state = where === 'context' ? withContext(from.state, path, other) : from.state;
    const answers = answersOf(state, changed);
    const flipped = answers.filter(({ use, passed }) =>
      own.some((one) => one.use.transition === use.transition && one.passed !== passed),
    );
    if (flipped.length === 0) continue;
    return flipped.map(({ use }) => ({
      guard: use.name,
      transition: use.transition,
      field: path.join('.'),
      place: placeName(from.state?.snapshot.value),
    }));
  }
  return [];
}

function isTaken(output: ZodType | undefined, move: Move): boolean {
  if (!output || !('output' in move)) return true;
  try {
    return output.safeParse(move.output).success;
  } catch {
    // What is checked asynchronously is not known here.
    return true;
  }
}

function withContext(
  state: RunState | undefined,
  path: readonly string[],
  value: unknown,
): RunState | undefined {
  if (!state) return undefined;
  const { snapshot } = state;
  return { ...state, snapshot: { ...snapshot, context: replaced(snapshot.context, path, value) } };
}

function withAnswer(move: Move, path: readonly string[], value: unknown): Move {
  return 'output' in move ? { ...move, output: replaced(move.output, path, value) } : move;
}

function replaced(whole: unknown, [key, ...rest]: readonly string[], value: unknown): unknown {
  if (key === undefined || typeof whole !== 'object' || whole === null) return value;
  if (Array.isArray(whole)) {
    return whole.map((part: unknown, index) => (String(index) === key ? replaced(part, rest, value) : part));
  }
  return { ...whole, [key]: replaced((whole as Readonly<Record<string, unknown>>)[key], rest, value) };
}
