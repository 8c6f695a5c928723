import Anthropic from '@anthropic-ai/sdk';
import { expect, it, onTestFinished, vi } from 'vitest';
import { z } from 'zod';

import { createWorld, performing } from '../../test/support/world.ts';
import { fromMap } from '../actors/from-map.ts';
import { fromModel } from '../actors/from-model.ts';
import { anthropic } from '../actors/providers/anthropic.ts';
import { createMessagesServer } from '../testing/messages-server/index.ts';
import type { PartialText } from './held-run.ts';

const text = 'One two three four five six seven.';

it('tells who looks on of the text of answers as it comes, by invocation and part, and stores none of it', async () => {
  const server = await createMessagesServer({ answers: () => ({ text }) });
  onTestFinished(() => server.close());
  const sdk = new Anthropic({ baseURL: server.url, apiKey: 'any', logLevel: 'off' });
  const each = fromModel({
    name: 'ask',
    model: 'claude-haiku-5-5',
    input: z.number(),
    output: z.string(),
    prompt: (number) => `Ask ${number}`,
    provider: anthropic({ client: sdk }),
    stream: true,
  });
  const logic = fromMap({ name: 'all', input: z.array(z.number()), items: (numbers) => numbers, each });
  const world = createWorld(performing(logic, [1, 2]));
  const engine = world.engine();
  const heard: PartialText[] = [];
  const stop = engine.run('r').onPartial((piece) => heard.push(piece));
  const elsewhere: PartialText[] = [];
  const client = world.engine({ work: 'none' });
  client.run('r').onPartial((piece) => elsewhere.push(piece));
  const run = await engine.start('performing', { id: 'r' });
  await run.result();
  stop();

  for (const part of ['item 0', 'item 1']) {
    const pieces = heard.filter((piece) => piece.part === part);
    expect(pieces.length).toBeGreaterThan(1);
    expect(pieces.map((piece) => piece.text).join('')).toBe(text);
    expect(pieces[0]).toMatchObject({ invocation: { key: 'work#1' }, attempt: 1 });
  }
  // Another process hears the same, in larger pieces and without the input, which may be large.
  const heardElsewhere = (part: string): string =>
    elsewhere.flatMap((piece) => (piece.part === part ? piece.text : [])).join('');
  await vi.waitUntil(() => ['item 0', 'item 1'].every((part) => heardElsewhere(part) === text));
  expect(elsewhere[0]).toMatchObject({ invocation: { key: 'work#1', path: 'work' }, attempt: 1 });
  expect(elsewhere[0]?.invocation).not.toHaveProperty('input');
  expect(elsewhere.length).toBeLessThan(heard.length);

  const kinds = (await run.history()).map(({ type }) => type);
  expect(kinds).toEqual(['message', 'kept', 'kept', 'message']);
});
