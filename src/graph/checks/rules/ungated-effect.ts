/**
 * What a model said, put into an irreversible call that no gate and no person has looked at.
 *
 * It is found by telling the model's answer otherwise: one field at a time, from the answer on, over all ways on, errors and
 * timers included. As long as the run goes the same way with both answers, a gate that looks at what differs ends the search,
 * and so does a person who answers a question. If an irreversible call then starts with another input, nothing stood between.
 */
import { advance, performerOf } from '../../../engine/advance.ts';
import type { Advanced, RunState } from '../../../engine/run-state.ts';
import { durableActor } from '../../../invocation.ts';
import { canonical } from '../../fold.ts';
import type { GraphEdge, GraphNode } from '../../graph.ts';
import { messageOf, type Move } from '../../moves.ts';
import { isEnd, type Route } from '../../paths/routes.ts';
import type { GatesAsked } from '../../watch/watch-entry.ts';
import { transitionsTaken, watchedWorkflow } from '../../watch/watched-workflow.ts';
import { changedPlaces, type Otherwise, toldOtherwise } from '../differing.ts';
import type { Found, Rule, Subject } from '../rule.ts';

export const ungatedEffect: Rule = {
  id: 'ungated-effect',
  severity: 'error',
  explains:
    'A model may be wrong, and may be told to be by what it reads. What it says is put into something that cannot be taken back, and nothing looked at it in between.',
  fix: 'Judge it with a `gate` on the way, or ask a person.',
  *find(subject: Subject): Iterable<Found> {
    const told = new Set<string>();
    for (const said of answersOfModels(subject)) {
      for (const { effect, field, actor, route } of effectsOf(said, subject)) {
        const where = `${effect} ${[actor, field].filter(Boolean).join('.')}`;
        if (told.has(where)) continue;
        told.add(where);
        const what = field === '' ? `what \`${actor}\` said` : `\`${field}\` of what \`${actor}\` said`;
        yield {
          where,
          message: `\`${effect}\` cannot be taken back, and is given ${what} without a gate or a person in between.`,
          witness: [...subject.routes.to(said.from), ...route],
        };
      }
    }
  },
};

type Said = GraphEdge & { readonly move: Extract<Move, { readonly output: unknown }> };

/** One answer for each state, actor and way on: others go on alike. */
function answersOfModels({ graph, workflow }: Subject): Said[] {
  const first = new Map<string, Said>();
  for (const edge of graph.edges) {
    const { move, from, transitions } = edge;
    if (move.type !== 'answer' || !('output' in move)) continue;
    const src = from.state?.invocations.find(({ path }) => path === move.path)?.src;
    const logic = src === undefined ? undefined : performerOf(workflow, src);
    if (!logic || !durableActor(logic)?.fallible) continue;
    const name = [canonical(from.state?.snapshot.value), move.name, ...transitions].join(' ');
    if (!first.has(name)) first.set(name, edge as Said);
  }
  return [...first.values()];
}

interface Effect {
  /** The irreversible actor's `src`. */
  readonly effect: string;
  readonly actor: string;
  /** Path in the answer: `amount`. */
  readonly field: string;
  /** From the answer to the call. */
  readonly route: Route;
}

/** A run with the answer told otherwise in one field, which has gone the same way so far. */
interface Other extends Otherwise {
  readonly state: RunState;
}

interface Reached {
  readonly node: GraphNode;
  readonly state: RunState;
  readonly others: readonly Other[];
  readonly route: Route;
}

function* effectsOf(said: Said, { workflow }: Subject): Iterable<Effect> {
  const { workflow: watched, take } = watchedWorkflow(workflow, { gates: true });
  const step = (state: RunState, move: Move, at: number): Advanced | undefined => {
    const message = messageOf(move, state, at);
    const led = message && advance(watched, state, message);
    return led?.accepted ? led : undefined;
  };
  const irreversible = (src: string): boolean => {
    const logic = performerOf(workflow, src);
    return logic !== undefined && durableActor(logic)?.irreversible === true;
  };

  /** Goes on over an edge with all that are still alike, and tells of the irreversible calls that are not. */
  function* over(
    edge: GraphEdge,
    before: Reached,
    moveOf: (other: Other) => Move,
  ): Generator<Effect, Reached | undefined> {
    const at = edge.to.now;
    take();
    const led = step(before.state, edge.move, at);
    const asked = take().flatMap((entry) =>
      entry.type === 'guard' && entry.passed && entry.gates ? [entry.gates] : [],
    );
    if (!led) return undefined;
    const route = [...before.route, edge];
    const others: Other[] = [];
    for (const other of before.others) {
      const otherLed = step(other.state, moveOf(other), at);
      take();
      if (
        !otherLed ||
        transitionsTaken(otherLed.actions).join(' ') !== transitionsTaken(led.actions).join(' ')
      )
        continue;
      // A gate may look before something is written, or after.
      const differs = [
        ...changedPlaces(before.state.snapshot.context, other.state.snapshot.context),
        ...changedPlaces(led.state.snapshot.context, otherLed.state.snapshot.context),
      ];
      if (asked.some((gates) => looksAt(gates, differs, edge === said ? other.place : undefined))) continue;
      for (const { src, path, input } of led.started) {
        const same = otherLed.started.find((started) => started.path === path);
        if (irreversible(src) && canonical(same?.input) !== canonical(input)) {
          yield { effect: src, actor: said.move.name, field: other.field, route };
        }
      }
      others.push({ ...other, state: otherLed.state });
    }
    return others.length === 0 ? undefined : { node: edge.to, state: led.state, others, route };
  }

  const { from, move } = said;
  if (!from.state) return;
  const state = from.state;
  const others = toldOtherwise(move.output).map((other) => ({ ...other, state }));
  const start: Reached = { node: from, state, others, route: [] };
  const first = yield* over(said, start, ({ value }) => ({ ...move, output: value }));
  // Another way to the same state may have kept what a gate has taken from this one.
  const visited = new Set<string>();
  const unvisited = (place: string, other: Otherwise): boolean => {
    const { size } = visited;
    return visited.add(`${place} ${others.findIndex(({ value }) => value === other.value)}`).size > size;
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

/** A person answers what is asked: whatever was said before, they have seen it. */
function isAnswered({ move, from }: GraphEdge): boolean {
  return (
    move.type === 'event' &&
    from.view.questions.some(({ answers }) => answers.some(({ event }) => event === move.name))
  );
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
