/** A run that was stored by one machine and is to go on with another, under the same version. */
import { createMachine, fromTransition, raise, sendTo, setup, spawnChild, stopChild } from 'xstate';
import { describe, expect, it } from 'vitest';

import { work } from '../../test/support/plain-driver.ts';
import { type AnyWorkflow, defineWorkflow } from '../workflow.ts';
import { advance, viewState } from './advance.ts';
import type { Misfit } from './misfits.ts';
import { progressOf, stateOf } from './progress.ts';
import type { RunState } from './run-state.ts';

const [first, second] = [work(), work()];
const inner = (states: object): object =>
  createMachine({ id: 'inner', initial: 'a', states } as never, { actors: { charge: first } } as never);
const actors = {
  charge: first,
  notify: second,
  tally: fromTransition((n: number) => n + 1, 0),
  inner: inner({ a: { invoke: { src: 'charge', id: 'p' } } }),
};

const workflowOf = (config: object, given: object = actors): AnyWorkflow =>
  defineWorkflow({
    machine: createMachine(
      { id: 'm', ...config } as never,
      {
        actors: given,
        delays: { soon: 1000 },
        actions: { note: () => {} },
        guards: { no: () => false },
      } as never,
    ),
    version: '1',
  });

/** What a run holds after these events, as a store gives it back. */
function storedBy(workflow: AnyWorkflow, events: readonly string[] = []): RunState {
  let { state } = advance(workflow, undefined, { type: 'start', at: 0 });
  for (const type of events)
    ({ state } = advance(workflow, state, { type: 'event', at: 1, event: { type } }));
  return stateOf(progressOf(state, []).state);
}

function misfits(
  before: object | AnyWorkflow,
  after: object | AnyWorkflow,
  events: readonly string[] = [],
): string[] {
  const [was, is] = [before, after].map((each) => ('ref' in each ? (each as AnyWorkflow) : workflowOf(each)));
  const state = storedBy(was as AnyWorkflow, events);
  let refusal: unknown;
  try {
    viewState(is as AnyWorkflow, state);
  } catch (error) {
    refusal = error;
  }
  if (!refusal) return [];
  expect(refusal).toMatchObject({ code: 'SNAPSHOT_NOT_RESTORABLE' });
  expect(() => advance(is as AnyWorkflow, state, { type: 'event', at: 2, event: { type: 'X' } })).toThrow();
  return (refusal as { details: { misfits: Misfit[] } }).details.misfits.map(({ kind, actor, id }) =>
    [kind, actor, id].filter(Boolean).join(' '),
  );
}

const a = (state: object): object => ({ initial: 'a', states: { a: state, b: {} } });
const invoking = (...invoke: object[]): object => a({ invoke });

describe('a stored run no longer fits', () => {
  it.each<[what: string, before: object, after: object, expected: string[], events?: string[]]>([
    ['a machine without its state', a({}), { initial: 'b', states: { b: {} } }, ['state m.a']],
    ['one whose state has states now', a({}), a({ initial: 'x', states: { x: {} } }), ['state m.a']],
    ['one whose state has none any more', a({ initial: 'x', states: { x: {} } }), a({}), ['state m.a.x']],
    [
      'one with another region',
      { type: 'parallel', states: { one: {}, two: {} } },
      { type: 'parallel', states: { one: {}, two: {}, three: {} } },
      ['state m.three'],
    ],
    [
      'one without a region',
      { type: 'parallel', states: { one: {}, two: {} } },
      { type: 'parallel', states: { one: {} } },
      ['state m.two'],
    ],
    ['one that is parallel now', a({}), { type: 'parallel', states: { a: {}, b: {} } }, ['state m.b']],
    [
      'one whose final state is none any more',
      { type: 'parallel', states: { one: { initial: 'x', states: { x: { type: 'final' } } }, two: {} } },
      { type: 'parallel', states: { one: { initial: 'x', states: { x: {} } }, two: {} } },
      ['final m.one.x'],
    ],
    [
      'one whose state is final now',
      { type: 'parallel', states: { one: { initial: 'x', states: { x: {} } }, two: {} } },
      { type: 'parallel', states: { one: { initial: 'x', states: { x: { type: 'final' } } }, two: {} } },
      ['final m.one.x'],
    ],
    [
      'one without the history that remembers',
      {
        initial: 'on',
        states: {
          on: { initial: 'x', states: { x: {}, h: { type: 'history' } }, on: { OFF: 'off' } },
          off: {},
        },
      },
      { initial: 'on', states: { on: { initial: 'x', states: { x: {} }, on: { OFF: 'off' } }, off: {} } },
      ['history m.on.h'],
      ['OFF'],
    ],
    [
      'one whose `after` takes longer',
      a({ after: { 1000: 'b' } }),
      a({ after: { 2000: 'b' } }),
      ['timer xstate.after.1000.m.a'],
    ],
    ['one whose `after` is gone', a({ after: { soon: 'b' } }), a({}), ['timer xstate.after.soon.m.a']],
    [
      'one that no longer takes what is sent later',
      { ...a({ on: { LATER: 'b' } }), entry: raise({ type: 'LATER' }, { delay: 1000, id: 'later' }) },
      { ...a({}), entry: raise({ type: 'LATER' }, { delay: 1000, id: 'later' }) },
      ['timer later'],
    ],
    [
      'one whose child no longer takes what is sent to it later',
      {
        invoke: { src: 'inner', id: 'c' },
        entry: sendTo('c', { type: 'LATER' }, { delay: 1000, id: 'later' }),
      },
      workflowOf(
        { invoke: { src: 'inner', id: 'c' } },
        { ...actors, inner: inner({ a: { invoke: { src: 'charge', id: 'p' }, on: { OTHER: {} } } }) },
      ),
      ['timer later'],
    ],
    [
      'one that invokes another in its place',
      invoking({ src: 'charge', id: 'p' }),
      invoking({ src: 'notify', id: 'p' }),
      ['child p'],
    ],
    [
      'one that invokes it under another id',
      invoking({ src: 'charge', id: 'p' }),
      invoking({ src: 'charge', id: 'q' }),
      ['invoke q', 'child p'],
    ],
    ['one that does not invoke it any more', invoking({ src: 'charge', id: 'p' }), a({}), ['child p']],
    [
      'one that does not invoke it here',
      invoking({ src: 'charge' }),
      { initial: 'a', states: { a: {}, b: { invoke: { src: 'charge' } } } },
      ['child 0.m.a'],
    ],
    [
      'one that invokes more',
      invoking({ src: 'charge', id: 'p' }),
      invoking({ src: 'charge', id: 'p' }, { src: 'notify', id: 'q' }),
      ['invoke q'],
    ],
    [
      'one that invokes by place, in another order',
      invoking({ src: 'charge' }, { src: 'notify' }),
      invoking({ src: 'notify' }, { src: 'charge' }),
      ['child 0.m.a', 'child 1.m.a'],
    ],
    [
      'one that invokes inline under ids, in another order',
      invoking({ src: first, id: 'p' }, { src: second, id: 'q' }),
      invoking({ src: second, id: 'q' }, { src: first, id: 'p' }),
      ['child p', 'child q'],
    ],
    [
      'one that is changed and has several inline without ids',
      invoking({ src: first }, { src: second }),
      { ...invoking({ src: second }, { src: first }), on: { X: {} } },
      ['child 0.m.a', 'child 1.m.a'],
    ],
    [
      'one without the logic of a child that it spawned',
      { entry: spawnChild('notify', { id: 'p' }) },
      workflowOf({}, { charge: first }),
      ['child p'],
    ],
    [
      'one with a machine where there was a promise',
      invoking({ src: 'notify', id: 'p' }),
      workflowOf(invoking({ src: 'notify', id: 'p' }), { ...actors, notify: actors.inner }),
      ['child p'],
    ],
    [
      'one with a promise where there was a machine',
      invoking({ src: 'inner', id: 'p' }),
      workflowOf(invoking({ src: 'inner', id: 'p' }), { ...actors, inner: first }),
      ['child p'],
    ],
    [
      'one with a promise where there was a transition',
      invoking({ src: 'tally', id: 'p' }),
      workflowOf(invoking({ src: 'tally', id: 'p' }), { ...actors, tally: first }),
      ['invocation p p'],
    ],
    [
      'one with a transition where there was a promise',
      invoking({ src: 'charge', id: 'p' }),
      workflowOf(invoking({ src: 'charge', id: 'p' }), { ...actors, charge: actors.tally }),
      ['invocation p p#1'],
    ],
    [
      'one whose child has changed',
      { invoke: { src: 'inner', id: 'c' } },
      workflowOf(
        { invoke: { src: 'inner', id: 'c' } },
        { ...actors, inner: inner({ b: {}, a: { invoke: { src: 'charge', id: 'q' } } }) },
      ),
      ['invoke c q', 'child c p'],
    ],
  ])('%s', (_, before, after, expected, events) => {
    expect(misfits(before, after, events)).toEqual(expected);
    // The machine that stored it, made anew as after a restart, takes it as it is.
    expect(misfits(before, 'ref' in before ? before : workflowOf(before), events)).toEqual([]);
  });
});

describe('a stored run fits', () => {
  const before = {
    initial: 'a',
    entry: [spawnChild('notify', { id: 's' }), raise({ type: 'NEVER' }, { delay: 5, id: 'unheard' })],
    states: {
      a: {
        invoke: [{ src: 'charge', id: 'p', onDone: 'b' }, { src: second }],
        after: { 1000: 'b', soon: { guard: 'no', target: 'b' } },
        on: { STOP: { actions: stopChild('p') }, OUT: 'b' },
      },
      b: { on: { BACK: 'h' } },
      h: { type: 'history' },
    },
  };

  it('the machine that stored it, whatever that leaves unheard, stopped or ended', () => {
    for (const events of [[], ['STOP'], ['OUT'], ['OUT', 'BACK']]) {
      expect(misfits(before, before, events)).toEqual([]);
    }
  });

  it('one that has more, elsewhere, and is then taken for the one that stored it', () => {
    const { NEVER: _, ...rest } = { NEVER: 0, ...before };
    const after = workflowOf({
      ...rest,
      on: { NEVER: {}, MORE: '.c' },
      states: {
        ...before.states,
        c: { type: 'final', entry: 'note' },
        b: { after: { 5: 'c' }, on: { BACK: 'h' } },
      },
    });
    const state = storedBy(workflowOf(before));
    expect(misfits(before, after)).toEqual([]);
    const led = advance(after, state, { type: 'output', at: 3, key: 'p#1' });
    expect(led.state.snapshot.value).toBe('b');
    expect(led.state.shape).not.toBe(state.shape);
    expect(led.state.shape).toBe(storedBy(after).shape);
  });

  it('one whose code alone has changed', () => {
    const after = setup({ actors: actors as never }).createMachine({ id: 'm' });
    expect(storedBy(workflowOf({})).shape).toBe(defineShape(after as never));
  });
});

function defineShape(machine: never): string | undefined {
  return storedBy(defineWorkflow({ machine, version: '2' }) as AnyWorkflow).shape;
}
