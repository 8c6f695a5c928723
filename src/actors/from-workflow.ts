/**
 * `fromWorkflow`: a run of another workflow, durable in its own right. The state that invokes it waits for its end, and no
 * worker is held meanwhile.
 *
 * I1. The child's id comes from the invocation's key, so an invocation starts one run however often it is performed.
 * I2. A child whose parent has moved on is cancelled; if the worker dies before, by whoever has the parent next.
 */
import { createActor, type AnyStateMachine, type InputFrom, type OutputFrom, toPromise } from 'xstate';

import { ChildRunFailed } from '../errors.ts';
import { Deferred, type DurableActor, type InvocationScope } from '../invocation.ts';
import type { AnyWorkflow, Workflow } from '../workflow.ts';
import { durableLogic, type DurablePromiseLogic } from './durable-logic.ts';
import { assertOption } from './option.ts';
import { type Policies, underPolicies } from './policies/policies.ts';

export interface WorkflowActorOptions<TMachine extends AnyStateMachine, TInput> extends Policies<
  OutputFrom<TMachine>,
  TInput
> {
  readonly workflow: Workflow<TMachine, TInput>;
  /** Default: the name of the workflow. */
  readonly name?: string;
}

/** A parent is told when its child ends; it looks by itself this often, should that have been lost. */
const lookMs = 60_000;

/**
 * Logic that starts a run of another workflow and gives its output. The engine need not be given that workflow besides.
 *
 * Rejects with `CHILD_RUN_FAILED` if the run failed or was cancelled, with its error as `cause`. Under a plain
 * `createActor` the machine runs as an actor in its place.
 *
 * @example
 * ```ts
 * setup({ actors: { investigate: fromWorkflow({ workflow: investigation }) } }).createMachine({
 *   // ...
 *   investigating: { invoke: { src: 'investigate', input: ({ context }) => context.case, onDone: 'deciding' } },
 * })
 * ```
 */
export function fromWorkflow<TMachine extends AnyStateMachine, TInput = InputFrom<TMachine>>(
  options: WorkflowActorOptions<TMachine, TInput>,
): DurablePromiseLogic<OutputFrom<TMachine>, TInput> {
  const { workflow } = options;
  const holds = typeof workflow === 'object' && workflow !== null && 'ref' in workflow;
  assertOption(holds, 'workflow', '`fromWorkflow`', 'what `defineWorkflow` returned', workflow);
  const { name = workflow.name } = options;
  const actor: DurableActor = {
    kind: 'workflow',
    name,
    input: workflow.input,
    output: workflow.output,
    irreversible: false,
    idempotent: true,
    workflows: [workflow as AnyWorkflow],
    perform: (input, scope) =>
      scope.runs
        ? performed(workflow as AnyWorkflow, input, scope, scope.runs)
        : here(workflow, input, scope),
    stopped: (_, { runs, key, runId }) => runs.cancel(key, `run \`${runId}\` no longer waits for it`),
  };
  return durableLogic(underPolicies(actor, options));
}

async function performed(
  workflow: AnyWorkflow,
  input: unknown,
  { key: id, now, once }: InvocationScope,
  runs: NonNullable<InvocationScope['runs']>,
): Promise<unknown> {
  await once('started', async () => {
    await runs.start(workflow, { id, input });
    return id;
  });
  const ended = await runs.outcome(id);
  if (!ended) throw new Deferred(now() + lookMs, `run \`${id}\` of \`${workflow.ref}\` goes on`);
  if (ended.status === 'done') return ended.output;
  const { error } = ended;
  const why = error instanceof Error ? `: ${error.message}` : '';
  throw new ChildRunFailed(
    `Run \`${id}\` of \`${workflow.ref}\` ${ended.status === 'failed' ? 'failed' : 'was cancelled'}${why}`,
    {
      ...(error === undefined ? {} : { cause: error }),
      details: { runId: id, workflow: workflow.ref, status: ended.status },
    },
  );
}

async function here<TMachine extends AnyStateMachine, TInput>(
  { machine, input: schema }: Workflow<TMachine, TInput>,
  input: unknown,
  { signal }: InvocationScope,
): Promise<unknown> {
  const parsed: unknown = schema ? await schema.parseAsync(input) : input;
  const child = createActor(machine as AnyStateMachine, { input: parsed });
  const stop = (): void => void child.stop();
  signal.addEventListener('abort', stop, { once: true });
  try {
    const ended = toPromise(child);
    child.start();
    return await ended;
  } finally {
    signal.removeEventListener('abort', stop);
    child.stop();
  }
}
