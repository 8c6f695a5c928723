/**
 * What a model said, followed to where it is used without that a gate or a person has looked at it.
 *
 * It is found by telling the model's answer otherwise: one field at a time, from the answer on, over all ways on, errors and
 * timers included. As long as the run goes the same way with both answers, a gate that looks at what differs ends the search,
 * and so does a person who answers a question. If an invocation then starts with another input, nothing stood between.
 */
import { advance } from '../../engine/advance.ts';
import type { Advanced, RunState } from '../../engine/run-state.ts';
import type { DurableActor } from '../../invocation.ts';
import { actorOf } from '../actor-of.ts';
import { canonical } from '../fold.ts';
import type { GraphEdge, GraphNode } from '../graph.ts';
import { messageOf, type Move } from '../moves.ts';
import { isEnd, type Route } from '../paths/routes.ts';
import type { GatesAsked } from '../watch/watch-entry.ts';
import { transitionsTaken, watchedWorkflow, type WatchedWorkflow } from '../watch/watched-workflow.ts';
import { isAnswered } from './answered.ts';
import { changedPlaces, type Otherwise, toldOtherwise } from './differing.ts';
import type { Subject } from './rule.ts';

/** Which uses of which parts of an answer count. */
export interface Following {
  /** Of an answer of this actor, whether the part at that place (`/parts/0/text`) is followed. */
  follows(actor: DurableActor, place: string): boolean;
  /** Whether an invocation of that `src` counts, if its input differs at these places. */
  counts(src: string, differs: () => readonly string[]): boolean;
}

export interface Use {
  /** `src` of the actor that is given it. */
  readonly src: string;
  /** Who said it, by the name of its moves. */
  readonly actor: string;
  /** Path in the answer: `amount`. Empty for all of it. */
  readonly field: string;
  /** From the start to the use; a shortest one from the answer on. */
  readonly route: Route;
}

/** Each use of each field once. */
export function* usesOf(subject: Subject, following: Following): Iterable<Use> {
  const told = new Set<string>();
  let watched: WatchedWorkflow | undefined;
  for (const said of answersOfModels(subject, following)) {
    watched ??= watchedWorkflow(subject.workflow, { gates: true });
    for (const use of usesFrom(said, following, watched)) {
      const { size } = told;
      if (told.add(`${use.src} ${use.actor}.${use.field}`).size === size) continue;
      yield { ...use, route: [...subject.routes.to(said.edge.from), ...use.route] };
    }
  }
}

/** Where it is, as findings have it: `refund decide.amount`. */
export function placeOfUse({ src, actor, field }: Use): string {
  return `${src} ${[actor, field].filter(Boolean).join('.')}`;
}

export function partOfAnswer({ actor, field }: Use): string {
  return field === '' ? `what \`${actor}\` said` : `\`${field}\` of what \`${actor}\` said`;
}

interface Said {
  /** With this answer for its move. */
  readonly edge: GraphEdge & { readonly move: Answer };
  readonly state: RunState;
  readonly told: readonly Otherwise[];
}

type Answer = Extract<Move, { readonly output: unknown }>;

/** By state, actor and way on, each part of an answer once: other answers go on alike. */
function answersOfModels({ graph, workflow }: Subject, { follows }: Following): Said[] {
  const seen = new Set<string>();
  const all: Said[] = [];
  // The same outputs come again in state after state.
  const changes = new Map<unknown, readonly Otherwise[]>();
  for (const edge of graph.edges) {
    const { from, transitions } = edge;
    const { state } = from;
    if (!state || edge.move.type !== 'answer') continue;
    const { path } = edge.move;
    const src = state.invocations.find((one) => one.path === path)?.src;
    const actor = src === undefined ? undefined : actorOf(workflow, src);
    if (!actor?.fallible) continue;
    const way = [canonical(state.snapshot.value), path, ...transitions].join(' ');
    for (const move of [edge.move, ...edge.alike]) {
      if (move.type !== 'answer' || !('output' in move)) continue;
      const told = changes.get(move.output) ?? toldOtherwise(move.output);
      changes.set(move.output, told);
      const fresh = told.filter(({ place }) => !seen.has(`${way} ${anyItem(place)}`));
      for (const { place } of fresh) seen.add(`${way} ${anyItem(place)}`);
      const followed = fresh.filter(({ place }) => follows(actor, place));
      if (followed.length > 0) all.push({ edge: { ...edge, move }, state, told: followed });
    }
  }
  return all;
}

/** The items of a list are much of a muchness. */
function anyItem(place: string): string {
  return place.replaceAll(/\/\d+(?=\/|$)/g, '/#');
}

/** A run with the answer told otherwise in one field, which has gone the same way so far. */
interface Other extends Otherwise {
  readonly id: number;
  readonly state: RunState;
}

interface Reached {
  readonly node: GraphNode;
  readonly state: RunState;
  readonly others: readonly Other[];
  readonly route: Route;
}

function* usesFrom(said: Said, { counts }: Following, { workflow, take }: WatchedWorkflow): Iterable<Use> {
  const step = (state: RunState, move: Move, at: number): Advanced | undefined => {
    const message = messageOf(move, state, at);
    const led = message && advance(workflow, state, message);
    return led?.accepted ? led : undefined;
  };

  /** Goes on over an edge with all that are still alike, and tells of the invocations that are not. */
  function* over(
    edge: GraphEdge,
    before: Reached,
    moveOf: (other: Other) => Move,
  ): Generator<Use, Reached | undefined> {
    const at = edge.to.now;
    take();
    const led = step(before.state, edge.move, at);
    const asked = take().flatMap((entry) =>
      entry.type === 'guard' && entry.passed && entry.gates ? [entry.gates] : [],
    );
    if (!led) return undefined;
    const route = [...before.route, edge];
    const way = transitionsTaken(led.actions).join(' ');
    const others: Other[] = [];
    for (const other of before.others) {
      const otherLed = step(other.state, moveOf(other), at);
      take();
      if (!otherLed || transitionsTaken(otherLed.actions).join(' ') !== way) continue;
      const after = changedPlaces(led.state.snapshot.context, otherLed.state.snapshot.context);
      if (asked.length > 0) {
        // A gate may look before something is written, or after.
        const differs = [
          ...changedPlaces(before.state.snapshot.context, other.state.snapshot.context),
          ...after,
        ];
        const answered = edge === said.edge ? other.place : undefined;
        if (asked.some((gates) => looksAt(gates, differs, answered))) continue;
      }
      for (const { src, path, input } of led.started) {
        const same = otherLed.started.find((started) => started.path === path);
        if (canonical(same?.input) === canonical(input)) continue;
        if (counts(src, () => changedPlaces(input, same?.input))) {
          yield { src, actor: said.edge.move.name, field: other.field, route };
        }
      }
      if (after.length > 0 || !goOnAlike(led.state, otherLed.state)) {
        others.push({ ...other, state: otherLed.state });
      }
    }
    return others.length === 0 ? undefined : { node: edge.to, state: led.state, others, route };
  }

  const { edge: answer, state } = said;
  const told = said.told.map((other, id): Other => ({ ...other, id, state }));
  const start: Reached = { node: answer.from, state, others: told, route: [] };
  const first = yield* over(answer, start, ({ value }) => ({ ...answer.move, output: value }));
  // Another way to the same state may have kept what a gate has taken from this one.
  const visited = new Set<string>();
  const unvisited = (place: string, { id }: Other): boolean => {
    const { size } = visited;
    return visited.add(`${id} ${place}`).size > size;
  };
  const queue = first ? [first] : [];
  for (const reached of queue) {
    const { node } = reached;
    const place = canonical(node.state?.snapshot.value);
    const going = { ...reached, others: reached.others.filter((other) => unvisited(place, other)) };
    if (isEnd(node) || going.others.length === 0) continue;
    for (const edge of node.out) {
      if (isAnswered(edge)) continue;
      const next = yield* over(edge, going, () => edge.move);
      if (next) queue.push(next);
    }
  }
}

/** Nothing of what was told otherwise is left, whatever comes. What is pending was told apart when it was started. */
function goOnAlike(one: RunState, other: RunState): boolean {
  return canonical([one.snapshot, one.timers]) === canonical([other.snapshot, other.timers]);
}

/** Whether gates looked at what differs: in the context, or in the answer, if it has just come. */
function looksAt(
  { context, event }: GatesAsked,
  differs: readonly string[],
  answered: string | undefined,
): boolean {
  const inContext = differs.some((place) => isRead(context, place));
  return inContext || (answered !== undefined && isRead(event, `/output${answered}`));
}

/** Whether the value at a place, or all of something that holds it, was read. */
function isRead(reads: ReadonlySet<string>, place: string): boolean {
  if (reads.has(`=${place}`) || reads.has('*')) return true;
  return [...reads].some((read) => read.startsWith('*') && place.startsWith(`${read.slice(1)}/`));
}
