/** Messages that end a run in failure: an error that no transition takes, or a machine that throws. */
import { actorOf } from '../../actor-of.ts';
import type { GraphEdge, GraphNode } from '../../graph.ts';
import type { Route } from '../../paths/routes.ts';
import { placeName } from '../place-name.ts';
import type { Found, Rule, Subject } from '../rule.ts';

/** The machine throws, or it fails with something done that cannot be taken back. */
export const runFails: Rule = {
  id: 'run-fails',
  severity: 'error',
  mayBeGuessed: true,
  explains:
    'The run fails as a whole, wherever it was, and nobody is asked: the machine throws, or it fails with something begun that cannot be taken back.',
  fix: 'Add `onError` to the invocation, or mend what throws.',
  *find(subject: Subject): Iterable<Found> {
    const { routes } = subject;
    const afterEffect = routesAfterEffect(subject);
    for (const { edges, where, message } of failuresOf(subject)) {
      const [first] = edges;
      if (!isUnhandled(first)) {
        // Its payload would be another.
        const severity = 'guessed' in first.move ? 'warning' : 'error';
        yield { where, message, witness: [...routes.to(first.from), first], severity };
        continue;
      }
      const [effect] = edges.flatMap((edge) => afterEffect(edge) ?? []);
      if (!effect) continue;
      const what = `\`${effect.src}\` cannot be taken back, and was begun before.`;
      yield { where, message: `${message} ${what}`, witness: effect.route };
    }
  },
};

/** An actor fails, nothing takes that, and no harm is done yet. */
export const failureNotHandled: Rule = {
  id: 'failure-not-handled',
  severity: 'warning',
  explains:
    'If the actor fails for good, the run fails as a whole. What can fail should lead somewhere: to another try, another way, or a person.',
  fix: 'Add `onError` to the invocation.',
  *find(subject: Subject): Iterable<Found> {
    const afterEffect = routesAfterEffect(subject);
    for (const { edges, where, message } of failuresOf(subject)) {
      const [first] = edges;
      if (!isUnhandled(first) || edges.some((edge) => afterEffect(edge))) continue;
      yield { where, message, witness: [...subject.routes.to(first.from), first] };
    }
  },
};

interface Failure {
  readonly edges: readonly [GraphEdge, ...GraphEdge[]];
  readonly where: string;
  readonly message: string;
}

/** One for each state and way to fail. */
function failuresOf({ graph }: Subject): Iterable<Failure> {
  const failures = new Map<string, Failure>();
  for (const edge of graph.edges) {
    const { status } = edge.to.state?.snapshot ?? {};
    // What an actor that tells nothing of itself was guessed to answer proves nothing.
    if (status !== 'error' || ('guessed' in edge.move && edge.move.type !== 'event')) continue;
    const where = placeName(edge.from.state?.snapshot.value);
    const message = describe(edge, where);
    const known = failures.get(message);
    failures.set(message, { edges: known ? [...known.edges, edge] : [edge], where, message });
  }
  return failures.values();
}

function isUnhandled({ move, transitions }: GraphEdge): boolean {
  return 'error' in move && transitions.length === 0;
}

function describe(edge: GraphEdge, where: string): string {
  const { move, to } = edge;
  if (isUnhandled(edge)) return `Nothing handles a failure of \`${move.name}\` in \`${where}\`.`;
  const error: unknown = to.state?.snapshot.error;
  const said = error instanceof Error ? error.message : String(error);
  return move.type === 'start'
    ? `It fails as it starts: ${said}`
    : `On ${move.name} in \`${where}\` it fails: ${said}`;
}

interface AfterEffect {
  /** The irreversible actor. */
  readonly src: string;
  /** From the start, over the effect, to the end of the edge. */
  readonly route: Route;
}

/** Tells whether something irreversible may have been begun before an edge, and on which way. */
function routesAfterEffect({
  workflow,
  graph,
  routes,
}: Subject): (edge: GraphEdge) => AfterEffect | undefined {
  const begunOn = ({ advanced }: GraphEdge): string | undefined =>
    advanced.started.find(({ src }) => actorOf(workflow, src)?.irreversible)?.src;
  // By node, the edge by which the shortest way from an effect comes to it: breadth first, from all effects at once.
  const came = new Map<GraphNode, GraphEdge>();
  for (const edge of graph.edges) if (begunOn(edge) && !came.has(edge.to)) came.set(edge.to, edge);
  for (const node of came.keys())
    for (const edge of node.out) if (!came.has(edge.to)) came.set(edge.to, edge);

  return (last) => {
    const route = [last];
    for (let edge = came.get(last.from); edge; edge = came.get(edge.from)) {
      route.unshift(edge);
      const src = begunOn(edge);
      if (src !== undefined) return { src, route: [...routes.to(edge.from), ...route] };
    }
    return undefined;
  };
}
