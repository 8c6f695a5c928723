import type { StateNode } from '../../../actor-sources.ts';
import { stateNodes } from '../../../actor-sources.ts';
import type { Found, Rule, Subject } from '../rule.ts';

/** `onDone` of a state whose parts have no final state to be done in. */
export const joinNeverDone: Rule = {
  id: 'join-never-done',
  severity: 'error',
  explains: 'The state has `onDone`, and it is never done: a part of it has no final state.',
  fix: 'Give each part a state of `type: "final"`, or leave the state by something else.',
  *find({ machine }: Subject): Iterable<Found> {
    for (const node of stateNodes(machine)) {
      const waits = node.transitions.has(`xstate.done.state.${node.id}`);
      const [endless] = waits ? endlessParts(node) : [];
      if (!endless) continue;
      const where = node.path.join('.');
      const part = endless.path.join('.');
      yield { where, message: `\`${where}\` waits until it is done, and \`${part}\` has no final state.` };
    }
  },
};

function endlessParts(node: StateNode): StateNode[] {
  if (node.type === 'final') return [];
  const inner = Object.values(node.states).filter(({ type }) => type !== 'history');
  if (node.type === 'parallel') return inner.flatMap((region) => endlessParts(region));
  return inner.some(({ type }) => type === 'final') ? [] : [node];
}
