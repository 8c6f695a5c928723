import { placeName } from '../place-name.ts';
import type { Found, Rule, Subject } from '../rule.ts';

/** Exploring that ended before all was seen. */
export const notExplored: Rule = {
  id: 'not-explored',
  severity: 'warning',
  explains:
    'The states that a run can be in were too many, so a part of the workflow was not looked at: it may hold anything that the other rules look for.',
  fix: 'Bound what grows, or say with `defineWorkflow({ fold })` what of it matters; else explore further with `maxNodes`.',
  *find({ graph }: Subject): Iterable<Found> {
    const { cut, settled, growing, nodes } = graph;
    if (cut === 0 && settled) return;
    const most = growing.map(
      ({ field, values, value }) =>
        `\`${field || '(all of it)'}\` has ${values} values in \`${placeName(value)}\``,
    );
    const grows = most.length > 0 ? ` In the context, ${most.join(', ')}.` : '';
    const message =
      cut > 0
        ? `Of ${nodes.length.toLocaleString('en')} states of a run, ${cut.toLocaleString('en')} were not gone on from.`
        : 'What the route depends on became more with each look, so states may have been taken as one that go on otherwise.';
    yield { where: '', message: message + grows };
  },
};
