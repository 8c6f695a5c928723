/** What a model said, in a form that nothing describes, given to an actor that does not look at it either. */
import { actorOf } from '../../actor-of.ts';
import { isDescribed } from '../described.ts';
import { partOfAnswer, placeOfUse, usesOf } from '../followed.ts';
import type { Found, Rule, Subject } from '../rule.ts';

/** Of those that can be taken back, and are no models themselves: the rest is for `ungated-effect`, or is looked at after them. */
export const uncheckedOutput: Rule = {
  id: 'unchecked-output',
  severity: 'warning',
  explains:
    'A model may leave out what is needed, or add what nobody thought of. No schema says what this part of its answer is, neither where it is said nor where it is used, and no gate or person has looked at it in between.',
  fix: 'Describe it in the `output` of the one or the `input` of the other, or judge it with a `gate` on the way.',
  *find(subject: Subject): Iterable<Found> {
    const { workflow } = subject;
    const uses = usesOf(subject, {
      follows: ({ output }, place) => !isDescribed(output, place),
      counts(src, differs) {
        const actor = actorOf(workflow, src);
        if (actor?.fallible || actor?.irreversible) return false;
        return differs().some((place) => !isDescribed(actor?.input, place));
      },
    });
    for (const use of uses) {
      yield {
        where: placeOfUse(use),
        message: `\`${use.src}\` is given ${partOfAnswer(use)}, which no schema describes, without a gate or a person in between.`,
        witness: use.route,
      };
    }
  },
};
