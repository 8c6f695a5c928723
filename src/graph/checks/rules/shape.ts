import { stateNodes } from '../../../actor-sources.ts';
import { isEnd } from '../../paths/routes.ts';
import type { Found, Rule, Subject } from '../rule.ts';

/** As many states as one person still keeps in mind. */
const mostStates = 40;

export const tooManyStates: Rule = {
  id: 'too-many-states',
  severity: 'warning',
  explains: `Nobody keeps more than ${mostStates} states in mind, so nobody can answer for the whole.`,
  fix: 'Put a part that stands by itself into a workflow of its own, and run it with `fromWorkflow`.',
  *find({ machine }: Subject): Iterable<Found> {
    const count = stateNodes(machine).filter(({ type }) => type === 'atomic' || type === 'final').length;
    if (count > mostStates) yield { where: '', message: `It has ${count} states.` };
  },
};

export const noOwner: Rule = {
  id: 'no-owner',
  severity: 'warning',
  explains: 'Somebody has to answer for what it does, and to be told when it cannot go on.',
  fix: 'Name them in `defineWorkflow({ owner })`.',
  *find({ workflow }: Subject): Iterable<Found> {
    if (!workflow.owner) yield { where: '', message: 'It has no owner.' };
  },
};

export const personAtEveryStep: Rule = {
  id: 'person-at-every-step',
  severity: 'warning',
  explains:
    'People who are asked at every step stop looking. Ask where something cannot be taken back, and let gates do the rest.',
  fix: 'Let a gate decide where it can, and keep people for what is irreversible or far-reaching.',
  *find({ graph }: Subject): Iterable<Found> {
    if (graph.cut > 0) return;
    const answered = graph.edges.filter(({ move }) => move.type === 'answer' && !('error' in move));
    const actors = new Set(answered.map(({ move }) => move.name));
    const isAsked = answered.every(({ to }) => isEnd(to) || to.view.questions.length > 0);
    const asking = new Set(answered.filter(({ to }) => !isEnd(to)).map(({ move }) => move.name));
    if (asking.size > 1 && isAsked) {
      yield { where: '', message: `Whatever ${[...actors].join(', ')} answer, a person is asked next.` };
    }
  },
};
