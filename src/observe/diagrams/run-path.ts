/**
 * The way that a run took, from its history.
 *
 * A history tells messages and where each led; which transitions were taken is found by folding `advance` over the messages
 * once more, with a machine that tells. Nothing is performed.
 */
import { isDeepStrictEqual } from 'node:util';
import type { AnyStateMachine, StateValue } from 'xstate';

import type { StateNode } from '../../actor-sources.ts';
import { advance, createHostCache } from '../../engine/advance.ts';
import type { HistoryEntry } from '../../engine/history.ts';
import type { PersistedActor, RunState } from '../../engine/run-state.ts';
import { transitionsTaken, watchedWorkflow } from '../../graph/watch/watched-workflow.ts';
import type { AnyWorkflow } from '../../workflow.ts';
import { type MachinePlace, machinesIn, stateKey } from './create-diagram.ts';
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
  const watched = watchedWorkflow(workflow);
  const hosts = createHostCache();
  const places = machinesIn(workflow.machine as AnyStateMachine);
  const taken = new Map<string, number>();
  const rested = new Set<string>();
  let current: readonly string[] = [];
  let status = 'not started';
  let state: RunState | undefined;
  let misfit: number | undefined;
  for (const entry of history) {
    if (entry.type !== 'message') continue;
    status = entry.status;
    if (misfit === undefined) {
      const led = attempted(() => advance(watched.workflow, state, entry.message, hosts));
      watched.take();
      if (led && fits(led.state.snapshot.value, entry.value)) {
        state = led.state;
        for (const id of transitionsTaken(led.actions)) taken.set(id, (taken.get(id) ?? 0) + 1);
      } else misfit = entry.seq;
    }
    // A run that failed at its start was nowhere.
    current =
      misfit === undefined && state
        ? activeStates(state.snapshot, places)
        : ownStates(places, '', entry.value);
    for (const key of current) rested.add(key);
  }
  return { kind: 'run', runId, status, taken, rested, current: new Set(current), misfit };
}

/** A history of another machine may hold what this one cannot be given. */
function attempted<T>(fn: () => T): T | undefined {
  try {
    return fn();
  } catch {
    return undefined;
  }
}

function fits(led: StateValue | undefined, recorded: StateValue | undefined): boolean {
  return recorded === undefined || isDeepStrictEqual(led, recorded);
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
