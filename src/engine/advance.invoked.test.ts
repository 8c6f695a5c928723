import { assign, createMachine, setup } from 'xstate';
import { describe, expect, it } from 'vitest';

import { sameEveryWay } from '../../test/support/drive.ts';
import { work } from '../../test/support/plain-driver.ts';

describe('an invoked promise', () => {
  const asking = setup({ actors: { ask: work() } }).createMachine({
    id: 'asking',
    context: { answer: null as unknown, error: null as unknown },
    initial: 'waiting',
    states: {
      waiting: {
        invoke: {
          id: 'ask',
          src: 'ask',
          input: { question: 'why' },
          onDone: { target: 'answered', actions: assign({ answer: ({ event }) => event.output }) },
          onError: { target: 'failed', actions: assign({ error: ({ event }) => event.error }) },
        },
        on: { SKIP: 'answered', AGAIN: { target: 'waiting', reenter: true } },
      },
      answered: { on: { ASK: 'waiting' } },
      failed: { on: { ASK: 'waiting' } },
    },
  });

  it('is an invocation with its input, and its output is what the machine goes on with', async () => {
    const [begun, done] = await sameEveryWay(asking, {
      steps: [{ settle: 'ask#1', output: { because: 42 } }],
    });
    expect(begun).toMatchObject({
      value: 'waiting',
      started: [{ key: 'ask#1', input: { question: 'why' } }],
      invocations: ['ask#1'],
    });
    expect(done).toMatchObject({ value: 'answered', context: { answer: { because: 42 } }, invocations: [] });
  });

  it('leads to onError with the error that it was settled with', async () => {
    const [, failed] = await sameEveryWay(asking, {
      steps: [{ settle: 'ask#1', error: new RangeError('too far') }],
    });
    expect(failed).toMatchObject({ value: 'failed', invocations: [] });
    expect((failed?.context as { error: Error }).error).toMatchObject({
      name: 'RangeError',
      message: 'too far',
    });
  });

  it('gets a new key each time its state is entered', async () => {
    const seen = await sameEveryWay(asking, {
      steps: [
        { settle: 'ask#1', output: 1 },
        { type: 'ASK' },
        { settle: 'ask#2', output: 2 },
        { type: 'ASK' },
      ],
    });
    expect(seen.map(({ invocations }) => invocations)).toEqual([['ask#1'], [], ['ask#2'], [], ['ask#3']]);
  });

  it('is stopped when its state is left, and a late result is not accepted', async () => {
    const [, skipped, late, again, stillLate] = await sameEveryWay(asking, {
      steps: [
        { type: 'SKIP' },
        { settle: 'ask#1', output: 'late' },
        { type: 'ASK' },
        { settle: 'ask#1', output: 'later' },
      ],
    });
    expect(skipped).toMatchObject({ value: 'answered', stopped: ['ask#1'], invocations: [] });
    expect(late).toMatchObject({ value: 'answered', context: { answer: null } });
    expect(again).toMatchObject({ invocations: ['ask#2'] });
    expect(stillLate).toMatchObject({ value: 'waiting', invocations: ['ask#2'] });
  });

  it('is stopped and started with a new key by a reentering transition', async () => {
    const [, again] = await sameEveryWay(asking, { steps: [{ type: 'AGAIN' }] });
    expect(again).toMatchObject({ stopped: ['ask#1'], started: [{ key: 'ask#2' }], invocations: ['ask#2'] });
  });

  it('fails the run with its error if there is no onError', async () => {
    const machine = setup({ actors: { ask: work() } }).createMachine({
      id: 'unhandled',
      initial: 'waiting',
      states: { waiting: { invoke: { id: 'ask', src: 'ask' } } },
    });
    const [, failed] = await sameEveryWay(machine, {
      steps: [{ settle: 'ask#1', error: new Error('nobody cares') }],
    });
    expect(failed).toMatchObject({ status: 'error', error: { message: 'nobody cares' }, invocations: [] });
  });

  it('may stand inline, several in one state, without ids', async () => {
    const machine = createMachine({
      id: 'inline',
      context: { got: [] as unknown[] },
      initial: 'both',
      states: {
        both: {
          invoke: [
            {
              src: work(),
              input: 'first',
              onDone: { actions: assign({ got: ({ context, event }) => [...context.got, event.output] }) },
            },
            {
              src: work(),
              input: 'second',
              onDone: { actions: assign({ got: ({ context, event }) => [...context.got, event.output] }) },
            },
          ],
          on: { NEXT: 'after' },
        },
        after: {},
      },
    });
    const [begun, one, two, left] = await sameEveryWay(machine, {
      steps: [
        { settle: '1.inline.both#1', output: 'b' },
        { settle: '0.inline.both#1', output: 'a' },
        { type: 'NEXT' },
      ],
    });
    expect(begun?.started).toEqual([
      { key: '0.inline.both#1', input: 'first' },
      { key: '1.inline.both#1', input: 'second' },
    ]);
    expect(one).toMatchObject({ context: { got: ['b'] }, invocations: ['0.inline.both#1'] });
    expect(two).toMatchObject({ context: { got: ['b', 'a'] }, invocations: [] });
    expect(left).toMatchObject({ value: 'after', stopped: [], children: {} });
  });

  it('may have an id with characters that paths are made of', async () => {
    const inner = createMachine({
      id: 'inner',
      initial: 'busy',
      states: { busy: { invoke: { id: 'x/y~1#z', src: work(), onDone: 'free' } }, free: { type: 'final' } },
    });
    const machine = createMachine({
      id: 'outer',
      initial: 'busy',
      states: { busy: { invoke: { id: 'a/b~0', src: inner, onDone: 'free' } }, free: {} },
    });
    const [begun, done] = await sameEveryWay(machine, {
      steps: [{ settle: 'a~1b~00/x~1y~01#z#1', output: 1 }],
    });
    expect(begun?.invocations).toEqual(['a~1b~00/x~1y~01#z#1']);
    expect(done?.value).toBe('free');
  });

  it('may be invoked by the root', async () => {
    const machine = createMachine({
      id: 'rooted',
      context: { got: null as unknown },
      invoke: {
        id: 'always',
        src: work(),
        onDone: { actions: assign({ got: ({ event }) => event.output }) },
      },
      initial: 'a',
      states: { a: { on: { GO: 'b' } }, b: {} },
    });
    const [, moved, done] = await sameEveryWay(machine, {
      steps: [{ type: 'GO' }, { settle: 'always#1', output: 7 }],
    });
    expect(moved).toMatchObject({ value: 'b', invocations: ['always#1'] });
    expect(done).toMatchObject({ context: { got: 7 } });
  });

  it('that is left by an always transition in the same step is never started', async () => {
    const machine = createMachine({
      id: 'passing',
      initial: 'a',
      states: { a: { invoke: { id: 'never', src: work() }, always: 'b' }, b: {} },
    });
    const [begun] = await sameEveryWay(machine);
    expect(begun).toMatchObject({ value: 'b', started: [], stopped: [], invocations: [] });
  });
});
