/** The way that a run took, from its history. */
import type { AnyStateMachine, StateValue } from 'xstate';

import type { StateNode } from '../../actor-sources.ts';
import type { HistoryEntry } from '../../engine/history.ts';
import type { PersistedActor } from '../../engine/run-state.ts';
import { type MachinePlace, machinesIn } from '../../graph/machines-in.ts';
import { foldHistory } from '../../graph/promotion/fold-history.ts';
import type { AnyWorkflow } from '../../workflow.ts';
import { stateKey } from './create-diagram.ts';
import type { RunPath } from './overlay.ts';

export interface RunPathOptions {
  readonly runId?: string;
}

/**
 * The path of a run on its workflow, to be drawn. The workflow must be of the version that the run is on; where its history
 * does not fit it all the same, `misfit` says from which message on.
 *
 * @example
 * ```ts
 * const history = await engine.run('T-5').history();
 * const picture = await toSvg(supportTicket, { overlay: pathOfRun(supportTicket, history, { runId: 'T-5' }) });
 * ```
 */
export function pathOfRun(
  workflow: AnyWorkflow,
  history: readonly HistoryEntry[],
  { runId }: RunPathOptions = {},
): RunPath {
  const { steps, misfit } = foldHistory(workflow, history);
  const fitting = new Map(steps.map((step) => [step.entry, step]));
  const places = machinesIn(workflow.machine as AnyStateMachine);
  const taken = new Map<string, number>();
  const rested = new Set<string>();
  let current: readonly string[] = [];
  let status = 'not started';
  for (const entry of history) {
    if (entry.type !== 'message') continue;
    status = entry.status;
    const step = fitting.get(entry);
    for (const id of step?.transitions ?? []) taken.set(id, (taken.get(id) ?? 0) + 1);
    current = step ? activeStates(step.after.snapshot, places) : ownStates(places, '', entry.value);
    for (const key of current) rested.add(key);
  }
  return { kind: 'run', runId, status, taken, rested, current: new Set(current), misfit };
}

/** Keys of the active states, in the machines of its children too. */
function activeStates(actor: PersistedActor, places: readonly MachinePlace[], prefix = ''): string[] {
  const children = Object.values(actor.children ?? {}).flatMap(({ snapshot, src }) =>
    snapshot.value === undefined ? [] : activeStates(snapshot, places, prefix ? `${prefix}/${src}` : src),
  );
  return [...ownStates(places, prefix, actor.value), ...children];
}

function ownStates(places: readonly MachinePlace[], prefix: string, value: StateValue | undefined): string[] {
  const place = places.find((one) => one.prefix === prefix);
  return place && value !== undefined
    ? nodesIn(place.machine.root, value).map((node) => stateKey(node, prefix))
    : [];
}

function nodesIn(node: StateNode, value: StateValue): StateNode[] {
  const inner = typeof value === 'string' ? { [value]: undefined } : value;
  return [
    node,
    ...Object.entries(inner).flatMap(([key, below]) => {
      const child = node.states[key];
      return child ? nodesIn(child, below ?? {}) : [];
    }),
  ];
}
