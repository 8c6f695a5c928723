import { describe, expect, it } from 'vitest';
import { assign, setup } from 'xstate';
import { z } from 'zod';

import { fromModel, fromTool } from '../../../actors/index.ts';
import { gate } from '../../../gates/gate.ts';
import { person } from '../../../gates/person.ts';
import { defineWorkflow } from '../../../workflow.ts';
import { check } from '../check.ts';

const Decision = z.object({ amount: z.number().min(0).max(500), reason: z.enum(['late', 'broken']) });
type Decision = z.infer<typeof Decision>;

interface Context {
  readonly limit: number;
  readonly decision: Decision | null;
  readonly note: string;
}

const decide = fromModel({
  name: 'decide',
  model: 'claude-haiku-5-5',
  input: z.undefined(),
  output: Decision,
  prompt: () => 'Decide.',
});
const refund = fromTool({
  name: 'refund',
  input: z.object({ amount: z.number(), reason: z.string() }),
  output: z.object({ done: z.literal(true) }),
  irreversible: true,
  idempotencyKey: () => 'key',
  run: async () => ({ done: true as const }),
});

const setUp = setup({
  types: { context: {} as Context, events: {} as { type: 'APPROVE' | 'REJECT' } },
  actors: { decide, refund },
  guards: {
    withinLimit: gate('withinLimit', ({ context, event }) => outputOf(event).amount <= context.limit),
    keptWithinLimit: gate(
      'keptWithinLimit',
      ({ context }) => (context.decision?.amount ?? 0) <= context.limit,
    ),
    keptPositive: gate('keptPositive', ({ context }) => (context.decision?.amount ?? 0) >= 0),
    knownReason: gate('knownReason', ({ event }) => outputOf(event).reason !== 'broken'),
    wholeDecision: gate('wholeDecision', Decision, ({ event }) => outputOf(event)),
    unrelated: gate('unrelated', ({ context }) => context.limit > 0),
    small: ({ event }) => outputOf(event).amount <= 100,
  },
  actions: {
    keep: assign({ decision: ({ event }) => outputOf(event) }),
    drop: assign({ decision: null }),
    keepAsText: assign({ note: ({ event }) => `${outputOf(event).reason}!` }),
    spread: assign(({ context }) => ({ ...context, note: 'kept' })),
  },
});

function outputOf(event: unknown): Decision {
  return (event as { output: Decision }).output;
}

const done = { type: 'final' } as const;

type Config = Parameters<typeof setUp.createMachine>[0];

/** A machine that decides, does what is given in between, and refunds what it kept. */
function effects(
  deciding: object,
  between: object = {},
  input?: (args: { context: Context }) => object,
): unknown[] {
  const machine = setUp.createMachine({
    id: 'deciding',
    context: { limit: 100, decision: null, note: '' },
    initial: 'deciding',
    states: {
      deciding: { invoke: { id: 'decide', src: 'decide', input: undefined, onError: 'failed', ...deciding } },
      ...between,
      refunding: {
        invoke: {
          id: 'refund',
          src: 'refund',
          input:
            input ??
            (({ context }: { context: Context }) => ({
              amount: context.decision?.amount ?? 0,
              reason: context.decision?.reason ?? '',
            })),
          onDone: 'done',
          onError: 'failed',
        },
      },
      done,
      failed: done,
    },
  } as Config);
  const { findings } = check(defineWorkflow({ machine: machine as never, version: '1', owner: 'us' }));
  return findings
    .filter(({ rule }) => rule === 'ungated-effect')
    .map(({ where, witness }) => [...where.split(' decide.'), witness?.name]);
}

describe('ungated-effect', () => {
  it('finds each part of an answer that nothing looked at, with the way that it takes', () => {
    expect(effects({ onDone: { target: 'refunding', actions: 'keep' } })).toEqual([
      ['refund', 'amount', 'decide → amount 250, late'],
      ['refund', 'reason', 'decide → amount 250, late'],
    ]);
  });

  it.each([
    [
      'a gate on all of it',
      { onDone: [{ guard: 'wholeDecision', target: 'refunding', actions: 'keep' }, { target: 'failed' }] },
      {},
    ],
    [
      'a person',
      { onDone: { target: 'asking', actions: 'keep' } },
      {
        asking: {
          ...person({ title: 'Refund?' }),
          on: { APPROVE: 'refunding', REJECT: 'failed' },
          after: { 1000: 'failed' },
        },
      },
    ],
    [
      'an answer that is dropped',
      { onDone: { target: 'waiting', actions: 'keep' } },
      {
        waiting: { after: { 1000: { target: 'refunding', actions: 'drop' } } },
      },
    ],
  ])('finds nothing behind %s', (_, deciding, between) => {
    expect(effects(deciding, between)).toEqual([]);
  });

  it('finds what a gate did not look at', () => {
    const deciding = {
      onDone: [{ guard: 'withinLimit', target: 'refunding', actions: 'keep' }, { target: 'failed' }],
    };
    expect(effects(deciding)).toEqual([['refund', 'reason', 'decide → amount 0, broken']]);
    const both = {
      onDone: [{ guard: { type: 'withinLimit' }, target: 'judging', actions: 'keep' }, { target: 'failed' }],
    };
    const judging = {
      judging: { always: [{ guard: 'unrelated', target: 'refunding' }, { target: 'failed' }] },
    };
    expect(effects(both, judging)).toEqual([['refund', 'reason', 'decide → amount 0, broken']]);
  });

  it('takes a gate that looks at what was kept, in the same step or later', () => {
    const judged = {
      judging: { always: [{ guard: 'keptWithinLimit', target: 'refunding' }, { target: 'failed' }] },
    };
    const later = {
      waiting: { after: { 1000: [{ guard: 'keptWithinLimit', target: 'refunding' }, { target: 'failed' }] } },
    };
    const amount = ({ context }: { context: Context }) => ({
      amount: context.decision?.amount ?? 0,
      reason: 'late',
    });
    expect(effects({ onDone: { target: 'judging', actions: 'keep' } }, judged, amount)).toEqual([]);
    expect(effects({ onDone: { target: 'waiting', actions: 'keep' } }, later, amount)).toEqual([]);
  });

  it('takes no plain guard for a gate: it chooses the way, and judges nothing', () => {
    const deciding = {
      onDone: [{ guard: 'small', target: 'refunding', actions: 'keep' }, { target: 'failed' }],
    };
    expect(effects(deciding)).toContainEqual(['refund', 'reason', expect.stringContaining('decide →')]);
  });

  it('finds the one way round the gate: the timer of a question that nobody answered', () => {
    const deciding = { onDone: { target: 'asking', actions: 'keep' } };
    const asking = {
      asking: {
        ...person({ title: 'Refund?' }),
        on: { APPROVE: 'refunding', REJECT: 'failed' },
        after: { 1000: 'refunding' },
      },
    };
    expect(effects(deciding, asking)).toEqual([
      ['refund', 'amount', 'decide → amount 250, late, after 1000'],
      ['refund', 'reason', 'decide → amount 250, late, after 1000'],
    ]);
  });

  it('finds what comes round a gate to a state that another way came to first', () => {
    const deciding = { onDone: { target: 'waiting', actions: 'keep' } };
    const between = {
      waiting: {
        on: { APPROVE: { guard: 'keptPositive', target: 'ready' } },
        after: { 1000: 'ready' },
      },
      ready: { after: { 1000: 'refunding' } },
    };
    expect(effects(deciding, between).map((found) => (found as string[])[1])).toEqual(['reason', 'amount']);
  });

  it('looks at every field of a long answer', () => {
    const fields = Object.fromEntries(
      Array.from({ length: 30 }, (_, index) => [`f${index}`, z.enum(['a', 'b'])]),
    );
    const tell = fromModel({
      name: 'tell',
      model: 'claude-haiku-5-5',
      input: z.undefined(),
      output: z.object(fields),
      prompt: () => 'Tell.',
    });
    const machine = setup({
      types: { context: {} as { last: string } },
      actors: { tell, refund },
      actions: {
        keepLast: assign({
          last: ({ event }) => (event as unknown as { output: Record<string, string> }).output['f29'] ?? '',
        }),
      },
    }).createMachine({
      id: 'telling',
      context: { last: '' },
      initial: 'telling',
      states: {
        telling: {
          invoke: {
            id: 'tell',
            src: 'tell',
            input: undefined,
            onDone: { target: 'refunding', actions: 'keepLast' },
            onError: 'done',
          },
        },
        refunding: {
          invoke: {
            src: 'refund',
            input: ({ context }) => ({ amount: 1, reason: context.last }),
            onDone: 'done',
            onError: 'done',
          },
        },
        done,
      },
    });
    const { findings } = check(defineWorkflow({ machine, version: '1', owner: 'us' }));
    expect(findings.filter(({ rule }) => rule === 'ungated-effect').map(({ where }) => where)).toEqual([
      'refund tell.f29',
    ]);
  });

  it('follows what is made of the answer, and not what stands beside it', () => {
    const deciding = { onDone: { target: 'refunding', actions: ['keepAsText', 'spread'] } };
    expect(effects(deciding, {}, ({ context }) => ({ amount: 1, reason: context.note }))).toEqual([]);
    const made = { onDone: { target: 'refunding', actions: ['spread', 'keepAsText'] } };
    expect(effects(made, {}, ({ context }) => ({ amount: 1, reason: context.note }))).toEqual([
      ['refund', 'reason', 'decide → amount 250, late'],
    ]);
  });
});
