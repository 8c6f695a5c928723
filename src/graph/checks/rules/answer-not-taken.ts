import { placeName } from '../place-name.ts';
import type { Found, Rule, Subject } from '../rule.ts';

/** Answers after which the invocation is over, and no transition was taken. */
export const answerNotTaken: Rule = {
  id: 'answer-not-taken',
  severity: 'error',
  mayBeGuessed: true,
  explains:
    'The actor has answered, no guard of its `onDone` passes, and the machine stays where it was without it.',
  fix: 'End the list of `onDone` with a transition that has no guard.',
  *find({ graph, routes }: Subject): Iterable<Found> {
    const told = new Set<string>();
    for (const edge of graph.edges) {
      const { move, transitions, from, to } = edge;
      if (move.type !== 'answer' || 'error' in move || 'guessed' in move || transitions.length > 0) continue;
      const where = placeName(from.state?.snapshot.value);
      const isOver = to.state?.invocations.length === 0 && to.state.snapshot.status === 'active';
      if (!isOver || told.has(`${where} ${move.name}`)) continue;
      told.add(`${where} ${move.name}`);
      yield {
        where,
        message: `\`${where}\` takes no answer of \`${move.name}\` such as: ${move.label}.`,
        witness: [...routes.to(from), edge],
      };
    }
  },
};
