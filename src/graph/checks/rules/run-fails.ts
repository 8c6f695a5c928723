import type { GraphEdge } from '../../graph.ts';
import { placeName } from '../place-name.ts';
import type { Found, Rule, Subject } from '../rule.ts';

/** Messages that end the run in failure: an error that no transition takes, or a machine that throws. */
export const runFails: Rule = {
  id: 'run-fails',
  severity: 'error',
  explains:
    'The run fails as a whole, wherever it was, and nobody is asked. What can fail should lead somewhere.',
  fix: 'Add `onError` to the invocation, or mend what throws.',
  *find({ graph, routes }: Subject): Iterable<Found> {
    const told = new Set<string>();
    for (const edge of graph.edges) {
      const { status } = edge.to.state?.snapshot ?? {};
      // What an actor that tells nothing of itself was guessed to answer proves nothing.
      if (status !== 'error' || 'guessed' in edge.move) continue;
      const where = placeName(edge.from.state?.snapshot.value);
      const message = describe(edge, where);
      if (told.has(message)) continue;
      told.add(message);
      yield { where, message, witness: [...routes.to(edge.from), edge] };
    }
  },
};

function describe({ move, to, transitions }: GraphEdge, where: string): string {
  const error: unknown = to.state?.snapshot.error;
  const said = error instanceof Error ? error.message : String(error);
  if ('error' in move && transitions.length === 0) {
    return `Nothing handles a failure of \`${move.name}\` in \`${where}\`.`;
  }
  return move.type === 'start'
    ? `It fails as it starts: ${said}`
    : `On ${move.name} in \`${where}\` it fails: ${said}`;
}
