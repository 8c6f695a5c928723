import { amountText } from '../../worst/amount-text.ts';
import { type Figures, type Measure, measures } from '../../worst/figures.ts';
import type { WorstOfGraph } from '../../worst/worst-of-graph.ts';
import type { Found, Rule, Subject } from '../rule.ts';

/** Runs that can take more than they may. */
export const overBudget: Rule = {
  id: 'over-budget',
  severity: 'warning',
  explains:
    'A run can take more than it may. A call of a model that could overrun the budget of its workflow is not made, and the actor fails; no other bound is enforced.',
  fix: 'Bound rounds with a counter, give models lower `maxTokens` or fewer retries, or allow for more.',
  *find({ workflow, options, worst }: Subject): Iterable<Found> {
    const within: Partial<Figures> = { ...workflow.budget, ...options.within };
    for (const measure of measures) {
      const bound = within[measure];
      if (bound === undefined || worst.run[measure] <= bound) continue;
      const from = options.within?.[measure] === undefined ? "the workflow's `budget`" : 'what is allowed';
      const takes = `A run can take ${amountText(measure, worst.run[measure])}, more than the ${amountText(measure, bound)} of ${from}.`;
      const message = [takes, ...whyEndless(worst, measure)].join(' ');
      yield { where: measure, message, witness: worst.dearest(measure) };
    }
  },
};

/** Why there is no bound, and what there is besides. */
function whyEndless({ run, bounded, rounds, notes, loops }: WorstOfGraph, measure: Measure): string[] {
  if (run[measure] < Infinity) return [];
  if (bounded[measure] === Infinity && loops.length > 0) return ['It can go round for ever by itself.'];
  const again = rounds
    .filter(({ each }) => each[measure] > 0)
    .map(({ event, each }) => `Each \`${event}\` can add ${amountText(measure, each[measure])}.`);
  const recursive = [...notes.recursive].map((ref) => `\`${ref}\` starts runs of itself.`);
  const untimed = [...notes.untimed].map((src) => `\`${src}\``).join(', ');
  const isTime = measure === 'timeMs' || measure === 'elapsedMs';
  const waits = isTime && untimed !== '' ? [`Nothing bounds the time of ${untimed}.`] : [];
  const besides =
    bounded[measure] < Infinity ? [`Besides it is ${amountText(measure, bounded[measure])}.`] : [];
  return [...again, ...recursive, ...waits, ...besides];
}
