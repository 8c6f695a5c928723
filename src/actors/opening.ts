/** How a conversation with a model begins: with what the author's `prompt` gives. */
import { assertOption } from './option.ts';
import type { ModelMessage } from './providers/provider.ts';

/** `of`: whose prompt it is, for people. Throws `InvalidOption` if it gives neither text nor messages. */
export function openingOf<TInput>(
  prompt: (input: TInput) => string | readonly ModelMessage[],
  input: TInput,
  of: string,
): readonly ModelMessage[] {
  const asked = prompt(input);
  if (typeof asked === 'string') return [{ role: 'user', content: asked }];
  const expected = 'a function to a string or to messages of which the last is from the user';
  const holds = Array.isArray(asked) && asked.at(-1)?.role === 'user';
  assertOption(holds, 'prompt', of, expected, asked);
  return asked;
}
