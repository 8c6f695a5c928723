/**
 * What an explored graph tells of two inputs without asking `advance`: where a run stands after both orders.
 *
 * It only says where to look closely. What is not in the graph, or cannot be told from it, is `unknown`.
 */
import { isDeepStrictEqual } from 'node:util';

import { canonical } from '../fold.ts';
import type { GraphEdge, GraphNode } from '../graph.ts';
import type { Move } from '../moves.ts';
import type { RaceKind } from './both-orders.ts';

/** Two payloads, one of each input, and what the graph tells of them. */
export interface Glance {
  readonly first: Move;
  readonly second: Move;
  /** What the two take when they come second. */
  readonly taken: string;
  /** Undefined: whether one of them is lost is not known. */
  readonly kind: RaceKind | undefined;
  /**
   * Whether both orders lead to different nodes, but for the order in which things were begun. `perhaps`: not as far as is known,
   * but what is written on the way may differ.
   */
  readonly differs: boolean | 'perhaps';
}

export type QuickLook = (first: GraphEdge, second: GraphEdge) => readonly Glance[];

/** What comes of an input that comes second: the edge that it takes, or that it is lost, or that the graph does not tell. */
type Second = GraphEdge | 'lost' | 'unknown';

/** The look gives one glance for each way in which some payloads of the two inputs are told apart. */
export function createQuickLook(): QuickLook {
  const nextOf = new Map<GraphNode, ReadonlyMap<string, GraphEdge>>();
  const placeOf = new Map<string, string>();
  const identityOf = createIdentities();

  const next = (node: GraphNode): ReadonlyMap<string, GraphEdge> => {
    const known = nextOf.get(node);
    if (known) return known;
    const made = new Map<string, GraphEdge>();
    for (const edge of node.out) {
      if (!isLate(edge.move)) for (const move of movesOf(edge)) made.set(identityOf(move), edge);
    }
    nextOf.set(node, made);
    return made;
  };

  /** What comes of each payload of the input `second` after `first`, with the first payload of which that comes. */
  const seconds = (first: GraphEdge, second: GraphEdge): Map<Second, Move> => {
    const known = new Map<Second, Move>();
    for (const move of movesOf(second)) {
      const then = isGone(first, move) ? 'lost' : afterwards(first, move);
      if (!known.has(then)) known.set(then, move);
    }
    return known;
  };

  const afterwards = ({ to }: GraphEdge, move: Move): Second =>
    to.explored
      ? (next(to).get(identityOf(move)) ?? (move.type === 'event' ? 'lost' : 'unknown'))
      : 'unknown';

  const place = ({ place: exact, state }: GraphNode): string => {
    const known = placeOf.get(exact) ?? looselyPlaced(state);
    placeOf.set(exact, known);
    return known;
  };

  return (first, second) => {
    const glances: Glance[] = [];
    for (const [afterFirst, secondMove] of seconds(first, second)) {
      for (const [afterSecond, firstMove] of seconds(second, first)) {
        glances.push({
          first: firstMove,
          second: secondMove,
          taken: `${takenBy(afterFirst)}\n${takenBy(afterSecond)}`,
          kind: kindOf(afterFirst, afterSecond),
          differs: differs(first, afterFirst, second, afterSecond),
        });
      }
    }
    return glances;
  };

  function differs(
    first: GraphEdge,
    afterFirst: Second,
    second: GraphEdge,
    afterSecond: Second,
  ): Glance['differs'] {
    if (afterFirst === 'unknown' || afterSecond === 'unknown') return 'perhaps';
    const one = afterFirst === 'lost' ? first : afterFirst;
    const other = afterSecond === 'lost' ? second : afterSecond;
    if (one.to !== other.to) {
      // At one place, it is what they hold that differs.
      const isOnePlace = one.to.place === other.to.place;
      if (isOnePlace || place(one.to) !== place(other.to) || !holdSame(one.to, other.to)) return true;
    }
    // A timer that is armed anew at once looks the same as one that was let be.
    const isTimed = first.move.type === 'timer' || second.move.type === 'timer';
    return (isTimed || [first, second, one, other].some(writes)) && 'perhaps';
  }
}

function holdSame(one: GraphNode, other: GraphNode): boolean {
  return isDeepStrictEqual(one.state?.snapshot.context, other.state?.snapshot.context);
}

function takenBy(second: Second): string {
  return typeof second === 'string' ? second : second.transitions.join(' ');
}

function kindOf(one: Second, other: Second): RaceKind | undefined {
  if (one === 'lost' || other === 'lost') return 'first-wins';
  return one === 'unknown' || other === 'unknown' ? undefined : 'order';
}

/** Whether it has written to the context: one that is not written to stays the same object. */
function writes({ from, advanced: { state } }: GraphEdge): boolean {
  return from.state?.snapshot.context !== state.snapshot.context;
}

export function movesOf({ move, alike }: GraphEdge): readonly Move[] {
  return alike.length > 0 ? [move, ...alike] : [move];
}

/** The same input at another time: the order alone is asked about here. */
export function isLate(move: Move): boolean {
  return 'late' in move && move.late === true;
}

/** Whether the input cannot come any more once the edge was taken. Whether an event is accepted then, its node tells. */
function isGone({ from, advanced: { state } }: GraphEdge, move: Move): boolean {
  if (state.snapshot.status !== 'active') return true;
  if (move.type === 'timer') {
    const armed = (timers = state.timers): number | undefined =>
      timers.find(({ source, id }) => source === move.source && id === move.id)?.deadline;
    return armed() === undefined || armed() !== armed(from.state?.timers);
  }
  if (move.type !== 'answer') return false;
  const key = (invocations = state.invocations): string | undefined =>
    invocations.find(({ path }) => path === move.path)?.key;
  return key() === undefined || key() !== key(from.state?.invocations);
}

/** The same at each node for what is the same input: payloads and outcomes are made once for all nodes. */
function createIdentities(): (move: Move) => string {
  const ids = new WeakMap<object, number>();
  let made = 0;
  const idOf = (value: unknown): string => {
    if (typeof value !== 'object' || value === null) return `${typeof value} ${String(value)}`;
    const id = ids.get(value) ?? made++;
    ids.set(value, id);
    return String(id);
  };
  return (move) => {
    switch (move.type) {
      case 'start':
        return 'start';
      case 'event':
        return `event ${idOf(move.event)}`;
      case 'timer':
        return `timer ${move.source} ${move.id}`;
      case 'answer':
        return `${move.path} ${'error' in move ? `error ${idOf(move.error)}` : `output ${idOf(move.output)}`}`;
    }
  };
}

/** The place, whatever the order in which things were begun, and however long they still wait. */
function looselyPlaced(state: GraphNode['state']): string {
  if (!state) return '';
  const { snapshot, timers, invocations } = state;
  const { status, value, historyValue, children = {} } = snapshot;
  return canonical({
    status,
    value,
    historyValue,
    children: Object.fromEntries(Object.entries(children).map(([id, child]) => [id, child.snapshot.value])),
    timers: timers.map(({ source, target, event }) => canonical([source, target, event])).sort(),
    invocations: invocations.map(({ path, src }) => `${path} ${src}`).sort(),
  });
}
