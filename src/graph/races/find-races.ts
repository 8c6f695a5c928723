/**
 * Races in an explored graph: pairs of inputs that may come in either order in one state, where the order makes a difference.
 *
 * I1. A race is told only of what `advance` makes of both orders in a state that a run comes to. What was not gone on from
 *     proves nothing.
 * I2. One race is told for each part of the state, pair of inputs with the transitions that these take when they come first,
 *     and kind; it is the nearest to the start.
 * I3. It takes a bounded number of calls of `advance` for each of these. The graph says where a call is worth it: everywhere
 *     where it leads to different places, and at a few of the nodes where it does not, since what the graph folds away (the
 *     context that no guard reads) may differ still.
 */
import type { AnyStateMachine } from 'xstate';

import type { AnyWorkflow } from '../../workflow.ts';
import type { Graph, GraphEdge, GraphNode } from '../graph.ts';
import type { Move } from '../moves.ts';
import { nameOfStep } from '../paths/path-name.ts';
import type { Route, Routes } from '../paths/routes.ts';
import { type BothOrders, createOrderComparison, type RaceKind } from './both-orders.ts';
import { createQuickLook, isLate, movesOf } from './quick-look.ts';
import { createRacePlace } from './race-place.ts';

export interface FoundRace {
  readonly kind: RaceKind;
  /** The part of the state in which they meet. */
  readonly state: string;
  /** The state and both names: `asking APPROVE / after approvalTime`. */
  readonly where: string;
  /** `APPROVE`, `draftReply → ok`, `after approvalTime`. */
  readonly first: string;
  readonly second: string;
  /** Those of the two that are lost if they come second. */
  readonly lost: readonly string[];
  readonly differs: readonly string[];
  /** From the start over both: the first before the second, and after it. What is lost is not in it. */
  readonly routes: readonly [Route, Route];
}

/** As often as `advance` is asked about a pair, and about one way of it in which the graph sees no difference. */
const mostAsked = 48;
const mostUnseen = 8;

/** As many payloads are tried at one node, where the graph sees no difference between them. */
const mostPayloads = 2;

interface Pair {
  readonly state: string;
  readonly found: Map<RaceKind, FoundRace>;
  /** How often it was asked about what the graph sees no difference in, by what the two take when they come second. */
  readonly unseen: Map<string, number>;
  asked: number;
}

export function findRaces(workflow: AnyWorkflow, graph: Graph, routes: Routes): readonly FoundRace[] {
  const place = createRacePlace(workflow.machine as AnyStateMachine);
  const look = createQuickLook();
  const compare = createOrderComparison(workflow);
  const pairs = new Map<string, Pair>();

  for (const node of nearestFirst(graph.nodes, routes)) {
    const edges = inputsAt(node);
    for (const [index, one] of edges.entries()) {
      for (const other of edges.slice(index + 1)) {
        if (mayComeInEitherOrder(one.edge.move, other.edge.move)) lookAt(node, one, other);
      }
    }
  }
  return [...pairs.values()].flatMap(({ found }) => [...found.values()]);

  function lookAt(node: GraphNode, one: Input, other: Input): void {
    const [first, second] = one.name <= other.name ? [one, other] : [other, one];
    const pair = pairAt(node, first, second);
    if (isThrough(pair)) return;
    const askAbout = (a: Move, b: Move): void =>
      ask(pair, node, { ...first, move: a }, { ...second, move: b });
    for (const { first: a, second: b, taken, kind, differs } of look(first.edge, second.edge)) {
      if (!differs || isThrough(pair) || (kind && pair.found.has(kind))) continue;
      if (differs === true) {
        pair.asked += 1;
        askAbout(a, b);
        continue;
      }
      const unseen = pair.unseen.get(taken) ?? 0;
      // Others at each node, so that few calls try many.
      const some = payloads(first.edge, second.edge);
      const times = Math.min(mostPayloads, some.length, mostUnseen - unseen);
      if (times > 0) askAbout(a, b);
      for (let time = 1; time < times; time++) askAbout(...(some[(unseen + time) % some.length] ?? [a, b]));
      pair.unseen.set(taken, unseen + times);
      pair.asked += times;
    }
  }

  function pairAt({ state }: GraphNode, first: Input, second: Input): Pair {
    const transitions = [...first.edge.transitions, ...second.edge.transitions];
    const where = place(state?.snapshot.value, transitions);
    const key = `${where}\n${first.sign}\n${second.sign}`;
    const known = pairs.get(key) ?? { state: where, found: new Map(), unseen: new Map(), asked: 0 };
    pairs.set(key, known);
    return known;
  }

  function ask({ state, found }: Pair, node: GraphNode, one: Moving, other: Moving): void {
    if (!node.state) return;
    const both = compare({ state: node.state, now: node.now }, one.move, other.move);
    if (!both || both.differs.length === 0) return;
    const kind = both.firstLost || both.secondLost ? 'first-wins' : 'order';
    if (found.has(kind)) return;
    const first = nameOfStep(one.move, []);
    const second = nameOfStep(other.move, []);
    found.set(kind, {
      kind,
      state,
      where: `${state} ${one.name} / ${other.name}`,
      first,
      second,
      lost: [...(both.firstLost ? [first] : []), ...(both.secondLost ? [second] : [])],
      differs: both.differs,
      routes: routesOver(routes.to(node), one, other, both),
    });
  }
}

interface Input {
  readonly edge: GraphEdge;
  readonly name: string;
  /** The name and the transitions: what makes it another race. */
  readonly sign: string;
}

interface Moving extends Input {
  readonly move: Move;
}

function nearestFirst(nodes: readonly GraphNode[], routes: Routes): GraphNode[] {
  return nodes
    .filter(({ state, explored }) => explored && state?.snapshot.status === 'active')
    .map((node) => ({ node, distance: routes.to(node).length }))
    .sort((one, other) => one.distance - other.distance)
    .map(({ node }) => node);
}

function inputsAt({ out }: GraphNode): Input[] {
  return out.flatMap((edge) => {
    const { move, transitions } = edge;
    const { name } = move;
    if (isLate(move)) return [];
    return [{ edge, name, sign: [move.type, 'path' in move ? move.path : name, ...transitions].join(' ') }];
  });
}

/** Two answers of one invocation, two payloads of one event and two timers do not. */
function mayComeInEitherOrder(one: Move, other: Move): boolean {
  if (one.type === 'answer' && other.type === 'answer') return one.path !== other.path;
  return one.type !== other.type || (one.type === 'event' && one.name !== other.name);
}

function isThrough({ found, asked }: Pair): boolean {
  return found.size === 2 || asked >= mostAsked;
}

/** Each payload of one input with the first of the other. */
function payloads(first: GraphEdge, second: GraphEdge): ReadonlyArray<readonly [Move, Move]> {
  const some = movesOf(first).map((move) => [move, second.move] as const);
  const others = movesOf(second).slice(1);
  return [...some, ...others.map((move) => [first.move, move] as const)];
}

function routesOver(to: Route, one: Moving, other: Moving, both: BothOrders): [Route, Route] {
  const steps = (before: Moving, after: Moving, isLost: boolean): Route => {
    const { edge } = before;
    const first = after.move.type === 'timer' ? firstBefore(after.move, before) : before.move;
    const begun = { ...edge, move: first ?? before.move };
    return isLost || !first ? [...to, begun] : [...to, begun, { ...after.edge, move: after.move }];
  };
  return [steps(one, other, both.secondLost), steps(other, one, both.firstLost)];
}

type TimerMove = Extract<Move, { readonly type: 'timer' }>;

/** What comes before a timer comes late if it arms another that would fire before it. Undefined if that would still do so. */
function firstBefore({ source, id }: TimerMove, { move, edge }: Moving): Move | undefined {
  const { from, advanced } = edge;
  const { timers } = advanced.state;
  const sooner = timers.slice(
    0,
    timers.findIndex((timer) => timer.source === source && timer.id === id),
  );
  if (sooner.length === 0 || (move.type !== 'answer' && move.type !== 'event')) return move;
  return sooner.every(({ deadline }) => deadline - from.now > 1) ? { ...move, late: true } : undefined;
}
