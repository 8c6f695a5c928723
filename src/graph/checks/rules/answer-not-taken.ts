import type { GraphNode } from '../../graph.ts';
import { transitionsOf } from '../../transitions.ts';
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
  *find({ graph, routes, machine }: Subject): Iterable<Found> {
    const told = new Set<string>();
    // Where nobody asks for the answer, nobody misses it.
    const awaited = new Set(transitionsOf(machine).map(({ on }) => on));
    for (const edge of graph.edges) {
      const { move, transitions, from, to } = edge;
      if (move.type !== 'answer' || 'error' in move || 'guessed' in move || transitions.length > 0) continue;
      const where = placeName(from.state?.snapshot.value);
      const isOver = to.state?.invocations.length === 0 && to.state.snapshot.status === 'active';
      if (!isOver || told.has(`${where} ${move.name}`) || !awaited.has(`${nameOf(move.name)}.done`)) continue;
      told.add(`${where} ${move.name}`);
      yield {
        where,
        message: `\`${where}\` takes no answer of \`${move.name}\` such as: ${move.label}.`,
        witness: [...routes.to(from), edge],
        // As a poll that asks again later, it may be meant.
        severity: goesOn(to) ? 'warning' : 'error',
      };
    }
  },
};

/** Without the machines that it is in. */
function nameOf(actor: string): string {
  return actor.split('/').at(-1) ?? actor;
}

/** Whether something can still come. */
function goesOn({ state, view }: GraphNode): boolean {
  return (state?.timers.length ?? 0) > 0 || view.accepts.length > 0;
}
