/** What `waitFor` waits for, checked against what the machine can ever be in. */
import type { AnyStateMachine, StateNode, StateValue } from 'xstate';
import { matchesState } from 'xstate';

import type { RunStatus } from '../../../persistence/store.ts';
import { InvalidOption } from '../../errors.ts';
import type { AnyWorkflow } from '../../workflow.ts';
import type { RunSnapshot } from '../run-snapshot.ts';

/** What to wait for: all that is given must hold. */
export interface SnapshotCondition {
  /** A state value, or a part of one, as for XState's `matches`. */
  readonly state?: StateValue;
  /** Of any active state. */
  readonly tag?: string;
  readonly status?: RunStatus;
}

const statuses: readonly RunStatus[] = ['running', 'waiting', 'done', 'failed', 'cancelled'];

export function meetsCondition(snapshot: RunSnapshot, { state, tag, status }: SnapshotCondition): boolean {
  return (
    (state === undefined || matchesState(state, snapshot.value as StateValue)) &&
    (tag === undefined || snapshot.tags.includes(tag)) &&
    (status === undefined || snapshot.status === status)
  );
}

/** Throws `InvalidOption` if no run of the workflow can ever meet it. */
export function assertCondition(workflow: AnyWorkflow, { state, tag, status }: SnapshotCondition): void {
  const machine = workflow.machine as AnyStateMachine;
  if (status !== undefined && !statuses.includes(status)) {
    throw unknown('status', status, `A run is: ${statuses.join(', ')}.`, statuses);
  }
  if (tag !== undefined) {
    const tags = [...new Set(descendants(machine.root).flatMap((node) => node.tags))].sort();
    if (!tags.includes(tag)) {
      throw unknown('tag', tag, `The states of \`${workflow.ref}\` have: ${listOf(tags)}.`, tags);
    }
  }
  if (state !== undefined && !isValueOf(machine.root, state)) {
    const states = descendants(machine.root).map(({ path }) => path.join('.'));
    throw unknown('state', state, `The states of \`${workflow.ref}\` are: ${listOf(states)}.`, states);
  }
}

/** `matchesState` takes `a.b` for `{ a: 'b' }`. */
function isValueOf(node: StateNode, value: unknown): boolean {
  if (typeof value === 'string') {
    let at: StateNode | undefined = node;
    for (const key of value.split('.')) at = at?.states[key];
    return at !== undefined || node.states[value] !== undefined;
  }
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).every(([key, below]) => {
    const child = node.states[key];
    if (!child) return false;
    // An atomic state of a parallel one has the value `{}`.
    return below === undefined || isValueOf(child, below);
  });
}

function descendants(node: StateNode): StateNode[] {
  return Object.values(node.states as Record<string, StateNode>).flatMap((child) => [
    child,
    ...descendants(child),
  ]);
}

function unknown(field: string, given: unknown, there: string, known: readonly string[]): InvalidOption {
  return new InvalidOption(
    `Unknown \`${field}\` ${JSON.stringify(given)}: no run of the workflow can get there. ${there}`,
    { details: { field, value: given, known } },
  );
}

function listOf(names: readonly string[]): string {
  return names.join(', ') || 'none';
}
