import type { Found, Rule, Subject } from '../rule.ts';

/** Actors of which nothing is known: no schema of their output, and no example. */
export const unknownAnswer: Rule = {
  id: 'unknown-answer',
  severity: 'warning',
  explains:
    'Nothing is known of what it answers, so only its failures were tried, and what comes after them.',
  fix: 'Make it with `fromTool` and an output schema, or give `outputs` in an example of the workflow.',
  *find({ graph, routes }: Subject): Iterable<Found> {
    const told = new Set<string>();
    for (const edge of graph.edges) {
      const { move, from } = edge;
      if (!('guessed' in move) || told.has(move.name)) continue;
      told.add(move.name);
      const message = `Nothing is known of what \`${move.name}\` answers.`;
      yield { where: move.name, message, witness: routes.to(from) };
    }
  },
};
