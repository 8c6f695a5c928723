import { stateNodes } from '../../../actor-sources.ts';
import type { Graph } from '../../graph.ts';
import { statesIn } from '../../paths/targets.ts';
import { type TransitionSpec, transitionsOf } from '../../transitions.ts';
import type { Found, Rule, Subject } from '../rule.ts';

/** States that no explored run comes to. */
export const unreachableState: Rule = {
  id: 'unreachable-state',
  severity: 'warning',
  explains:
    'No run ever comes here, or none that the examples and schemas could make: it is dead, or it is not tested.',
  fix: 'Remove it, mend the guard that keeps runs out, or give an example that leads here.',
  *find(subject: Subject): Iterable<Found> {
    const { machine, graph } = subject;
    if (!isSeen(graph)) return;
    const reached = reachedStates(subject);
    for (const { path, type, parent } of stateNodes(machine)) {
      const where = path.join('.');
      if (!parent || type === 'history' || reached.has(where)) continue;
      // The state above it tells of all that is in it.
      if (parent.parent && !reached.has(parent.path.join('.'))) continue;
      yield { where, message: `No run comes to \`${where}\`.` };
    }
  },
};

/** Transitions that no explored run takes. */
export const transitionNeverTaken: Rule = {
  id: 'transition-never-taken',
  severity: 'warning',
  explains: 'Nothing that was tried takes this transition, so nothing is known of what comes after it.',
  fix: 'Give an example of the answer or event that takes it, or remove it.',
  *find(subject: Subject): Iterable<Found> {
    const { graph, machine } = subject;
    if (!isSeen(graph)) return;
    const taken = new Set(graph.edges.flatMap(({ transitions }) => transitions));
    const reached = reachedStates(subject);
    const stuck = new Map(graph.guards.map((guard) => [guard.transition, guard]));
    const specs = transitionsOf(machine);
    const placeOf = ({ machine: of, source, on }: TransitionSpec): string => [of, source, on].join('\n');
    const goneOnBy = new Set(specs.filter(({ id }) => taken.has(id)).map(placeOf));
    for (const spec of specs) {
      const { id, on, source, guard } = spec;
      // That its state is not reached is told by the other rule.
      if (taken.has(id) || (source !== '' && !reached.has(source))) continue;
      const seen = stuck.get(id);
      const why =
        guard && seen && !seen.passed
          ? `\`${guard}\` never passes`
          : seen || goneOnBy.has(placeOf(spec))
            ? 'another comes before it each time'
            : 'what it waits for never comes';
      yield { where: id, message: `\`${source || '(root)'}\` never goes on by \`${on}\`: ${why}.` };
    }
  },
};

/** Whether as much was looked at as there is: what was not gone on from may lead anywhere, and so may a start with real input. */
function isSeen({ cut, start }: Graph): boolean {
  const failsAtOnce = start.out.every(
    ({ move, to }) => 'guessed' in move && to.state?.snapshot.status === 'error',
  );
  return cut === 0 && !(start.out.length > 0 && failsAtOnce);
}

/** Paths of the states that runs come to, those that they only pass through included. */
function reachedStates({ graph, machine }: Subject): Set<string> {
  const reached = new Set(graph.nodes.flatMap(({ state }) => statesIn(state?.snapshot.value)));
  const taken = new Set(graph.edges.flatMap(({ transitions }) => transitions));
  for (const { id, source, targets } of transitionsOf(machine)) {
    if (!taken.has(id)) continue;
    for (const path of [source, ...targets]) for (const one of withAncestors(path)) reached.add(one);
  }
  return reached;
}

function withAncestors(path: string): string[] {
  const keys = path.split('.');
  return keys.map((_, index) => keys.slice(0, index + 1).join('.'));
}
