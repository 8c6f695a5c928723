/** What a model said, put into an irreversible call that no gate and no person has looked at. */
import { actorOf } from '../../actor-of.ts';
import { partOfAnswer, placeOfUse, usesOf } from '../followed.ts';
import type { Found, Rule, Subject } from '../rule.ts';

export const ungatedEffect: Rule = {
  id: 'ungated-effect',
  severity: 'error',
  explains:
    'A model may be wrong, and may be told to be by what it reads. What it says is put into something that cannot be taken back, and nothing looked at it in between.',
  fix: 'Judge it with a `gate` on the way, or ask a person.',
  *find(subject: Subject): Iterable<Found> {
    const { workflow } = subject;
    const uses = usesOf(subject, {
      follows: () => true,
      counts: (src) => actorOf(workflow, src)?.irreversible === true,
    });
    for (const use of uses) {
      yield {
        where: placeOfUse(use),
        message: `\`${use.src}\` cannot be taken back, and is given ${partOfAnswer(use)} without a gate or a person in between.`,
        witness: use.route,
      };
    }
  },
};
