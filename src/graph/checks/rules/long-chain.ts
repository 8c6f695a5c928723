import type { Found, Rule, Subject } from '../rule.ts';

/** As often as all answers in a row should be right. */
const leastReliable = 0.9;

/**
 * The most answers of models in a row that nobody looks at (see worst/longest-chain.ts), at the rate that is stated for each
 * of them. Without a rate nothing is said.
 */
export const longChain: Rule = {
  id: 'long-chain',
  severity: 'warning',
  explains:
    'Each answer builds on the one before, and each may be wrong: the chance that all are right falls with every step. It is reckoned as if each were right or wrong for itself.',
  fix: 'Ask for more in one step, let plain code decide what it can, or ask a person in between.',
  *find({ worst, options }: Subject): Iterable<Found> {
    const { stepReliability } = options;
    if (stepReliability === undefined) return;
    const { actors, judged, route } = worst.chain();
    const reliability = stepReliability ** actors.length;
    if (actors.length === 0 || reliability >= leastReliable) return;
    const answers =
      actors.length === 1 ? '1 answer of a model' : `${actors.length} answers of models in a row`;
    const seen = judged.length === 0 ? 'No gate judges any of them.' : `Gates judge ${judged.join(', ')}.`;
    yield {
      where: '',
      message: `${answers}: ${actors.join(', ')}; at ${stepReliability} each all are right in ${Math.floor(reliability * 100)} of 100 runs. ${seen}`,
      witness: route,
    };
  },
};
