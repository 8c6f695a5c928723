import { nameOfStep } from '../../paths/path-name.ts';
import { placeName } from '../place-name.ts';
import type { Found, Rule, Subject } from '../rule.ts';

/** States that the workflow's own `fold` takes as one, and that go on otherwise. */
export const foldedUnlike: Rule = {
  id: 'folded-unlike',
  severity: 'error',
  explains:
    "The workflow's `fold` leaves out something that decides how a run goes on, so paths and checks have looked at one state for two.",
  fix: 'Have `fold` give what decides there, too, or leave it out.',
  *find({ graph }: Subject): Iterable<Found> {
    for (const { value, move } of graph.unlike) {
      const where = placeName(value);
      yield {
        where,
        message: `Two states of \`${where}\` count as one, and go on otherwise at: ${nameOfStep(move, [])}.`,
      };
    }
  },
};
