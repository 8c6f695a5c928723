/**
 * `fromMcp`: a tool of an MCP server, with checked input and output.
 *
 * I1. The tool is never called with input that its actor's schema refuses, nor once the invocation was aborted, nor if
 *     the server's own schemas say that it cannot fit.
 * I2. If an irreversible tool without an idempotency key was called and gave no definite answer, the machine gets
 *     `OutcomeUnknown`, never an error that reads as "it did not happen".
 */
import type { z, ZodType } from 'zod';

import { ActorValueInvalid, McpCallFailed, McpToolFailed, OutcomeUnknown } from '../../errors.ts';
import type { DurableActor, InvocationScope, WorstCase, WorstCaseScope } from '../../invocation.ts';
import { plainError } from '../../plain-error.ts';
import { nothing } from '../../worst-case.ts';
import { checkValue, isSchema } from '../check-value.ts';
import { durableLogic, type DurablePromiseLogic } from '../durable-logic.ts';
import { keyOf, permissionsOf } from '../from-tool.ts';
import { assertOption, isName } from '../option.ts';
import { underPolicies, type Policies } from '../policies/policies.ts';
import type { JsonObject } from './connection.ts';
import { assertAllowed, type McpServer } from './mcp-server.ts';
import { toolMissing, type McpContract } from './tool-contract.ts';
import { textOf, valueFor, type McpResult } from './tool-result.ts';
import { takesOnlyText } from './written-schema.ts';

/** What is known of the invocation when its request is made. */
export interface McpInvocation {
  readonly key: string;
  readonly runId: string;
}

export interface McpActorOptions<TInput extends ZodType, TOutput extends ZodType> extends Policies<
  z.output<TOutput>,
  z.input<TInput>,
  z.output<TInput>
> {
  readonly server: McpServer;
  /** The tool's name on the server. */
  readonly tool: string;
  /** Shown to people, and who answered in the run's history. Default: the tool's name. */
  readonly name?: string;
  /** What the tool is for, in words for a model that may call it. */
  readonly description?: string;
  /** What it gives is sent as the tool's arguments, unless `arguments` makes them. */
  readonly input: TInput;
  /**
   * Takes the tool's text if it takes nothing but text; else the structured content, or where the tool gives none, its
   * text read as JSON. With `read`, it takes what that gives.
   */
  readonly output: TOutput;
  /**
   * Makes the arguments, where they are not the input as it is. They are then not held against the tool's schema
   * beforehand. `idempotencyKey` is for tools that take such a key as an argument.
   */
  readonly arguments?: (
    input: z.output<TInput>,
    invocation: McpInvocation & { readonly idempotencyKey: string },
  ) => JsonObject;
  /** Reads the output from all that the tool gave: images, audio, resources, several texts. */
  readonly read?: (result: McpResult) => z.input<TOutput> | Promise<z.input<TOutput>>;
  /**
   * The effect cannot be taken back: money, a mail. Its start is recorded before it is performed. Default: false.
   */
  readonly irreversible?: boolean;
  /**
   * Give this only if the server honours the key, that is, performs a request only once per key. MCP has no rule for such
   * keys: it is sent as `_meta["signalbox/idempotencyKey"]`, and `arguments` can put it where the tool wants it. Then an
   * irreversible tool whose outcome is unknown may be called again; without it, never. `key` is the invocation's own;
   * where the effect must happen once however often the machine asks, derive it from the input.
   */
  readonly idempotencyKey?: (input: z.output<TInput>, invocation: McpInvocation) => string;
  /**
   * Name of the actor that undoes what this one did, as far as it can be undone: its `src` in the same machine. A run that
   * fails after this was done has to pass it; `check` finds the ways that do not.
   */
  readonly compensatedBy?: string;
  /** What it reads and writes, in words of your own: `crm`, `mail`. With neither it may touch anything. */
  readonly reads?: readonly string[];
  readonly writes?: readonly string[];
}

/** In `_meta` of the request. */
const IDEMPOTENCY_KEY = 'signalbox/idempotencyKey';

/**
 * Logic that calls a tool of an MCP server, with input and output checked by zod.
 *
 * The first call on each connection also holds the schemas against the server's own; `server.check()` does that at
 * startup. An abort is passed on to the server. After a crash the tool is called again with the same idempotency key,
 * unless it is irreversible and has none: then the machine gets `OUTCOME_UNKNOWN`, and so it does when such a tool was
 * called and its server dies, times out or gives no readable answer.
 *
 * Rejects with `ACTOR_VALUE_INVALID` if the input is refused, before the tool is called, or the output, after it; with
 * `MCP_TOOL_FAILED` if the tool says that it failed; with `MCP_CALL_FAILED` if it could not be asked or did not answer,
 * where `details.retryable` says whether trying again may help; with `MCP_TOOL_MISMATCH` if the server has no such tool
 * or its schemas cannot fit.
 *
 * @example
 * ```ts
 * const lookUpCustomer = fromMcp({
 *   server: crm,
 *   tool: 'find_customer',
 *   input: z.object({ email: z.email() }),
 *   output: z.object({ id: z.string(), manager: z.string() }),
 *   reads: ['crm'],
 * });
 * ```
 */
export function fromMcp<TInput extends ZodType, TOutput extends ZodType>(
  options: McpActorOptions<TInput, TOutput>,
): DurablePromiseLogic<z.output<TOutput>, z.input<TInput>> {
  assertOptions(options);
  const { server, tool, name = tool, description, irreversible = false, idempotencyKey } = options;
  const { input, output, read, compensatedBy } = options;
  const contract: McpContract = {
    tool,
    input: options.arguments ? undefined : input,
    output: read || takesOnlyText(output) ? undefined : output,
  };
  server.expect(contract);

  const actor: DurableActor = {
    kind: 'tool',
    name,
    ...(description !== undefined && { description }),
    input,
    output,
    irreversible,
    idempotent: idempotencyKey !== undefined,
    compensatedBy,
    ...(idempotencyKey && { idempotencyKey: keyOf(input, idempotencyKey) }),
    permissions: permissionsOf(options),
    failures: failuresOf(options),
    worstCase: (_, scope) => worstCaseOf(options, scope),
    perform: async (value: unknown, scope: InvocationScope) => {
      const { key, runId } = scope;
      const checked = await checkValue(input, value, `Input of ${shown(name)}`);
      const used = idempotencyKey ? idempotencyKey(checked, { key, runId }) : key;
      assertOption(isName(used), 'idempotencyKey', shown(name), 'a function to a non-empty string', used);
      const args = options.arguments?.(checked, { key, runId, idempotencyKey: used }) ?? checked;
      const request = { args: wireObject(args, name), input: checked, idempotencyKey: used };

      const result = await answered(options, contract, request, scope);
      if (result.isError) throw toolFailed(server, tool, name, result);
      const where = `Tool \`${name}\` did its work, but its output`;
      const gave = read ? await read(result) : await valueFor(output, result, where);
      return checkValue(output, gave, where);
    },
  };
  return durableLogic(underPolicies(actor, options));
}

interface Asked {
  readonly args: JsonObject;
  readonly input: unknown;
  readonly idempotencyKey: string;
}

async function answered<TInput extends ZodType, TOutput extends ZodType>(
  options: McpActorOptions<TInput, TOutput>,
  contract: McpContract,
  { args, input, idempotencyKey }: Asked,
  scope: InvocationScope,
): Promise<McpResult> {
  const { signal } = scope;
  const { server, tool, name = tool } = options;
  const onlyOnce = isOnlyOnce(options);
  const call = { server: server.name, tool, arguments: args };
  signal.throwIfAborted();
  return scope.exchange<McpResult>({
    kind: 'tool',
    by: name,
    request: { ...call, idempotencyKey },
    // Arguments that the actor makes may hold the key, which differs from run to run.
    identity: options.arguments ? { server: server.name, tool, input } : call,
    perform: async () => {
      let sent = false;
      const onSend = () => void (sent = true);
      try {
        return await server.call(tool, args, {
          signal,
          contract,
          onSend,
          meta: { [IDEMPOTENCY_KEY]: idempotencyKey },
        });
      } catch (error) {
        throw onlyOnce && sent && leavesOutcomeOpen(error, signal)
          ? outcomeUnknown(server, name, error)
          : error;
      }
    },
    describe: (response) => ({ response }),
  });
}

/** Each sign of progress starts the server's time anew, so that only the actor's own sets a bound to it whatever happens. */
function worstCaseOf<TInput extends ZodType, TOutput extends ZodType>(
  { server, tool, name = tool, timeoutMs, totalTimeoutMs }: McpActorOptions<TInput, TOutput>,
  scope: WorstCaseScope,
): WorstCase {
  if (timeoutMs !== undefined || totalTimeoutMs !== undefined) return { ...nothing, timeMs: Infinity };
  scope.assume(
    `MCP server \`${server.name}\` does not put off the answer of \`${name}\` with signs of progress (set its \`timeoutMs\`)`,
  );
  return { ...nothing, timeMs: scope.attempts * server.longestCallMs };
}

function failuresOf<TInput extends ZodType, TOutput extends ZodType>(
  options: McpActorOptions<TInput, TOutput>,
): readonly Error[] {
  const { server, tool, name = tool } = options;
  const { signal } = new AbortController();
  return [
    ...server.callFailures.filter((error) => !(isOnlyOnce(options) && leavesOutcomeOpen(error, signal))),
    toolFailed(server, tool, name, { content: [{ type: 'text', text: 'It failed.' }], isError: true }),
    toolMissing(server.name, tool, []),
  ];
}

/** Without a definite answer it counts as `OutcomeUnknown`. */
function isOnlyOnce<TInput extends ZodType, TOutput extends ZodType>({
  irreversible,
  idempotencyKey,
}: McpActorOptions<TInput, TOutput>): boolean {
  return irreversible === true && idempotencyKey === undefined;
}

/** Once aborted, whatever the call ends with may come of that, so it says nothing about the effect. */
function leavesOutcomeOpen(error: unknown, signal: AbortSignal): boolean {
  return signal.aborted || (error instanceof McpCallFailed && error.details['mayHaveActed'] === true);
}

function outcomeUnknown({ name: server }: McpServer, actor: string, error: unknown): OutcomeUnknown {
  return new OutcomeUnknown(
    `The irreversible tool \`${actor}\` of MCP server \`${server}\` was called and gave no answer, so whether it took effect is not known. Look on the other side before anything is repeated.`,
    { cause: plainError(error), details: { actor, server } },
  );
}

const MAX_REASON_LENGTH = 500;

function toolFailed(server: McpServer, tool: string, name: string, result: McpResult): McpToolFailed {
  const reason = textOf(result);
  const said = reason === '' ? 'it gave no reason' : reason.slice(0, MAX_REASON_LENGTH);
  return new McpToolFailed(`Tool \`${name}\` of MCP server \`${server.name}\` failed: ${said}`, {
    details: { server: server.name, tool, reason, retryable: false },
  });
}

/** The arguments as they go over the wire and on record. */
function wireObject(args: unknown, name: string): JsonObject {
  if (typeof args !== 'object' || args === null || Array.isArray(args)) {
    throw new ActorValueInvalid(
      `Arguments of ${shown(name)} must be an object, as every tool of MCP takes them. Make them with \`arguments\`.`,
    );
  }
  try {
    return JSON.parse(JSON.stringify(args)) as JsonObject;
  } catch (cause) {
    throw new ActorValueInvalid(`Arguments of ${shown(name)} cannot be written as JSON.`, {
      cause: plainError(cause),
    });
  }
}

function assertOptions<TInput extends ZodType, TOutput extends ZodType>(
  options: McpActorOptions<TInput, TOutput>,
): void {
  const { server, tool, name = tool } = options;
  assertOption(isName(tool), 'tool', 'an MCP actor', 'a non-empty string', tool);
  const assert = (holds: boolean, option: string, expected: string) =>
    assertOption(holds, option, shown(name), expected, options[option as keyof typeof options]);
  const isServer = typeof (server as McpServer | undefined)?.call === 'function';
  assert(isServer, 'server', 'a server that `mcpServer` made');
  assertAllowed(server, tool);
  assert(isName(name), 'name', 'a non-empty string');
  assert(isSchema(options.input), 'input', 'a zod schema');
  assert(isSchema(options.output), 'output', 'a zod schema');
  for (const option of ['arguments', 'read', 'idempotencyKey'] as const) {
    assert(options[option] === undefined || typeof options[option] === 'function', option, 'a function');
  }
  for (const option of ['reads', 'writes'] as const) {
    const words = options[option];
    assert(words === undefined || (Array.isArray(words) && words.every(isName)), option, 'a list of names');
  }
  assert([undefined, true, false].includes(options.irreversible), 'irreversible', 'a boolean');
  const undone = options.compensatedBy === undefined || isName(options.compensatedBy);
  assert(undone, 'compensatedBy', 'the name of an actor of the same machine');
  assert(
    options.description === undefined || isName(options.description),
    'description',
    'a non-empty string',
  );
}

function shown(name: string): string {
  return `tool \`${name}\``;
}
