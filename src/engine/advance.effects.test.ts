import {
  and,
  assign,
  createMachine,
  emit,
  enqueueActions,
  forwardTo,
  fromPromise,
  log,
  sendTo,
  setup,
} from 'xstate';
import { describe, expect, it, vi } from 'vitest';

import { gate } from '../gates/gate.ts';
import { type AnyWorkflow, defineWorkflow } from '../workflow.ts';
import { advance, canAccept, viewState } from './advance.ts';
import type { Advanced, Message, RunState } from './run-state.ts';

type Undated = Message extends infer Each ? (Each extends Message ? Omit<Each, 'at'> : never) : never;

function folded(workflow: AnyWorkflow, ...messages: Undated[]): Advanced[] {
  let state: RunState | undefined;
  return [{ type: 'start' } as Undated, ...messages].map((message) => {
    const led = advance(workflow, state, { ...message, at: 0 } as Message);
    state = led.state;
    return led;
  });
}

const event = (type: string, payload: object = {}): Undated => ({
  type: 'event',
  event: { type, ...payload },
});

describe('what advance never runs', () => {
  const ran = vi.fn();

  const nested = setup({
    actions: { notify: ran },
    actors: { fetch: fromPromise(async () => ran()) },
  }).createMachine({
    id: 'nested',
    entry: 'notify',
    initial: 'a',
    states: {
      a: { entry: ran, exit: 'notify', invoke: { id: 'fetch', src: 'fetch', onDone: 'b' } },
      b: { entry: [log('nested'), 'notify'], type: 'final' },
    },
  });
  const workflow = defineWorkflow({
    version: '1',
    machine: createMachine({
      id: 'effects',
      context: { count: 0 },
      entry: ['notify', ran, log('hello'), { type: 'tell', params: { to: 'ann' } }],
      exit: 'notify',
      initial: 'a',
      states: {
        a: {
          initial: 'inner',
          states: { inner: { entry: 'notify' } },
          exit: [ran, log(({ context }) => context.count, 'label')],
          invoke: [
            { id: 'named', src: 'fetch', onDone: { target: 'b', actions: ['notify', ran] } },
            { id: 'inline', src: fromPromise(async () => ran()) },
            { id: 'nested', src: 'nested' },
          ],
          on: {
            QUEUE: {
              actions: enqueueActions(({ enqueue }) => {
                enqueue('notify');
                enqueue(ran);
                enqueue({ type: 'tell', params: { to: 'bob' } });
              }),
            },
          },
        },
        b: {
          entry: { type: 'tell', params: ({ context }) => ({ to: `${context['count']}` }) },
          type: 'final',
        },
      },
    }).provide({
      actions: { notify: ran, tell: ran },
      actors: { fetch: fromPromise(async () => ran()), nested },
    } as never),
  });

  it('is promises, custom actions of every kind, and the log', () => {
    const write = vi.spyOn(console, 'log').mockImplementation(() => {});
    const leds = folded(
      workflow,
      event('QUEUE'),
      { type: 'output', key: 'nested/fetch#1' },
      { type: 'output', key: 'inline#1' },
      { type: 'output', key: 'named#1' },
    );
    expect(leds.at(-1)?.state.snapshot.status).toBe('done');
    expect(leds.flatMap(({ actions }) => actions).length).toBeGreaterThan(15);
    expect(ran).not.toHaveBeenCalled();
    expect(write).not.toHaveBeenCalled();
  });

  it('is them neither when a state is restored, looked at, or asked what it accepts', () => {
    const [begun] = folded(workflow);
    const state = structuredClone(begun?.state) as RunState;
    viewState(workflow, state);
    canAccept(workflow, state, { type: 'QUEUE' });
    expect(ran).not.toHaveBeenCalled();
  });
});

describe('the actions that advance reports', () => {
  const first = (): void => {};
  const workflow = defineWorkflow({
    version: '1',
    machine: setup({
      types: { context: {} as { count: number } },
      actions: { tell: (_args, _params: { to: string }) => {}, note: () => {} },
    }).createMachine({
      id: 'reporting',
      context: { count: 0 },
      entry: ['note', first],
      initial: 'a',
      states: {
        a: {
          exit: { type: 'tell', params: { to: 'exit' } },
          on: {
            GO: {
              target: 'b',
              actions: [
                {
                  type: 'tell',
                  params: ({ context, event: cause }) => ({ to: `${context.count} ${cause.type}` }),
                },
                assign({ count: ({ context }) => context.count + 1 }),
                log('in between', 'label'),
                { type: 'tell', params: ({ context }) => ({ to: `${context.count}` }) },
              ],
            },
          },
        },
        b: { entry: ['note', () => {}] },
      },
    }),
  });

  it('come in order, with params, and with the context and event at that moment', () => {
    const [begun, gone] = folded(workflow, event('GO', { by: 'dana' }));
    const cause = { type: 'GO', by: 'dana' };
    expect(begun?.actions).toMatchObject([
      { type: 'note', path: '', context: { count: 0 }, event: { type: 'xstate.init' } },
      { type: 'first', path: '', context: { count: 0 } },
    ]);
    expect(gone?.actions.map(({ exec: _exec, ...action }) => action)).toEqual([
      { type: 'tell', path: '', params: { to: 'exit' }, context: { count: 0 }, event: cause },
      { type: 'tell', path: '', params: { to: '0 GO' }, context: { count: 0 }, event: cause },
      {
        type: 'xstate.log',
        path: '',
        params: { value: 'in between', label: 'label' },
        context: { count: 1 },
        event: cause,
      },
      { type: 'tell', path: '', params: { to: '1' }, context: { count: 1 }, event: cause },
      { type: 'note', path: '', context: { count: 1 }, event: cause },
      { type: '(anonymous)', path: '', context: { count: 1 }, event: cause },
    ]);
  });

  it('can be performed: each but a log has the code that XState would have called', () => {
    const done = vi.fn();
    const performing = defineWorkflow({
      version: '1',
      machine: setup({
        actions: {
          tell: ({ context, event: cause }, params: { to: string }) => done(context, cause, params),
        },
      }).createMachine({
        id: 'performing',
        context: { a: 1 },
        on: { GO: { actions: { type: 'tell', params: { to: 'eve' } } } },
      }),
    });
    const [, gone] = folded(performing, event('GO'));
    for (const { exec, context, event: cause, params } of gone?.actions ?? [])
      exec?.({ context, event: cause }, params);
    expect(done.mock.calls).toEqual([[{ a: 1 }, { type: 'GO' }, { to: 'eve' }]]);
    expect(folded(workflow, event('GO'))[1]?.actions[2]).not.toHaveProperty('exec');
  });

  it('are those before the error, if the machine throws', () => {
    const throwing = defineWorkflow({
      version: '1',
      machine: setup({ actions: { note: () => {} } }).createMachine({
        id: 'throwing',
        on: {
          GO: {
            actions: [
              'note',
              assign(() => {
                throw new Error('stop');
              }),
              'note',
            ],
          },
        },
      }),
    });
    const [, gone] = folded(throwing, event('GO'));
    expect(gone).toMatchObject({ state: { snapshot: { status: 'error' } }, actions: [{ type: 'note' }] });
  });

  it('cannot be ones that are not there', () => {
    const machine = setup({}).createMachine({
      id: 'typo',
      on: { GO: { actions: enqueueActions(({ enqueue }) => enqueue({ type: 'missspelt' } as never)) } },
    });
    const [, gone] = folded(defineWorkflow({ version: '1', machine }), event('GO'));
    expect(gone?.state.snapshot).toMatchObject({ status: 'error', error: { code: 'WORKFLOW_INVALID' } });
    expect((gone?.state.snapshot.error as Error).message).toContain('`missspelt`');
  });

  it('name the nested actor that decided them', () => {
    const child = setup({ actions: { note: () => {} } }).createMachine({
      id: 'child',
      on: { GO: { actions: 'note' } },
    });
    const machine = setup({ actors: { child }, actions: { note: () => {} } }).createMachine({
      id: 'parent',
      invoke: { id: 'child', src: 'child' },
      on: { GO: { actions: ['note', forwardTo('child')] } },
    });
    const [, gone] = folded(defineWorkflow({ version: '1', machine }), event('GO'));
    expect(gone?.actions.map(({ path }) => path)).toEqual(['', 'child']);
  });
});

describe('the events that advance reports as emitted', () => {
  it('are those of the step, once', () => {
    const machine = setup({ types: { emitted: {} as { type: string; at?: string } } }).createMachine({
      id: 'emitting',
      entry: emit({ type: 'begun' }),
      on: {
        GO: { actions: emit(({ event: cause }) => ({ type: 'gone', at: cause.type })) },
        STAY: { actions: assign({}) },
      },
    });
    const leds = folded(defineWorkflow({ version: '1', machine }), event('STAY'), event('GO'));
    expect(leds.map(({ emitted }) => emitted)).toEqual([
      [{ path: '', event: { type: 'begun' } }],
      [],
      [{ path: '', event: { type: 'gone', at: 'GO' } }],
    ]);
  });

  it('fail the run if they cannot be stored', () => {
    const machine = setup({ types: { emitted: {} as { type: string; fn: unknown } } }).createMachine({
      id: 'emitting',
      on: { GO: { actions: emit({ type: 'gone', fn: () => {} }) } },
    });
    const [, gone] = folded(defineWorkflow({ version: '1', machine }), event('GO'));
    expect(gone).toMatchObject({
      emitted: [],
      state: { snapshot: { status: 'error', error: { code: 'VALUE_NOT_CARRIABLE' } } },
    });
    expect((gone?.state.snapshot.error as Error).message).toContain('`emitted event gone.fn`');
  });
});

describe('the verdicts that advance reports', () => {
  const child = setup({
    guards: { deep: gate('deep', ({ event: cause }) => cause['ok'] === true || ['not ok, deep down']) },
  }).createMachine({ id: 'child', on: { CHECK: { guard: 'deep', actions: () => {} } } });

  const workflow = defineWorkflow({
    version: '1',
    machine: setup({
      actors: { child },
      types: { context: {} as { tried: number } },
      guards: {
        first: gate('first', () => ['no', 'never']),
        second: gate('second', ({ context }) => context.tried > 0),
        third: gate('third', () => true),
        spent: gate('spent', ({ context }) => context.tried < 1),
      },
    }).createMachine({
      id: 'judging',
      context: { tried: 0 },
      invoke: { id: 'child', src: 'child' },
      initial: 'a',
      states: {
        a: {
          on: {
            TRY: [
              { guard: 'first', target: 'b' },
              { guard: 'second', target: 'b' },
              {
                guard: and(['third', 'third']),
                actions: assign({ tried: ({ context }) => context.tried + 1 }),
              },
            ],
            CHECK: { actions: forwardTo('child') },
          },
        },
        b: { always: { guard: 'spent', target: 'a' } },
      },
    }),
  });

  const told = (led: Advanced | undefined): string[] =>
    (led?.verdicts ?? []).map(({ gate: name, passed }) => `${name}: ${passed ? 'yes' : 'no'}`);

  it('are in the order in which the gates were asked, each with its reasons', () => {
    const [begun, tried, again] = folded(workflow, event('TRY'), event('TRY'));
    expect(begun?.verdicts).toEqual([]);
    expect(told(tried)).toEqual(['first: no', 'second: no', 'third: yes', 'third: yes']);
    expect(tried?.verdicts[0]).toEqual({ gate: 'first', passed: false, reasons: ['no', 'never'] });
    expect(told(again)).toEqual(['first: no', 'second: yes', 'spent: no']);
  });

  it('include those of nested machines', () => {
    const [, no, yes] = folded(workflow, event('CHECK'), event('CHECK', { ok: true }));
    expect(no?.verdicts).toEqual([{ gate: 'deep', passed: false, reasons: ['not ok, deep down'] }]);
    expect(told(yes)).toEqual(['deep: yes']);
  });

  it('are none when the state is only looked at', () => {
    const [begun] = folded(workflow);
    const { state } = begun as Advanced;
    viewState(workflow, state);
    canAccept(workflow, state, { type: 'TRY' });
    const { verdicts } = advance(workflow, state, { type: 'event', at: 0, event: { type: 'UNKNOWN' } });
    expect(verdicts).toEqual([]);
    expect(told(advance(workflow, state, { type: 'event', at: 0, event: { type: 'TRY' } }))).toHaveLength(4);
  });

  it('are kept when what the message led to cannot be stored', () => {
    const machine = setup({ guards: { fine: gate('fine', () => true) } }).createMachine({
      id: 'unstorable',
      context: { fn: null as unknown },
      on: { GO: { guard: 'fine', actions: assign({ fn: () => () => {} }) } },
    });
    const [, gone] = folded(defineWorkflow({ version: '1', machine }), event('GO'));
    expect(gone?.state.snapshot).toMatchObject({ status: 'error', error: { code: 'VALUE_NOT_CARRIABLE' } });
    expect(told(gone)).toEqual(['fine: yes']);
  });

  it('are the same whoever sent the event', () => {
    const machine = setup({
      guards: { heard: gate('heard', ({ event: cause }) => cause['n'] === 1 || ['not one']) },
    }).createMachine({
      id: 'self',
      on: {
        GO: { actions: sendTo(({ self }) => self, { type: 'HEARD', n: 2 }) },
        HEARD: { guard: 'heard', actions: () => {} },
      },
    });
    const [, gone] = folded(defineWorkflow({ version: '1', machine }), event('GO'));
    expect(gone?.verdicts).toEqual([{ gate: 'heard', passed: false, reasons: ['not one'] }]);
  });
});

it('a machine without any of it leads to none of it', () => {
  const machine = createMachine({ id: 'plain', on: { GO: { actions: assign({}) } } });
  expect(folded(defineWorkflow({ version: '1', machine }), event('GO'))[1]).toMatchObject({
    accepted: true,
    started: [],
    stopped: [],
    actions: [],
    emitted: [],
    verdicts: [],
  });
});
