/**
 * `fromWorkflow`: a run of another workflow, durable in its own right. The state that invokes it waits for its end, and no
 * worker is held meanwhile.
 *
 * I1. The child's id comes from the invocation's key and is the same each time, so an invocation starts one run however often it is performed.
 * I2. A child whose parent has moved on is cancelled; if the worker dies before, by whoever has the parent next.
 */
import { createHash } from 'node:crypto';

import { createActor, type AnyStateMachine, type InputFrom, type OutputFrom, toPromise } from 'xstate';

import { ChildRunFailed, RunFailed } from '../errors.ts';
import { Deferred, type DurableActor, type InvocationScope } from '../invocation.ts';
import { workflowPermissions } from '../permissions.ts';
import type { AnyWorkflow, Workflow } from '../workflow.ts';
import { repeated } from '../worst-case.ts';
import { checkValue } from './check-value.ts';
import { durableLogic, type DurablePromiseLogic } from './durable-logic.ts';
import { assertOption } from './option.ts';
import { type Policies, underPolicies } from './policies/policies.ts';
import { failuresOf } from './policies/retry.ts';

/** No `timeoutMs`: an attempt is over in a moment, and then waits. `totalTimeoutMs` is for the run that it waits for. */
export interface WorkflowActorOptions<TMachine extends AnyStateMachine, TInput> extends Omit<
  Policies<OutputFrom<TMachine>, TInput, InputFrom<TMachine>>,
  'timeoutMs'
> {
  readonly workflow: Workflow<TMachine, TInput>;
  /** Default: the name of the workflow. */
  readonly name?: string;
}

/** A parent is told when its child ends. It looks by itself this often, should a store have lost that. */
const lookMs = 86_400_000;

/**
 * Logic that starts a run of another workflow and gives its output. The engine need not be given that workflow besides.
 *
 * Rejects with `CHILD_RUN_FAILED` if the run failed or was cancelled, with its error as `cause`; with
 * `ACTOR_VALUE_INVALID`, and starts none, if the workflow refuses the input. By default none of this is retried; each
 * retry that `retry.on` asks for is another run. Under a plain `createActor` the machine runs as an actor in its place.
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
  const { name = workflow.name, retry } = options;
  const attempts = retry ? retry.attempts : 1;
  const actor: DurableActor = {
    kind: 'workflow',
    name,
    input: workflow.input,
    output: workflow.output,
    irreversible: false,
    idempotent: true,
    permissions: workflowPermissions(workflow),
    workflows: [workflow as AnyWorkflow],
    failures: [
      childFailed(workflow as AnyWorkflow, workflow.name, 'failed', new Error('It failed.')),
      childFailed(workflow as AnyWorkflow, workflow.name, 'cancelled', undefined),
    ],
    worstCase: (value, scope) => {
      if (scope.inputTokens !== undefined) {
        scope.assume(
          `a run of \`${workflow.ref}\` takes no more with what \`${name}\` gives it than without an input`,
        );
      }
      const run = scope.ofRun(workflow as AnyWorkflow, value);
      // Whoever asks for the whole again is given the runs that there were.
      const runs = Math.min(scope.attempts, attempts);
      return { ...repeated(run, runs), ...(run.timeMs > 0 && { waits: true }) };
    },
    perform: async (value, scope) => {
      const input = await checked(workflow as AnyWorkflow, value);
      const { runs } = scope;
      return runs
        ? performed(workflow as AnyWorkflow, value, scope, runs)
        : here(workflow as AnyWorkflow, input, scope);
    },
    async stopped(_, { runs, key, runId }) {
      for (let attempt = 1; attempt <= attempts; attempt++) {
        await runs.cancel(childRunId(key, attempt), `run \`${runId}\` no longer waits for it`);
      }
    },
  };
  return durableLogic(underPolicies(actor, options));
}

/**
 * The id of the run that an attempt of an invocation starts. It says whose it is, in letters, digits, `.`, `_`, `-` and `~`,
 * so that it can stand in a URL and in a shell; the hash at its end makes it that invocation's own.
 */
export function childRunId(key: string, attempt = 1): string {
  const whole = attempt === 1 ? key : `${key}/again ${attempt}`;
  const hash = createHash('sha256').update(whole).digest('base64url').slice(0, hashLength);
  const readable = whole
    .replaceAll(/[^A-Za-z0-9._~-]+/g, '.')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, maxReadable);
  return `${readable}~${hash}`;
}

/** 128 bits and more: no two invocations share an id. */
const hashLength = 22;
/** A run's id has at most 500 characters. */
const maxReadable = 500 - 1 - hashLength;

async function checked({ input: schema, ref }: AnyWorkflow, value: unknown): Promise<unknown> {
  return schema ? checkValue(schema, value, `Input of workflow \`${ref}\``) : value;
}

async function performed(
  workflow: AnyWorkflow,
  input: unknown,
  scope: InvocationScope,
  runs: NonNullable<InvocationScope['runs']>,
): Promise<unknown> {
  const attempt = failuresOf(scope).made + 1;
  const id = childRunId(scope.key, attempt);
  await scope.once(`started ${attempt}`, async () => {
    try {
      await runs.start(workflow, { id, input });
    } catch (error) {
      // It failed before its first state, and there is no such run.
      throw error instanceof RunFailed ? childFailed(workflow, id, 'failed', error.cause) : error;
    }
    return id;
  });
  const ended = await runs.outcome(id);
  if (!ended) {
    const reason = `run \`${id}\` of \`${workflow.ref}\` goes on`;
    throw new Deferred(scope.now() + lookMs, reason, { goesOn: true });
  }
  if (ended.status === 'done') return ended.output;
  throw childFailed(workflow, id, ended.status, ended.error);
}

function childFailed(
  { ref }: AnyWorkflow,
  runId: string,
  status: 'failed' | 'cancelled',
  error: unknown,
): ChildRunFailed {
  const why = error instanceof Error ? `: ${error.message}` : '';
  return new ChildRunFailed(
    `Run \`${runId}\` of \`${ref}\` ${status === 'failed' ? 'failed' : 'was cancelled'}${why}`,
    { ...(error === undefined ? {} : { cause: error }), details: { runId, workflow: ref, status } },
  );
}

async function here(
  workflow: AnyWorkflow,
  input: unknown,
  { signal, key }: InvocationScope,
): Promise<unknown> {
  signal.throwIfAborted();
  const child = createActor(workflow.machine as AnyStateMachine, { input });
  const stop = (): void => void child.stop();
  signal.addEventListener('abort', stop, { once: true });
  try {
    const ended = toPromise(child);
    child.start();
    const output: unknown = await ended;
    if (!signal.aborted && workflow.output) {
      await checkValue(workflow.output, output, `Output of workflow \`${workflow.ref}\``);
    }
    return output;
  } catch (error) {
    throw childFailed(workflow, key, 'failed', error);
  } finally {
    signal.removeEventListener('abort', stop);
    child.stop();
    // A machine that was stopped has ended too, with no output.
    signal.throwIfAborted();
  }
}
