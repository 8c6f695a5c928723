import { describeError } from '../../../plain-error.ts';
import type { Found, Rule, Subject } from '../rule.ts';

/** Actors of which nothing is known, and input: no schema, and no example. */
export const unknownAnswer: Rule = {
  id: 'unknown-answer',
  severity: 'warning',
  explains:
    'Nothing is known of what it answers, or of what runs are started with, so only nothing at all was tried, and failures.',
  fix: 'Make the actor with `fromTool` and an output schema, give the workflow an `input` schema, or give both in an example.',
  *find({ graph, routes }: Subject): Iterable<Found> {
    const told = new Set<string>();
    for (const edge of graph.edges) {
      const { move, from, to } = edge;
      if (!('guessed' in move) || told.has(move.name)) continue;
      const witness = routes.to(from);
      if (move.type === 'answer') {
        yield { where: move.name, message: `Nothing is known of what \`${move.name}\` answers.`, witness };
      } else if (move.type === 'start' && to.state?.snapshot.status === 'error') {
        const { message: said } = describeError(to.state.snapshot.error);
        const message = `Nothing is known of its input, and without any it fails as it starts, so nothing was tried: ${said}`;
        yield { where: 'input', message, witness };
      } else continue;
      told.add(move.name);
    }
  },
};
