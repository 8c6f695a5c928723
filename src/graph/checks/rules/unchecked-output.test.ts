import { describe, expect, it } from 'vitest';
import { assign, fromPromise, setup } from 'xstate';
import { z, type ZodType } from 'zod';

import { fromModel, fromTool } from '../../../actors/index.ts';
import { gate } from '../../../gates/gate.ts';
import { person } from '../../../gates/person.ts';
import { defineWorkflow } from '../../../workflow.ts';
import { check } from '../check.ts';

interface Using {
  /** Of what the model says. */
  readonly output?: ZodType;
  /** Of what the tool is given: `{ wish }`. */
  readonly input?: ZodType;
  readonly used?: 'tool' | 'model' | 'plain' | 'irreversible';
  readonly between?: 'gate' | 'person' | 'guard';
  readonly said?: readonly unknown[];
}

const Described = z.object({ wish: z.object({ city: z.string() }) });
const Open = z.object({ wish: z.looseObject({}) });

/** What is found where a model says something that is kept, and then given to a tool. */
function found(
  { output = Open, input = Open, used = 'tool', between, said = [{ wish: { city: 'Oslo' } }] }: Using,
  by = 'unchecked-output',
): unknown[] {
  const ask = fromModel({
    name: 'ask',
    model: 'claude-haiku-5-5',
    input: z.undefined(),
    output: output as ZodType<object>,
    prompt: () => 'What is wished for?',
  });
  const options = { name: 'use', input, output: z.literal('ok') };
  const tool = fromTool({
    ...options,
    ...(used === 'irreversible' ? { irreversible: true, idempotencyKey: () => 'key' } : {}),
    run: async () => 'ok' as const,
  });
  const users = {
    tool,
    irreversible: tool,
    model: fromModel({ ...options, model: 'claude-haiku-5-5', prompt: () => 'Is that so?' }),
    plain: fromPromise(async () => 'ok'),
  };
  const next = { gate: 'judging', person: 'asking', guard: 'judging' } as const;
  const machine = setup({
    types: { context: {} as { wish: unknown }, events: {} as { type: 'YES' } | { type: 'NO' } },
    actors: { ask, use: users[used] as typeof tool },
    guards: {
      isWished:
        between === 'gate'
          ? gate('isWished', ({ context }) => JSON.stringify(context.wish) !== '{}')
          : ({ context }) => JSON.stringify(context.wish) !== '{}',
    },
  }).createMachine({
    id: 'wishing',
    context: { wish: null },
    initial: 'wishing',
    states: {
      wishing: {
        invoke: {
          id: 'ask',
          src: 'ask',
          input: undefined,
          onDone: {
            target: between ? next[between] : 'using',
            actions: assign({ wish: ({ event }) => (event.output as { wish: unknown }).wish }),
          },
          onError: 'done',
        },
      },
      judging: { always: [{ guard: 'isWished', target: 'using' }, { target: 'done' }] },
      asking: {
        ...person({ title: 'Is that wished for?' }),
        on: { YES: 'using', NO: 'done' },
        after: { 1000: 'done' },
      },
      using: {
        invoke: {
          id: 'use',
          src: 'use',
          input: ({ context }: { context: { wish: unknown } }) => ({ wish: context.wish }),
          onDone: 'done',
          onError: 'done',
        },
      },
      done: { type: 'final' },
    },
  });
  const workflow = defineWorkflow({
    machine,
    version: '1',
    owner: 'us',
    examples: [{ name: 'one', input: undefined, outputs: { ask: said } }],
  });
  return check(workflow)
    .findings.filter(({ rule }) => rule === by)
    .map(({ where, witness }) => [where, witness?.name]);
}

describe('unchecked-output', () => {
  it('finds what no schema describes, neither of the model nor of the tool', () => {
    expect(found({})).toEqual([['use ask.wish.city', 'ask → Oslo']]);
    expect(found({ used: 'plain' })).toEqual([['use ask.wish.city', 'ask → Oslo']]);
    const Any = z.object({ wish: z.any() });
    expect(found({ output: Any, input: Any, said: [{ wish: { city: 'Oslo', nights: 2 } }] })).toEqual([
      ['use ask.wish.city', 'ask → Oslo, nights 2'],
      ['use ask.wish.nights', 'ask → Oslo, nights 2'],
      // As the schema alone tells it.
      ['use ask.wish', 'ask → ok'],
    ]);
  });

  it.each<[string, Using]>([
    ['where the model is held to a schema', { output: Described }],
    ['where the tool is', { input: Described }],
    ['behind a gate', { between: 'gate' }],
    ['behind a person', { between: 'person' }],
    ['where another model is told', { used: 'model' }],
    ['where it has not said anything of that kind', { said: [] }],
  ])('finds nothing %s', (_, using) => {
    expect(found(using)).toEqual([]);
  });

  it('takes no plain guard for a gate', () => {
    expect(found({ between: 'guard' })).toEqual([['use ask.wish.city', 'ask → Oslo']]);
  });

  it('leaves what cannot be taken back to the rule that tells of that', () => {
    expect(found({ used: 'irreversible' })).toEqual([]);
    expect(found({ used: 'irreversible' }, 'ungated-effect')).toEqual([['use ask.wish.city', 'ask → Oslo']]);
  });

  it('finds the one part that is open in an answer that is described', () => {
    const output = z.object({ wish: z.object({ city: z.string(), more: z.unknown() }) });
    const input = z.object({ wish: z.unknown() });
    const said = [{ wish: { city: 'Oslo', more: 'sun' } }];
    expect(found({ output, input, said })).toEqual([['use ask.wish.more', 'ask → Oslo, sun']]);
    const inArm = z.object({ wish: z.union([z.enum(['none']), z.object({ more: z.unknown() })]) });
    expect(found({ output: inArm, input, said: [] })).toEqual([['use ask.wish.more', 'ask → ok']]);
  });
});
