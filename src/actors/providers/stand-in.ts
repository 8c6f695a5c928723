/** A stand-in for a model: plain rules over the input, for when there is no key. It says that it is one. */
import { InvalidOption } from '../../errors.ts';
import type { ModelProvider, ModelRequest, ModelResponse } from './provider.ts';

/**
 * What a model would answer to this input: a value, which is given as JSON, or a string, which is given as it is. A
 * question that is asked for text first has no `request.schema` the first time. Write the type of the input that the
 * actor has validated: `(ticket: Ticket) => ...`.
 */
export type StandInRule = { rule(input: unknown, request: ModelRequest): unknown }['rule'];

/**
 * A provider that answers by rules, one for each actor by its name. It is deterministic if they are.
 *
 * @example
 * ```ts
 * const model = standIn({
 *   classifyTicket: (ticket: Ticket) => ({ categories: [/refund|invoice/i.test(ticket.body) ? 'billing' : 'general'] }),
 * });
 * ```
 */
export function standIn(rules: Readonly<Record<string, StandInRule>>): ModelProvider {
  return {
    name: 'stand-in',
    standIn: true,
    enforcesSchema: true,
    complete: async (request, { signal, sent, onText }) => {
      signal.throwIfAborted();
      sent(onRecord(request));
      const rule = Object.hasOwn(rules, request.actor) ? rules[request.actor] : undefined;
      if (rule === undefined) {
        const known = Object.keys(rules).map((name) => `\`${name}\``);
        throw new InvalidOption(
          `The stand-in model has no rule for \`${request.actor}\`. Add one to \`standIn({ ... })\`, which has ${known.join(', ') || 'none'}, or set ANTHROPIC_API_KEY to use a real model.`,
          { details: { actor: request.actor } },
        );
      }
      const response = answered(await rule(request.input, request), request);
      signal.throwIfAborted();
      for (const piece of response.text.match(/\S+\s*/g) ?? []) onText?.(piece);
      return response;
    },
  };
}

function calling(list: ToolCalls[typeof calls], { messages }: ModelRequest): ModelResponse {
  const content = list.map(({ name, input }, index) => ({
    type: 'tool-call' as const,
    // Ids are unique in a conversation, and the same whenever it is had again.
    id: `call_${messages.length}_${index + 1}`,
    name,
    input,
  }));
  return { text: '', content, stopReason: 'tool_use', model: 'stand-in', response: { content } };
}

/** What a real provider would have been sent. */
function onRecord({ system, messages, schema }: ModelRequest): unknown {
  return { ...(system !== undefined && { system }), messages, ...(schema && { schema }) };
}

const calls = Symbol('tool calls');

interface ToolCalls {
  readonly [calls]: ReadonlyArray<{ readonly name: string; readonly input: unknown }>;
}

/**
 * What a rule gives to have the model of an agent call tools. The rule sees what came of it in `request.messages`.
 *
 * @example
 * ```ts
 * standIn({ helpOut: (_, { messages }) => messages.length === 1 ? callTools([{ name: 'lookUp', input: { id: 7 } }]) : 'Done.' });
 * ```
 */
export function callTools(list: ToolCalls[typeof calls]): unknown {
  return { [calls]: list } satisfies ToolCalls;
}

function answered(answer: unknown, request: ModelRequest): ModelResponse {
  const { actor } = request;
  if (typeof answer === 'object' && answer !== null && calls in answer) {
    return calling((answer as ToolCalls)[calls], request);
  }
  const text = typeof answer === 'string' ? answer : JSON.stringify(answer);
  if (text === undefined) {
    throw new InvalidOption(
      `Expected the stand-in rule for \`${actor}\` to give a string or a JSON value, got \`${typeof answer}\`.`,
      { details: { actor } },
    );
  }
  return {
    text,
    content: [{ type: 'text', text }],
    stopReason: 'end_turn',
    model: 'stand-in',
    response: { text },
  };
}
