/**
 * What an explored graph tells of two inputs without asking `advance`: where a run stands after both orders.
 *
 * It only says where to look closely. What is not in the graph, or cannot be told from it, is `unknown`.
 */
import type { GraphEdge, GraphNode } from '../graph.ts';
import type { Move } from '../moves.ts';
import { canonical } from '../fold.ts';

/** `same`: nothing was written, and both orders lead to one place. */
export type Look = 'order' | 'first-wins' | 'same' | 'unknown';

/** Two payloads, one of each input, and what the graph tells of them. */
export interface Glance {
  readonly first: Move;
  readonly second: Move;
  readonly look: Look;
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
        const look = lookOf(first, afterFirst, second, afterSecond);
        glances.push({ first: firstMove, second: secondMove, look });
      }
    }
    return glances;
  };

  function lookOf(first: GraphEdge, afterFirst: Second, second: GraphEdge, afterSecond: Second): Look {
    if (afterFirst === 'unknown' || afterSecond === 'unknown') return 'unknown';
    const one = afterFirst === 'lost' ? first : afterFirst;
    const other = afterSecond === 'lost' ? second : afterSecond;
    if (one.to !== other.to && place(one.to) !== place(other.to)) {
      return afterFirst === 'lost' || afterSecond === 'lost' ? 'first-wins' : 'order';
    }
    return [first, second, one, other].some(writes) ? 'unknown' : 'same';
  }
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
