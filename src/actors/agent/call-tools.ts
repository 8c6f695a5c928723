/** The tools that a turn calls: at the same time, each from the journal if it was called before, in the order asked for. */
import { describeIssues } from '../../errors.ts';
import { Deferred, type InvocationScope } from '../../invocation.ts';
import { describeError } from '../../plain-error.ts';
import { issuesOf } from '../check-value.ts';
import type { ToolCallBlock, ToolResultBlock } from '../providers/provider.ts';
import { runTogether } from '../run-together.ts';
import type { Agent } from './agent.ts';

/** `turn` numbers the turn that calls them. */
export async function callTools(
  agent: Agent,
  turn: number,
  calls: readonly ToolCallBlock[],
  scope: InvocationScope,
): Promise<ToolResultBlock[]> {
  return runTogether(
    calls,
    (call, index, signal) => {
      // Ids are the provider's, and need not differ from turn to turn. Of names only ours are used: the model may make up any.
      const place = `call ${turn}.${index + 1}`;
      const part = agent.actors.has(call.name) ? `${place} ${call.name}` : place;
      const here = scope.under(signal);
      return here.once(part, () => resultOf(agent, call, here.within(part)));
    },
    { concurrency: Math.max(1, calls.length), scope },
  );
}

export function failed({ id }: Pick<ToolCallBlock, 'id'>, content: string): ToolResultBlock {
  return { type: 'tool-result', id, content, isError: true };
}

async function resultOf(
  { actors, maxResultLength }: Agent,
  call: ToolCallBlock,
  scope: InvocationScope,
): Promise<ToolResultBlock> {
  const tool = actors.get(call.name);
  if (!tool)
    return failed(call, `There is no tool \`${excerpt(call.name)}\`. Use those that you were given.`);
  const parsed = await tool.input?.safeParseAsync(call.input);
  if (parsed?.success === false) {
    const why = `It was not called, as its input is not valid:\n${inLines(issuesOf(parsed.error))}`;
    return failed(call, cut(why, maxResultLength));
  }
  try {
    const output = await tool.perform(call.input, scope);
    return { type: 'tool-result', id: call.id, content: cut(inWords(output), maxResultLength) };
  } catch (error) {
    if (isNotForTheModel(error, scope.signal)) throw error;
    const { message, code } = describeError(error);
    return failed(call, cut(code === undefined ? message : `${code}: ${message}`, maxResultLength));
  }
}

/** A line for each issue. */
export function inLines(issues: ReturnType<typeof issuesOf>): string {
  return issues.map((issue) => `- ${describeIssues([issue])}`).join('\n');
}

/** Errors of what is around the tool: with them the agent cannot go on, whatever its model makes of it. */
const NOT_FOR_THE_MODEL: ReadonlySet<unknown> = new Set([
  'BUDGET_EXCEEDED',
  'ENGINE_STOPPED',
  'EXCHANGE_NOT_RECORDED',
  'FIXTURE_INVALID',
  'INVALID_OPTION',
  'LEASE_LOST',
  'OUTCOME_UNKNOWN',
  'STORE_FOREIGN',
  'STORE_UNAVAILABLE',
  'VALUE_NOT_CARRIABLE',
]);

function isNotForTheModel(error: unknown, signal: AbortSignal): boolean {
  if (error instanceof Deferred || signal.aborted) return true;
  return typeof error === 'object' && error !== null && 'code' in error && NOT_FOR_THE_MODEL.has(error.code);
}

function inWords(output: unknown): string {
  if (typeof output === 'string') return output;
  try {
    return JSON.stringify(output) ?? 'Done.';
  } catch {
    return 'Done. The result cannot be shown.';
  }
}

/** As long as a name of a tool may be. */
const longestName = 64;

function excerpt(name: string): string {
  return name.length <= longestName ? name : `${whole(name.slice(0, longestName))}…`;
}

/** What the model is told of it, in so many characters. */
export function cut(text: string, length: number): string {
  if (text.length <= length) return text;
  return `${whole(text.slice(0, length))}\n(cut after ${length} of ${text.length} characters)`;
}

/** Half a character at the end is none. */
function whole(text: string): string {
  return text.replace(/[\uD800-\uDBFF]$/, '');
}
