import type { AnyStateMachine } from 'xstate';

import { stateNodes } from '../../../actor-sources.ts';
import type { Invocation } from '../../../engine/run-state.ts';
import { actorOf } from '../../actor-of.ts';
import type { GraphEdge } from '../../graph.ts';
import { invocationName } from '../../invocation-name.ts';
import { statesIn } from '../../paths/targets.ts';
import { placeName } from '../place-name.ts';
import type { Found, Rule, Subject } from '../rule.ts';

/**
 * Irreversible invocations that are stopped while they are under way, by whatever comes before their answer: an event, a timer,
 * the answer of another actor.
 *
 * Whether what comes after it looks, or says that it is not known, no rule can tell; so each such stop is found. `where` is the
 * state that invokes the actor, the actor, and what stops it: `paying pay / CANCEL`.
 */
export const lostEffect: Rule = {
  id: 'lost-effect',
  severity: 'error',
  explains:
    'What cannot be taken back is under way, and the machine leaves without its answer: it may have happened or not, and the run goes on, or ends, as if it knew.',
  fix: 'Give the actor the timeout (`timeoutMs`), which answers with `OutcomeUnknown`. Let an event that comes meanwhile only be noted (`actions` without `target`), and looked at once the answer is there; forbid there what the states above would take.',
  *find({ workflow, graph, routes, machine }: Subject): Iterable<Found> {
    const told = new Set<string>();
    for (const edge of graph.edges) {
      const { from, move } = edge;
      for (const { path, src } of stoppedBy(edge)) {
        if (actorOf(workflow, src)?.irreversible !== true) continue;
        const state = invokingState(machine, path, from.state?.snapshot.value);
        const actor = invocationName(path, src);
        const where = `${state} ${actor} / ${move.name}`;
        if (told.has(where)) continue;
        told.add(where);
        yield {
          where,
          message: `\`${actor}\` cannot be taken back, and \`${move.name}\` stops it in \`${state}\` without its answer.`,
          witness: [...routes.to(from), edge],
        };
      }
    }
  },
};

/** Invocations that the edge leaves without an answer. If the run as a whole fails by it, that is told by `run-fails`. */
function stoppedBy({ from, to, advanced }: GraphEdge): readonly Invocation[] {
  if (to.state?.snapshot.status === 'error') return [];
  return (from.state?.invocations ?? []).filter(({ key }) => advanced.stopped.includes(key));
}

/** All of the state for what a nested machine has begun, or what was spawned. */
function invokingState(machine: AnyStateMachine, actor: string, value: unknown): string {
  const active = new Set(statesIn(value));
  const node = stateNodes(machine).find(
    ({ path, invoke }) =>
      (path.length === 0 || active.has(path.join('.'))) && invoke.some(({ id }) => id === actor),
  );
  return node ? node.path.join('.') || '(root)' : placeName(value);
}
