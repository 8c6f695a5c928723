import type { GraphNode } from '../../graph.ts';
import { placeName } from '../place-name.ts';
import type { Found, Rule, Subject } from '../rule.ts';

/** States that wait for an event from outside, and for nothing else. */
export const noTimer: Rule = {
  id: 'no-timer',
  severity: 'warning',
  explains:
    'Only an event from outside leads on from here, and nothing happens if it never comes: people go on holiday.',
  fix: 'Add `after`: a reminder, someone else who is asked, or an end that says that nobody answered.',
  *find({ graph, routes }: Subject): Iterable<Found> {
    const told = new Set<string>();
    for (const node of graph.nodes) {
      const where = placeName(node.state?.snapshot.value);
      if (!waitsForEver(node) || told.has(where)) continue;
      told.add(where);
      const { accepts } = node.view;
      yield {
        where,
        message: `\`${where}\` waits for ${accepts.join(' or ')}, for ever.`,
        witness: routes.to(node),
      };
    }
  },
};

function waitsForEver({ state, view }: GraphNode): boolean {
  return (
    state?.snapshot.status === 'active' &&
    view.accepts.length > 0 &&
    state.timers.length === 0 &&
    state.invocations.length === 0
  );
}
