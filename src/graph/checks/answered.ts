import type { GraphEdge } from '../graph.ts';

/** A person answers what is asked: whatever came before, they have seen it. */
export function isAnswered({ move, from }: GraphEdge): boolean {
  return (
    move.type === 'event' &&
    from.view.questions.some(({ answers }) => answers.some(({ event }) => event === move.name))
  );
}
