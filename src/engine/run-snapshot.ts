/** What a run shows of itself at one moment. */
import type { AnyStateMachine, ContextFrom, OutputFrom, StateValue, StateValueFrom } from 'xstate';
import { toJSONSchema, type ZodType } from 'zod';

import type { RunStatus, StoredRun } from '../../persistence/store.ts';
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
  /** Why no worker can go on with the run, if none can. */
  readonly problem?: string;
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
  readonly problem?: string | undefined;
  /** Spares restoring the state where somebody has it hosted. */
  readonly hosts?: HostCache;
}

export function snapshotOf(source: SnapshotSource): RunSnapshot {
  const { id, workflow, state, seq, createdAt, updatedAt, problem } = source;
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
    ...(problem === undefined ? {} : { problem }),
  };
}

export function sourceOf(workflow: AnyWorkflow, stored: StoredRun): SnapshotSource {
  const { id, seq, createdAt, updatedAt, problem } = stored;
  return { id, workflow, state: stateOf(stored.state), seq, createdAt, updatedAt, problem };
}

const jsonSchemas = new WeakMap<ZodType, Record<string, unknown>>();

function schemaOf(workflow: AnyWorkflow, type: string): { readonly schema?: Record<string, unknown> } {
  const schema = (workflow.events as Record<string, ZodType> | undefined)?.[type];
  if (!schema) return {};
  const known = jsonSchemas.get(schema) ?? toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  jsonSchemas.set(schema, known);
  return { schema: known };
}
