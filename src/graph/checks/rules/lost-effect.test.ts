import { describe, expect, it } from 'vitest';
import { assign, setup } from 'xstate';
import { z } from 'zod';

import { fromTool } from '../../../actors/index.ts';
import { defineWorkflow } from '../../../workflow.ts';
import { check } from '../check.ts';

function tool(name: string, irreversible: boolean) {
  return fromTool({
    name,
    input: z.undefined(),
    output: z.object({ done: z.literal(true) }),
    ...(irreversible ? { irreversible, idempotencyKey: () => 'key' } : {}),
    run: async () => ({ done: true as const }),
  });
}

const packing = setup({ actors: { pay: tool('pay', true) } }).createMachine({
  id: 'packing',
  initial: 'paying',
  states: {
    paying: { invoke: { id: 'pay', src: 'pay', input: undefined, onDone: 'paid', onError: 'paid' } },
    paid: { type: 'final' },
  },
});

const machines = setup({
  types: { context: {} as { cancelled: boolean }, events: {} as { type: 'CANCEL' | 'AGAIN' } },
  actors: { pay: tool('pay', true), look: tool('look', false), packing },
  guards: { cancelled: ({ context }) => context.cancelled },
  actions: { noteCancelled: assign({ cancelled: true }) },
});

const done = { type: 'final' } as const;
const pay = { id: 'pay', src: 'pay', input: undefined, onDone: 'done', onError: 'unsure' };

/** Where `lost-effect` finds something, and the way there. */
function lost(config: object): Array<readonly [string, string | undefined]> {
  const machine = machines.createMachine({
    id: 'losing',
    context: { cancelled: false },
    ...config,
  } as Parameters<typeof machines.createMachine>[0]);
  const { findings } = check(defineWorkflow({ machine: machine as never, version: '1', owner: 'us' }));
  return findings
    .filter(({ rule, severity }) => rule === 'lost-effect' && severity === 'error')
    .map(({ where, witness }) => [where, witness?.name]);
}

/** A state that pays, with more of its own. */
function paying(more: object, invoke: object = pay): object {
  return { initial: 'paying', states: { paying: { invoke, ...more }, done, unsure: done, cancelled: done } };
}

describe('lost-effect', () => {
  it.each([
    ['a timer', paying({ after: { 1000: 'unsure' } }), 'paying pay / after 1000', 'after 1000'],
    ['an event', paying({ on: { CANCEL: 'cancelled' } }), 'paying pay / CANCEL', 'CANCEL'],
    [
      'an event of the whole machine',
      { ...paying({}), on: { CANCEL: '.cancelled' } },
      'paying pay / CANCEL',
      'CANCEL',
    ],
    [
      'an event that begins the state anew',
      paying({ on: { AGAIN: { target: 'paying', reenter: true } } }),
      'paying pay / AGAIN',
      'AGAIN',
    ],
  ])('finds that %s stops a payment under way', (_, config, where, witness) => {
    expect(lost(config)).toEqual([[where, witness]]);
  });

  it('finds that the answer of another actor does', () => {
    const region = (invoke: object) => ({ initial: 'on', states: { on: { invoke }, off: done } });
    const parts = {
      money: region({ ...pay, onDone: 'off', onError: 'off' }),
      goods: region({ id: 'look', src: 'look', input: undefined, onDone: 'off', onError: '#failed' }),
    };
    expect(
      lost({
        initial: 'both',
        states: {
          both: { type: 'parallel', states: parts, onDone: 'done' },
          done,
          failed: { id: 'failed', ...done },
        },
      }),
    ).toEqual([['both.money.on pay / look', 'look → failed']]);
  });

  it('finds it in a nested machine', () => {
    const invoke = { id: 'packing', src: 'packing', onDone: 'done' };
    expect(lost(paying({ on: { CANCEL: 'cancelled' } }, invoke))).toEqual([
      ['paying packing/pay / CANCEL', 'CANCEL'],
    ]);
  });

  it.each([
    ['that waits for the answer, whatever it is', paying({})],
    [
      'that only notes the event, and looks at it with the answer',
      paying(
        { on: { CANCEL: { actions: 'noteCancelled' } } },
        { ...pay, onDone: [{ guard: 'cancelled', target: 'cancelled' }, { target: 'done' }] },
      ),
    ],
    [
      'that forbids there what the whole machine takes',
      { ...paying({ on: { CANCEL: undefined } }), on: { CANCEL: '.cancelled' } },
    ],
    [
      'that stops what can be done again',
      paying({ on: { CANCEL: 'cancelled' } }, { ...pay, src: 'look', id: 'look' }),
    ],
    ['that fails as a whole, which another rule tells', paying({}, { ...pay, onError: undefined })],
  ])('finds nothing in a machine %s', (_, config) => {
    expect(lost(config)).toEqual([]);
  });
});
