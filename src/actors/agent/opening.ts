/** How the conversation of an agent begins. */
import { assertOption } from '../option.ts';
import type { ModelMessage } from '../providers/provider.ts';
import { shown } from './agent-options.ts';
import type { Agent } from './agent.ts';

export function openingOf({ name, prompt }: Agent, input: unknown): readonly ModelMessage[] {
  const asked = prompt(input);
  if (typeof asked === 'string') return [{ role: 'user', content: asked }];
  const expected = 'a function to a string or to messages of which the last is from the user';
  const holds = Array.isArray(asked) && asked.at(-1)?.role === 'user';
  assertOption(holds, 'prompt', shown(name), expected, asked);
  return asked;
}
