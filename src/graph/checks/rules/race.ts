import { findRaces } from '../../races/find-races.ts';
import type { Found, Rule, Subject } from '../rule.ts';

/** As many of the things that differ are told. */
const mostTold = 3;

/**
 * Two inputs that are both taken in either order, and lead to different ends. Of those of which one is lost when it comes second,
 * `races` tells: first come, first served is how state machines work.
 *
 * `where` is the state and both names in alphabetical order: `reading readMail / readOrder`, `asking NOTE / after reminder`. Of
 * a parallel state only those regions stand there whose transitions the two take.
 */
export const race: Rule = {
  id: 'race',
  severity: 'warning',
  explains:
    'Both inputs may come, in either order, and the run ends otherwise if they come the other way round. Which order it is, chance decides.',
  fix: 'Let each write what is its own and decide once both are there, or let only one of them come at a time. If either order is right, accept it with the reason.',
  *find({ workflow, graph, routes }: Subject): Iterable<Found> {
    const told = new Set<string>();
    for (const { kind, where, state, first, second, differs, routes: orders } of findRaces(
      workflow,
      graph,
      routes,
    )) {
      if (kind !== 'order' || told.has(where)) continue;
      told.add(where);
      const more = differs.length > mostTold ? ` and ${differs.length - mostTold} more` : '';
      const what = differs.slice(0, mostTold).join(', ') + more;
      yield {
        where,
        message: `In \`${state}\`, \`${first}\` before \`${second}\` leads to another end than after it. What differs: ${what}.`,
        witness: orders[0],
      };
    }
  },
};
