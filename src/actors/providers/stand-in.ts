/** A stand-in for a model: plain rules over the input, for when there is no key. It says that it is one. */
import { InvalidOption } from '../../errors.ts';
import type { ContentBlock, ModelProvider, ModelRequest, ModelResponse } from './provider.ts';

/**
 * What a model would answer to this input: a value, which is given as JSON, a string, which is given as it is, or
 * `callTools(...)`. A question that is asked for text first has no `request.schema` the first time. Write the type of the
 * input that the actor has validated: `(ticket: Ticket) => ...`.
 *
 * An agent asks once per turn with the conversation so far in `request.messages`: one message the first time, and two
 * more for every turn that called tools.
 */
export type StandInRule = { rule(input: unknown, request: ModelRequest): unknown }['rule'];

/** What `callTools` gives, for a rule to return. */
export interface StandInToolCalls {
  readonly [toolCalls]: readonly StandInToolCall[];
  readonly text: string;
}

export interface StandInToolCall {
  readonly name: string;
  readonly input: unknown;
}

/** Registered, so that it is the same in another copy of this package. */
const toolCalls: unique symbol = Symbol.for('signalbox.standIn.toolCalls');

/**
 * A provider that answers by rules, one for each actor by its name. It is deterministic if they are. Whoever looks on is
 * told of an answer word by word, all at once.
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
    timeoutMs: () => 0,
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
      if (onText) for (const [piece] of response.text.matchAll(/\s*\S+\s*|\s+/g)) onText(piece);
      return response;
    },
  };
}

/**
 * What a rule gives to have the model of an agent call tools, one or several at once, after a text if it has one. What
 * came of the calls is in `request.messages` when the rule is asked again.
 *
 * @example
 * ```ts
 * const model = standIn({
 *   helpOut: (_, { messages }) =>
 *     messages.length === 1 ? callTools([{ name: 'lookUp', input: { id: 7 } }]) : 'It is on its way.',
 * });
 * ```
 */
export function callTools(calls: readonly StandInToolCall[], text = ''): StandInToolCalls {
  return { [toolCalls]: calls, text };
}

/** What a real provider would have been sent. */
function onRecord({ system, messages, schema, tools }: ModelRequest): unknown {
  return {
    ...(system !== undefined && { system }),
    messages,
    ...(schema && { schema }),
    ...(tools && { tools }),
  };
}

function answered(answer: unknown, request: ModelRequest): ModelResponse {
  if (typeof answer === 'object' && answer !== null && toolCalls in answer) {
    return calling(answer as StandInToolCalls, request);
  }
  const text = typeof answer === 'string' ? answer : JSON.stringify(answer);
  if (text === undefined) {
    throw new InvalidOption(
      `Expected the stand-in rule for \`${request.actor}\` to give a string or a JSON value, got \`${typeof answer}\`.`,
      { details: { actor: request.actor } },
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

function calling({ text, [toolCalls]: calls }: StandInToolCalls, { messages }: ModelRequest): ModelResponse {
  const content: ContentBlock[] = calls.map(({ name, input }, index) => ({
    type: 'tool-call',
    // Ids differ within a conversation, and are the same whenever it is had again.
    id: `call_${messages.length}_${index + 1}`,
    name,
    input,
  }));
  if (text !== '') content.unshift({ type: 'text', text });
  return { text, content, stopReason: 'tool_use', model: 'stand-in', response: { content } };
}
