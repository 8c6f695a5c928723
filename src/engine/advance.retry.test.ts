/** A failed run goes on from where it failed, and a run can be made to fail. */
import { assign, createMachine, setup } from 'xstate';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';

import { work } from '../../test/support/plain-driver.ts';
import { defineWorkflow } from '../workflow.ts';
import { advance, createHostCache, viewState } from './advance.ts';
import { decode, encode } from './codec.ts';
import { decodeEntry, encodeEntry } from './history.ts';
import { entryOf, progressOf, stateOf, statusOf, wakeAtOf } from './progress.ts';
import type { Message, RunState } from './run-state.ts';

const machine = setup({
  types: { context: {} as { tries: number; bad: unknown } },
  actors: { charge: work(), notify: work() },
}).createMachine({
  id: 'paying',
  context: { tries: 0, bad: null },
  initial: 'charging',
  states: {
    charging: {
      tags: 'busy',
      entry: assign({ tries: ({ context }) => context.tries + 1 }),
      invoke: [
        { src: 'charge', id: 'charge', input: { cents: 5 }, onDone: 'paid' },
        { src: 'notify', id: 'notify' },
      ],
      after: { 1000: 'late' },
      on: { BREAK: { actions: assign({ bad: () => () => 1 }) } },
    },
    late: {},
    paid: { type: 'final' },
  },
  output: ({ context }) => (context.tries === 1 ? 'paid' : 7),
});
const workflow = defineWorkflow({ machine, version: '1' });
const start = (): RunState => advance(workflow, undefined, { type: 'start', at: 0, runId: 'r' }).state;
const stored = (state: RunState): RunState => stateOf(progressOf(state, []).state);
const failing: Message = { type: 'error', at: 5, key: 'charge#1', error: new Error('declined') };

describe('a failed run', () => {
  it('keeps the state before the message that made it fail, and goes on from there', () => {
    const before = advance(workflow, start(), {
      type: 'deferred',
      at: 3,
      key: 'notify#1',
      until: 99,
      reason: 'busy',
      attempt: 1,
    }).state;
    const { state } = advance(workflow, before, failing);
    expect(state).toMatchObject({
      snapshot: { status: 'error' },
      failedFrom: before,
      invocations: [],
      timers: [],
    });
    const again = advance(workflow, stored(state), { type: 'retry', at: 10 });
    expect(again).toMatchObject({
      accepted: true,
      tags: ['busy'],
      started: [
        { key: 'charge#1', input: { cents: 5 } },
        { key: 'notify#1', attempt: 2 },
      ],
      stopped: [],
      actions: [],
    });
    expect(again.state.invocations).toEqual(again.started);
    expect(again.state.invocations.some(({ notBefore }) => notBefore !== undefined)).toBe(false);
    expect({ ...again.state, invocations: [] }).toEqual({ ...before, invocations: [] });
    expect(again.state).not.toHaveProperty('failedFrom');
    const done = advance(workflow, again.state, { type: 'output', at: 11, key: 'charge#1', output: 1 });
    expect(done.state.snapshot).toMatchObject({ status: 'done', output: 'paid' });
  });

  it('can fail and go on any number of times, and its state does not grow by it', () => {
    const hosts = createHostCache();
    let { state } = advance(workflow, start(), failing, hosts);
    const size = encode(state).length;
    for (let round = 0; round < 3; round++) {
      ({ state } = advance(workflow, state, { type: 'retry', at: 6 }, hosts));
      ({ state } = advance(workflow, state, failing, hosts));
    }
    expect(encode(state).length).toBe(size);
  });

  it.each([
    ['by a context that cannot be stored', { type: 'event', at: 5, event: { type: 'BREAK' } }, workflow],
    [
      'by an output that the schema refuses',
      { type: 'output', at: 5, key: 'charge#1', output: 1 },
      defineWorkflow({ machine, version: '2', output: z.number() as never }),
    ],
    ['because it was told to', { type: 'fail', at: 5, error: new Error('an unhandled rejection') }, workflow],
  ] as const)('goes on, if it failed %s', (_, message, failed) => {
    const { state } = advance(failed, undefined, { type: 'start', at: 0 });
    const led = advance(failed, state, message);
    expect(led.state).toMatchObject({ snapshot: { status: 'error' }, failedFrom: state });
    expect(advance(failed, stored(led.state), { type: 'retry', at: 6 }).state).toEqual(state);
  });

  it('alone can be retried', () => {
    const active = start();
    const [cancelled, done] = [
      advance(workflow, active, { type: 'cancel', at: 5 }).state,
      advance(workflow, active, { type: 'output', at: 5, key: 'charge#1', output: 1 }).state,
    ];
    for (const state of [active, cancelled, done]) {
      const led = advance(workflow, state, { type: 'retry', at: 6 });
      expect(led).toMatchObject({ accepted: false, started: [] });
      expect(led.state).toBe(state);
    }
    expect(() => advance(workflow, undefined, { type: 'retry', at: 6 })).toThrowError(
      expect.objectContaining({ code: 'INVALID_OPTION' }) as Error,
    );
  });

  it('keeps nothing more than others do while it is not failed', () => {
    expect(start()).not.toHaveProperty('failedFrom');
    expect(advance(workflow, start(), { type: 'cancel', at: 5 }).state).not.toHaveProperty('failedFrom');
  });
});

describe('`fail`', () => {
  it('ends an active run with the error, and everything under way with it', () => {
    const error = Object.assign(new Error('an unhandled rejection'), { code: 'LOST', socket: () => 1 });
    const led = advance(workflow, start(), { type: 'fail', at: 5, error });
    expect(led).toMatchObject({
      accepted: true,
      stopped: ['charge#1', 'notify#1'],
      state: {
        snapshot: { status: 'error', value: 'charging', error: { code: 'LOST' } },
        timers: [],
        invocations: [],
      },
    });
    expect(viewState(workflow, led.state).accepts).toEqual([]);
    expect(stored(led.state)).toEqual(led.state);
  });

  it('does nothing to a run that has ended', () => {
    const { state } = advance(workflow, start(), { type: 'cancel', at: 5 });
    expect(advance(workflow, state, { type: 'fail', at: 6, error: new Error('late') })).toMatchObject({
      accepted: false,
      state: { snapshot: { status: 'stopped' } },
    });
  });

  it('ends a run that a machine with nothing to fail with would go on with', () => {
    const calm = defineWorkflow({ machine: createMachine({ id: 'calm' }), version: '1' });
    const { state } = advance(calm, undefined, { type: 'start', at: 0 });
    expect(statusOf(advance(calm, state, { type: 'fail', at: 1, error: 'a string' }).state)).toBe('failed');
  });
});

describe('on record', () => {
  it('is the failure, and that the run goes on', () => {
    const before = start();
    const message: Message = { type: 'fail', at: 5, error: new Error('lost') };
    const led = advance(workflow, before, message);
    const entry = decodeEntry(encodeEntry(entryOf({ seq: 2, led, before, turn: { message } })));
    expect(entry).toMatchObject({
      type: 'message',
      status: 'failed',
      message,
      error: { message: 'lost' },
      timers: [],
    });
    expect(wakeAtOf(led.state)).toBeNull();
    const retry: Message = { type: 'retry', at: 6 };
    const again = advance(workflow, led.state, retry);
    expect(entryOf({ seq: 3, led: again, before: led.state, turn: { message: retry } })).toMatchObject({
      status: 'running',
      message: retry,
      value: 'charging',
      started: [{ key: 'charge#1' }, { key: 'notify#1' }],
      timers: [{ deadline: 1000 }],
    });
    expect(decode(encode(again.state))).toEqual(again.state);
  });
});
