/** What a run shows of itself at one moment. */
import type { AnyStateMachine, ContextFrom, OutputFrom, StateValue, StateValueFrom } from 'xstate';
import { toJSONSchema, type ZodType } from 'zod';

import type { Labels, RunProblem, RunStatus, StoredRun } from '../../persistence/store.ts';
import type { StateQuestion } from '../gates/person.ts';
import type { AnyWorkflow } from '../workflow.ts';
import { type HostCache, viewState } from './advance.ts';
import { stateOf, statusOf } from './progress.ts';
import type { Invocation, RunState, Timer } from './run-state.ts';

export interface RunSnapshot<TMachine extends AnyStateMachine = AnyStateMachine> {
  readonly id: string;
  readonly workflow: string;
  readonly version: string;
  /** `running`: something is being performed. `waiting`: for an event, a timer or a person. The others are ends. */
  readonly status: RunStatus;
  readonly value: StateValueFrom<TMachine>;
  readonly context: ContextFrom<TMachine>;
  /** Present once the run is `done`, if the machine has output. */
  readonly output?: OutputFrom<TMachine>;
  /** What ended a `failed` run. */
  readonly error?: unknown;
  readonly tags: readonly string[];
  /** The events from outside that the state takes, guards aside. */
  readonly accepts: readonly AcceptedEvent[];
  /** What people are asked. */
  readonly questions: readonly StateQuestion[];
  readonly invocations: readonly Invocation[];
  /** Soonest first. */
  readonly timers: readonly Timer[];
  /** Grows by one with every step; 1 is the start. */
  readonly seq: number;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly labels: Labels;
  /** The id of the run that started this one; absent if it was started from outside. */
  readonly parent?: string;
  /** Present while no worker executes the run. */
  readonly problem?: RunProblem;
}

export interface AcceptedEvent {
  readonly type: string;
  /** JSON Schema of the payload (the event without its `type`), if the workflow has a schema for it. */
  readonly schema?: Readonly<Record<string, unknown>>;
}

export interface SnapshotSource {
  readonly id: string;
  readonly workflow: AnyWorkflow;
  readonly state: RunState;
  readonly seq: number;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly labels: Labels;
  readonly parent?: string | undefined;
  readonly problem?: RunProblem | undefined;
  /** Spares restoring the state where somebody has it hosted. */
  readonly hosts?: HostCache;
}

export function snapshotOf(source: SnapshotSource): RunSnapshot {
  const { id, workflow, state, seq, createdAt, updatedAt, labels, parent, problem } = source;
  const { tags, accepts, questions } = viewState(workflow, state, source.hosts);
  const { value, context, output, error } = state.snapshot;
  return {
    id,
    workflow: workflow.name,
    version: workflow.version,
    status: statusOf(state),
    value: value as StateValue,
    context,
    ...(output === undefined ? {} : { output }),
    ...(error === undefined ? {} : { error }),
    tags,
    accepts: accepts.map((type) => ({ type, ...schemaOf(workflow, type) })),
    questions,
    invocations: state.invocations,
    timers: state.timers,
    seq,
    createdAt,
    updatedAt,
    labels,
    ...(parent === undefined ? {} : { parent }),
    ...(problem === undefined ? {} : { problem }),
  };
}

/** A run as far as it can be shown without its workflow: what it accepts and asks is not known. */
export function storedSnapshotOf(stored: StoredRun): RunSnapshot {
  const { id, workflow, version, status, tags, seq, createdAt, updatedAt, labels, parent, problem } = stored;
  const { snapshot, invocations, timers } = stateOf(stored.state);
  const { context, output, error } = snapshot;
  return {
    id,
    workflow,
    version,
    status,
    value: JSON.parse(stored.value) as StateValue,
    context,
    ...(output === undefined ? {} : { output }),
    ...(error === undefined ? {} : { error }),
    tags,
    accepts: [],
    questions: [],
    invocations,
    timers,
    seq,
    createdAt,
    updatedAt,
    labels,
    ...(parent === undefined ? {} : { parent }),
    ...(problem === undefined ? {} : { problem }),
  };
}

export function sourceOf(workflow: AnyWorkflow, stored: StoredRun): SnapshotSource {
  const { id, seq, createdAt, updatedAt, labels, parent, problem } = stored;
  const state = stateOf(stored.state, workflow);
  return { id, workflow, state, seq, createdAt, updatedAt, labels, parent, problem };
}

const jsonSchemas = new WeakMap<ZodType, Record<string, unknown>>();

function schemaOf(workflow: AnyWorkflow, type: string): { readonly schema?: Record<string, unknown> } {
  const schema = (workflow.events as Record<string, ZodType> | undefined)?.[type];
  if (!schema) return {};
  const known = jsonSchemas.get(schema) ?? toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  jsonSchemas.set(schema, known);
  return { schema: known };
}
