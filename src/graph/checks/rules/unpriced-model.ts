import { listPrices } from '../../../prices.ts';
import { actorStartedBy } from '../../worst/started-by.ts';
import type { Found, Rule, Subject } from '../rule.ts';

/** Models that the price table does not know. */
export const unpricedModel: Rule = {
  id: 'unpriced-model',
  severity: 'warning',
  explains:
    'What its calls cost is not known, so no sum of money counts them: neither here, nor in the budget of a run.',
  fix: 'Name a model that has a price, or give a price table of your own (`priceTable`), here and to the engine.',
  *find({ graph, routes, worst, options }: Subject): Iterable<Found> {
    const { asOf } = options.prices ?? listPrices;
    for (const [model, actors] of worst.notes.unpriced) {
      const [first] = actors;
      const edge = first === undefined ? undefined : actorStartedBy(graph, first);
      yield {
        where: model,
        message: `There is no price of ${asOf} for \`${model}\`, which ${[...actors].map((src) => `\`${src}\``).join(' and ')} may ask.`,
        ...(edge && { witness: [...routes.to(edge.from), edge] }),
      };
    }
  },
};
