/**
 * Effects that a failing run leaves standing, although an actor is named that undoes them.
 *
 * The search goes over nodes together with the effects that stand there, breadth first, so the first way that is found to
 * an end is a shortest one, and a loop ends where node and effects were there before.
 *
 * I1. An effect stands from when it was done, or may have been: its actor gave an output; its actor ended so that nobody
 *     knows (`OutcomeUnknown`; `TimedOut`, where a second try would do no harm, so that it gets no `OutcomeUnknown`); it is
 *     irreversible, and was stopped before it answered. Any other failure says that nothing was done.
 * I2. It no longer stands once its compensator was started after that and gave an output. To be started is not enough: a
 *     compensator fails like any actor, most of all on the day on which something else has failed, and a run that ends
 *     without waiting for it, or on its failure, ends with the effect standing and nobody knowing.
 * I3. No compensator can be made never to fail, so one way out is left: it was tried, gave no output, and a person has then
 *     answered a question. From there on it is theirs. A person who answers before it was tried has undone nothing.
 * I4. Effects are told apart by `src`. One that is repeated stands as long as its last performance is not undone: a
 *     compensator that was started before it does not count, one that was started after it counts for all of them.
 */
import { OutcomeUnknown, TimedOut } from '../../../errors.ts';
import type { DurableActor } from '../../../invocation.ts';
import { actorOf } from '../../actor-of.ts';
import type { GraphEdge, GraphNode } from '../../graph.ts';
import type { Route } from '../../paths/routes.ts';
import { type ActorsOnEdge, actorsOnEdge, type EndedActor } from '../actors-on-edge.ts';
import { isAnswered } from '../answered.ts';
import { placeName } from '../place-name.ts';
import type { Found, Rule, Subject } from '../rule.ts';

export const notCompensated: Rule = {
  id: 'not-compensated',
  severity: 'error',
  explains:
    'What was done, and was to be undone if the rest fails, is left as it is. A run fails if it ends with an error, or in a final state that has the tag `failed`.',
  fix: 'Start the compensator on every failing way and wait for its output; where it fails too, ask a person before the run ends. If that end is no failure, take the tag `failed` off it.',
  *find(subject: Subject): Iterable<Found> {
    const effects = effectsIn(subject);
    if (effects.size === 0) return;
    const found = new Map<string, Found>();
    for (const { edge, standing, way } of failingEnds(subject, effects)) {
      for (const [src, how] of standing) {
        const end = nameOfEnd(edge);
        const where = `${src} ${end.place}`;
        // Of what only may have been done, who has looked may have found that there is nothing to undo.
        const severity = how.certain ? 'error' : 'warning';
        const known = found.get(where);
        if (known && (known.severity === 'error' || severity === 'warning')) continue;
        const compensator = effects.get(src)?.compensators[0] ?? '';
        const message = `\`${src}\` is not undone where ${end.said}: ${why(compensator, how)}.`;
        found.set(where, { where, message, witness: routeOf(way), severity });
      }
    }
    yield* found.values();
  },
};

interface Effect {
  readonly actor: DurableActor;
  /** Its compensator in its own machine, then those of that name in the machines above. */
  readonly compensators: readonly string[];
}

/** By `src`, of the actors that some run starts. */
function effectsIn({ graph, workflow }: Subject): ReadonlyMap<string, Effect> {
  const effects = new Map<string, Effect>();
  const started = new Set(graph.edges.flatMap(({ advanced }) => advanced.started.map(({ src }) => src)));
  for (const src of started) {
    const actor = actorOf(workflow, src);
    if (!actor?.compensatedBy) continue;
    const machines = src.split('/').slice(0, -1);
    const compensators = [...machines.keys(), machines.length]
      .map((depth) => [...machines.slice(0, depth), actor.compensatedBy].join('/'))
      .reverse();
    effects.set(src, { actor, compensators });
  }
  return effects;
}

/** How far it has come with undoing an effect that stands. */
interface Undoing {
  /** Paths of the compensators that were started since, and have not ended. */
  readonly by: readonly string[];
  /** One was started since, and gave no output. */
  readonly tried: boolean;
  /** Its actor gave an output: it was done, and not only may have been. */
  readonly certain: boolean;
}

/** By the effect's `src`. */
type Standing = ReadonlyMap<string, Undoing>;

/** A way from the start, from its end backwards. */
interface Way {
  readonly node: GraphNode;
  readonly standing: Standing;
  readonly last?: { readonly edge: GraphEdge; readonly before: Way };
}

interface FailingEnd {
  /** The last edge of the way. */
  readonly edge: GraphEdge;
  readonly standing: Standing;
  readonly way: Way;
}

function* failingEnds({ graph }: Subject, effects: ReadonlyMap<string, Effect>): Iterable<FailingEnd> {
  const actors = new Map<GraphEdge, ActorsOnEdge>();
  const visited = new Set<string>();
  const ways: Way[] = [{ node: graph.start, standing: new Map() }];
  for (const way of ways) {
    for (const edge of way.node.out) {
      const seen = actors.get(edge) ?? actorsOnEdge(edge);
      actors.set(edge, seen);
      const standing = standingAfter(edge, seen, way.standing, effects);
      const next: Way = { node: edge.to, standing, last: { edge, before: way } };
      const { size } = visited;
      if (visited.add(`${edge.to.id} ${nameOfStanding(standing)}`).size === size) continue;
      if (hasFailed(edge)) yield { edge, standing, way: next };
      ways.push(next);
    }
  }
}

function standingAfter(
  edge: GraphEdge,
  { ended, started }: ActorsOnEdge,
  before: Standing,
  effects: ReadonlyMap<string, Effect>,
): Standing {
  const standing = new Map(before);
  if (isAnswered(edge)) {
    for (const [src, { tried }] of before) if (tried) standing.delete(src);
  }
  for (const one of ended) {
    for (const [src, how] of standing) {
      const { by } = how;
      if (!by.includes(one.path)) continue;
      if (one.how === 'output') standing.delete(src);
      else standing.set(src, { ...how, by: by.filter((path) => path !== one.path), tried: true });
    }
    const effect = effects.get(one.src);
    if (effect && mayBeDone(one, effect.actor)) {
      standing.set(one.src, { by: [], tried: false, certain: one.how === 'output' });
    }
  }
  for (const { src: compensator, path } of started) {
    for (const [src, undoing] of standing) {
      if (!effects.get(src)?.compensators.includes(compensator)) continue;
      standing.set(src, { ...undoing, by: [...undoing.by, path].sort() });
    }
  }
  return standing;
}

function mayBeDone(ended: EndedActor, { irreversible, idempotent }: DurableActor): boolean {
  switch (ended.how) {
    case 'output':
      return true;
    case 'stopped':
      return irreversible;
    case 'error':
      return (
        ended.error instanceof OutcomeUnknown ||
        (ended.error instanceof TimedOut && irreversible && idempotent)
      );
  }
}

function nameOfStanding(standing: Standing): string {
  return [...standing]
    .map(([src, { by, tried, certain }]) =>
      [src, tried ? 'tried' : '', certain ? 'done' : '', ...by].join(' '),
    )
    .sort()
    .join('\n');
}

/** What an actor that tells nothing of itself was guessed to answer proves no error. */
function hasFailed({ to, move, advanced }: GraphEdge): boolean {
  const { status } = to.state?.snapshot ?? {};
  return status === 'error' ? !('guessed' in move) : status === 'done' && advanced.tags.includes('failed');
}

function nameOfEnd({ from, to }: GraphEdge): { readonly place: string; readonly said: string } {
  const isError = to.state?.snapshot.status === 'error';
  const place = placeName((isError ? from : to).state?.snapshot.value);
  return { place, said: isError ? `the run fails in \`${place}\`` : `the run ends in \`${place}\`` };
}

function why(compensator: string, { by, tried }: Undoing): string {
  if (by.length > 0) return `\`${compensator}\` was started, and its answer is not waited for`;
  return tried
    ? `\`${compensator}\` was started and gave no output, and no person was asked after that`
    : `\`${compensator}\` was not started`;
}

function routeOf(way: Way): Route {
  const route: GraphEdge[] = [];
  for (let { last } = way; last; { last } = last.before) route.unshift(last.edge);
  return route;
}
