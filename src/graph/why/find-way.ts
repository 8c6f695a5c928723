/**
 * The shortest way from where a run stands to where it takes an event: the graph of what it can still do, gone through
 * breadth first, and each way that is found folded over `advance` once more, from the run's own state.
 */
import type { AnyStateMachine, StateValue } from 'xstate';

import { advance, type StateView, viewState } from '../../engine/advance.ts';
import type { RunState } from '../../engine/run-state.ts';
import { type Answerer, mayAnswer, type Who } from '../../gates/person.ts';
import type { AnyWorkflow, WorkflowExample } from '../../workflow.ts';
import { explore, type ExploreOptions } from '../explore.ts';
import type { Graph, GraphEdge, GraphNode } from '../graph.ts';
import { messageOf, type Move, timeOf } from '../moves.ts';
import { nameOfStep } from '../paths/path-name.ts';
import { transitionsOf } from '../transitions.ts';
import { type Acceptance, acceptanceOf, askedOf, type Standing } from './acceptance.ts';

export interface Way {
  readonly steps: readonly WayStep[];
  /** How the event is taken at its end. */
  readonly accepted: Acceptance;
}

export interface WayStep {
  /** As in `paths`: `issueRefund → refunded`, `APPROVE`, `after approvalTime`. */
  readonly name: string;
  readonly move: Move;
  readonly mover: Mover;
  /**
   * Milliseconds since the epoch, counted as if actors answered at once: only timers make time pass. An actor that was put off
   * comes later; see `mover.notBefore`.
   */
  readonly at: number;
  /** What it leads to. */
  readonly value: StateValue | undefined;
}

/** Who or what has to act. */
export type Mover =
  /** A person answers what they are asked. `who`: who may; left out: anyone. */
  | { readonly type: 'person'; readonly question: string; readonly who?: Who }
  /** Somebody sends an event that is no answer to a question. */
  | { readonly type: 'sender' }
  | { readonly type: 'timer'; readonly firesAt: number }
  /** `notBefore`: it was put off until then. */
  | { readonly type: 'actor'; readonly path: string; readonly src: string; readonly notBefore?: number };

export interface Wanted {
  readonly type: string;
  /** Whether it is an event that is asked for, and not merely one of its type. */
  isWanted(move: Extract<Move, { readonly type: 'event' }>): boolean;
  readonly by: Answerer | undefined;
  readonly examples: ReadonlyArray<WorkflowExample<unknown>>;
  readonly maxStates: number;
}

export interface Search {
  readonly way?: Way;
  /** How many states were looked at. */
  readonly states: number;
  /** Whether these are all that the run can still come to, with the outcomes that were tried. */
  readonly whole: boolean;
}

/** A short way is found among few states, so these are looked through first, then so many times as many. */
const fewStates = 64;
const growth = 8;

export function findWay(workflow: AnyWorkflow, from: Standing, wanted: Wanted): Search {
  const { type, examples, maxStates } = wanted;
  const look = (options: Pick<ExploreOptions, 'maxNodes' | 'variants' | 'isEnough'>): Search => {
    const graph = explore(workflow, { examples, from, ...options });
    const states = graph.nodes.filter(({ explored }) => explored).length;
    const way = firstWay(workflow, from, wanted, graph);
    return { ...(way ? { way } : {}), states, whole: states === graph.nodes.length };
  };
  const isOver = ({ way, whole }: Search): boolean => way !== undefined || whole;

  const machine = workflow.machine as AnyStateMachine;
  const taking = transitionsOf(machine).filter((one) => one.machine === '' && one.on === type);
  let isCut = false;
  const isEnough = (taken: ReadonlySet<string>): boolean => (isCut = taking.some(({ id }) => taken.has(id)));
  let search = look({ maxNodes: maxStates, isEnough });
  // The event that was taken first was not the one that is wanted.
  for (let most = fewStates; isCut && !isOver(search); most *= growth) {
    const maxNodes = Math.min(most, maxStates);
    search = look({ maxNodes });
    isCut = search.states === maxNodes && maxNodes < maxStates;
  }
  // States were left out because there are many others at their place, which are not quite the same.
  if (!isOver(search) && search.states < maxStates)
    search = look({ maxNodes: maxStates, variants: Infinity });
  return search;
}

function firstWay(workflow: AnyWorkflow, from: Standing, wanted: Wanted, graph: Graph): Way | undefined {
  const { type, isWanted, by } = wanted;
  const into = new Map<GraphNode, GraphEdge | undefined>([[graph.start, undefined]]);
  for (const [node] of into) {
    for (const edge of node.out) {
      if (!into.has(edge.to)) into.set(edge.to, edge);
      if (edge.move.type !== 'event' || edge.move.name !== type) continue;
      if (by && node.view.questions.some((question) => !mayAnswer(question, type, by))) continue;
      for (const move of [edge.move, ...edge.alike]) {
        if (move.type !== 'event' || !isWanted(move)) continue;
        const way = followed(workflow, from, routeTo(node, into), move, by);
        if (way) return way;
      }
    }
  }
  return undefined;
}

function routeTo(node: GraphNode, into: ReadonlyMap<GraphNode, GraphEdge | undefined>): readonly Move[] {
  const route: Move[] = [];
  for (let edge = into.get(node); edge; edge = into.get(edge.from)) route.unshift(edge.move);
  return route;
}

/** A node stands for all states that go on alike; here are the states themselves. Undefined if they do not. */
function followed(
  workflow: AnyWorkflow,
  from: Standing,
  route: readonly Move[],
  last: Extract<Move, { readonly type: 'event' }>,
  by: Answerer | undefined,
): Way | undefined {
  let { state, now } = from;
  const steps: WayStep[] = [];
  for (const move of route) {
    const at = timeOf(move, state, now);
    const mover = moverOf(move, state, viewState(workflow, state), at);
    const message = messageOf(move, state, at);
    const led = message && advance(workflow, state, message);
    if (!led?.accepted) return undefined;
    ({ state } = led);
    now = at;
    steps.push({ name: nameOfStep(move, led.verdicts), move, mover, at, value: state.snapshot.value });
  }
  const accepted = acceptanceOf(workflow, { state, now }, last.event, by);
  return accepted && { steps, accepted };
}

function moverOf(move: Move, { invocations }: RunState, { questions }: StateView, at: number): Mover {
  switch (move.type) {
    case 'timer':
      return { type: 'timer', firesAt: at };
    case 'answer': {
      const { path } = move;
      const { src = path, notBefore } = invocations.find((one) => one.path === path) ?? {};
      return { type: 'actor', path, src, ...(notBefore === undefined ? {} : { notBefore }) };
    }
    case 'start':
    case 'event': {
      const asked = askedOf(questions, move.name);
      if (!asked) return { type: 'sender' };
      const { title: question, who } = asked;
      return { type: 'person', question, ...(who ? { who } : {}) };
    }
  }
}
