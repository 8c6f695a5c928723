/**
 * `fromTool`: a function of yours, with checked input and output.
 *
 * I1. `run` is never called with input that its schema refuses, nor once the invocation was aborted.
 * I2. If an irreversible tool without an idempotency key ends without a definite answer, the machine gets
 *     `OutcomeUnknown`, never an error that reads as "it did not happen".
 */
import type { z, ZodType } from 'zod';

import { OutcomeUnknown } from '../errors.ts';
import type { DurableActor, InvocationScope, Permissions } from '../invocation.ts';
import { causesOf, describeError, plainError } from '../plain-error.ts';
import { nothing } from '../worst-case.ts';
import { checkValue, isSchema } from './check-value.ts';
import { durableLogic, type DurablePromiseLogic } from './durable-logic.ts';
import { assertOption, isName } from './option.ts';
import { parsedAtOnce } from './parsed-at-once.ts';
import { type Policies, underPolicies } from './policies/policies.ts';

/** What a tool is handed beside its input. */
export interface ToolCall {
  /** Aborted when the machine leaves the state, the run is cancelled, or this worker loses the run. Pass it on. */
  readonly signal: AbortSignal;
  /** What `idempotencyKey` gave, else the invocation's own key. The same on every retry and after every crash. */
  readonly idempotencyKey: string;
  /** From 1; counts performances of this invocation, those cut short by a crash included. */
  readonly attempt: number;
}

export interface ToolActorOptions<TInput extends ZodType, TOutput extends ZodType> extends Policies<
  z.output<TOutput>,
  z.input<TInput>,
  z.output<TInput>
> {
  /** Shown to people, and who answered in the run's history. */
  readonly name: string;
  /** What it does and when to use it, for an agent that may call it. */
  readonly description?: string;
  readonly input: TInput;
  readonly output: TOutput;
  /**
   * The effect cannot be taken back: money, a mail. Its start is recorded before it is performed. Default: false.
   */
  readonly irreversible?: boolean;
  /**
   * Give this if the other side honours the key, that is, performs a request only once per key. Then an irreversible tool
   * whose outcome is unknown may be performed again; without it, never. `key` is the invocation's own; where the effect
   * must happen once however often the machine asks, derive it from the input.
   */
  readonly idempotencyKey?: (
    input: z.output<TInput>,
    invocation: { readonly key: string; readonly runId: string },
  ) => string;
  /**
   * Name of the actor that undoes what this one did, as far as it can be undone: its `src` in the same machine. A run that
   * fails after this was done has to pass it; `check` finds the ways that do not.
   */
  readonly compensatedBy?: string;
  /** What it reads, in words of your own: `['crm']`. With `writes`, what a workflow's `permissions` are checked against. */
  readonly reads?: readonly string[];
  /** What it changes. Give `[]` for a tool that changes nothing. */
  readonly writes?: readonly string[];
  readonly run: (input: z.output<TInput>, call: ToolCall) => Promise<z.input<TOutput>>;
}

/**
 * Logic that runs a function with input and output checked by zod.
 *
 * After a crash it is performed again with the same idempotency key, unless it is irreversible and has none: then the
 * machine gets `OUTCOME_UNKNOWN`, and so it does when such a tool is aborted, times out or loses its connection.
 *
 * Rejects with `ACTOR_VALUE_INVALID` if the input is refused, before `run` is called, or the output, after it; else with
 * what `run` threw, unchanged.
 *
 * @example
 * ```ts
 * const refund = fromTool({
 *   name: 'refund',
 *   input: z.object({ ticketId: z.string(), cents: z.int().positive() }),
 *   output: z.object({ receipt: z.string() }),
 *   irreversible: true,
 *   idempotencyKey: ({ ticketId }) => `refund:${ticketId}`,
 *   run: ({ cents }, { idempotencyKey, signal }) => payments.refund(cents, { idempotencyKey, signal }),
 * });
 * ```
 */
export function fromTool<TInput extends ZodType, TOutput extends ZodType>(
  options: ToolActorOptions<TInput, TOutput>,
): DurablePromiseLogic<z.output<TOutput>, z.input<TInput>> {
  assertOptions(options);
  const { name, irreversible = false, idempotencyKey, compensatedBy } = options;
  const idempotent = idempotencyKey !== undefined;

  const actor: DurableActor = {
    kind: 'tool',
    name,
    ...(options.description !== undefined && { description: options.description }),
    input: options.input,
    output: options.output,
    irreversible,
    idempotent,
    compensatedBy,
    ...(idempotencyKey && { idempotencyKey: keyOf(options.input, idempotencyKey) }),
    permissions: permissionsOf(options),
    // How long a function of yours takes is not known; `timeoutMs` sets a bound to it.
    worstCase: () => ({ ...nothing, timeMs: Infinity }),
    perform: async (value: unknown, scope: InvocationScope) => {
      const input = await checkValue(options.input, value, `Input of ${shown(name)}`);
      const { key, runId } = scope;
      const used = idempotencyKey ? idempotencyKey(input, { key, runId }) : key;
      assertOption(isName(used), 'idempotencyKey', shown(name), 'a function to a non-empty string', used);
      return performed(options, input, used, irreversible && !idempotent, scope);
    },
  };
  return durableLogic(underPolicies(actor, options));
}

/** As it is declared: of an input that was not checked yet. */
export function keyOf<TInput extends ZodType>(
  schema: TInput,
  key: (input: z.output<TInput>, invocation: KeyedInvocation) => string,
): NonNullable<DurableActor['idempotencyKey']> {
  return (input, invocation) => key(parsedAtOnce(schema, input) as z.output<TInput>, invocation);
}

interface KeyedInvocation {
  readonly key: string;
  readonly runId: string;
}

/** Undefined if it says neither what it reads nor what it writes. */
export function permissionsOf({
  reads,
  writes,
}: {
  readonly reads?: readonly string[];
  readonly writes?: readonly string[];
}): Permissions | undefined {
  return reads || writes ? { reads: reads ?? [], writes: writes ?? [] } : undefined;
}

function performed<TInput extends ZodType, TOutput extends ZodType>(
  { name, output, run }: ToolActorOptions<TInput, TOutput>,
  input: z.output<TInput>,
  idempotencyKey: string,
  onlyOnce: boolean,
  scope: InvocationScope,
): Promise<z.output<TOutput>> {
  const { signal, attempt } = scope;
  return scope.exchange({
    kind: 'tool',
    by: name,
    request: { input, idempotencyKey },
    identity: input,
    perform: async () => {
      let result: z.input<TOutput>;
      try {
        result = await run(input, { signal, idempotencyKey, attempt });
      } catch (error) {
        throw onlyOnce && leavesOutcomeOpen(error, signal) ? outcomeUnknown(name, error) : error;
      }
      return checkValue(output, result, `Tool \`${name}\` did its work, but its output`);
    },
    describe: (response) => ({ response }),
  });
}

/** Errors after which the other side may have acted: it was reached, and did not answer. */
const NO_ANSWER: ReadonlySet<unknown> = new Set([
  'AbortError',
  'TimeoutError',
  'ECONNABORTED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'UND_ERR_ABORTED',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_SOCKET',
]);

/** Once aborted, whatever the tool throws may come of that, so it says nothing about the effect. */
function leavesOutcomeOpen(error: unknown, signal: AbortSignal): boolean {
  if (signal.aborted) return true;
  return [...causesOf(error)].some((cause) => {
    const { name, code } = describeError(cause);
    return NO_ANSWER.has(name) || NO_ANSWER.has(code);
  });
}

function outcomeUnknown(name: string, error: unknown): OutcomeUnknown {
  if (error instanceof OutcomeUnknown) return error;
  return new OutcomeUnknown(
    `The irreversible tool \`${name}\` was started and gave no answer, so whether it took effect is not known. Look on the other side before anything is repeated.`,
    { cause: plainError(error), details: { actor: name } },
  );
}

function assertOptions<TInput extends ZodType, TOutput extends ZodType>({
  name,
  input,
  output,
  irreversible,
  idempotencyKey,
  compensatedBy,
  reads,
  writes,
  run,
}: ToolActorOptions<TInput, TOutput>): void {
  assertOption(isName(name), 'name', 'a tool', 'a non-empty string', name);
  const assert = (holds: boolean, option: string, expected: string, got: unknown) =>
    assertOption(holds, option, shown(name), expected, got);
  assert(isSchema(input), 'input', 'a zod schema', input);
  assert(isSchema(output), 'output', 'a zod schema', output);
  const flag = irreversible === undefined || typeof irreversible === 'boolean';
  assert(flag, 'irreversible', 'a boolean', irreversible);
  const keyed = idempotencyKey === undefined || typeof idempotencyKey === 'function';
  assert(keyed, 'idempotencyKey', 'a function', idempotencyKey);
  const undone = compensatedBy === undefined || isName(compensatedBy);
  assert(undone, 'compensatedBy', 'the name of an actor of the same machine', compensatedBy);
  for (const [option, names] of Object.entries({ reads, writes })) {
    const holds = names === undefined || (Array.isArray(names) && names.every(isName));
    assert(holds, option, 'a list of names', names);
  }
  assert(typeof run === 'function', 'run', 'a function', run);
}

function shown(name: string): string {
  return `tool \`${name}\``;
}
