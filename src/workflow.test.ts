import {
  and,
  assign,
  cancel,
  createMachine,
  enqueueActions,
  fromCallback,
  fromEventObservable,
  fromObservable,
  fromPromise,
  fromTransition,
  not,
  or,
  raise,
  sendTo,
  setup,
  spawnChild,
} from 'xstate';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';

import { sourceKind } from './actor-sources.ts';
import { InvalidOption, WorkflowInvalid } from './errors.ts';
import { matchesDescriptor } from './event-descriptor.ts';
import { fromTool } from './actors/from-tool.ts';
import { defineWorkflow, type WorkflowExample } from './workflow.ts';

type Config = Parameters<typeof createMachine>[0];

/** Defines a workflow of a machine that is written without types, as in a JavaScript file. */
const define = (config: object, implementations: object = {}): unknown =>
  defineWorkflow({
    version: '1',
    machine: createMachine({ id: 'subject', ...config } as Config, implementations as never),
  });

const promise = fromPromise(async () => 1);
const observed = { subscribe: () => ({ unsubscribe() {} }) } as never;
const refusedLogics = {
  fromCallback: [fromCallback(() => {}), /`fromCallback` logic.*Use `fromPromise`.*`run\.send`/s],
  fromObservable: [fromObservable(() => observed), /observable logic.*Use `fromPromise`.*`run\.send`/s],
  fromEventObservable: [fromEventObservable(() => observed), /observable logic.*`run\.send`/s],
  'logic of no known kind': [{ transition: () => {} }, /not actor logic that can run durably/],
} as const;

describe('defineWorkflow', () => {
  it('names the workflow after its machine', () => {
    const machine = createMachine({ id: 'support-ticket_2.0' });
    const workflow = defineWorkflow({ machine, version: '1.0.0-rc.1', title: 'Tickets', owner: 'ann' });
    expect(workflow).toMatchObject({
      name: 'support-ticket_2.0',
      ref: 'support-ticket_2.0@1.0.0-rc.1',
      title: 'Tickets',
      owner: 'ann',
    });
    expect(workflow.machine).toBe(machine);
  });

  it('takes promises, machines and transitions: named, inline, spawned and nested', () => {
    const inner = createMachine({ id: 'inner', invoke: { src: promise } });
    const machine = setup({
      actors: { promise, inner, tally: fromTransition((n: number) => n, 0) },
    }).createMachine({
      id: 'everything',
      entry: [spawnChild('inner'), spawnChild('tally')],
      invoke: [{ src: 'promise' }, { src: 'inner' }],
    });
    expect(defineWorkflow({ machine, version: '1' }).ref).toBe('everything@1');
  });

  it('takes a machine that invokes itself', () => {
    const machine = createMachine(
      { id: 'loop', initial: 'a', states: { a: {}, b: { invoke: { src: 'self' } } } } as Config,
      { actors: {} as never },
    );
    Object.assign(machine.implementations.actors, { self: machine });
    expect(defineWorkflow({ machine, version: '1' }).name).toBe('loop');
  });

  it('takes everything that refers to what is there', () => {
    const define_ = (): unknown =>
      define(
        {
          initial: 'a',
          entry: [
            { type: 'act', params: 1 },
            'act',
            raise({ type: 'X' }, { delay: 'soon' as never, id: 'x' }),
            cancel('x'),
            assign({}),
            'queued',
          ],
          states: {
            a: {
              after: { soon: 'b', 100: { guard: 'ok', target: 'b' } },
              always: { guard: not('ok'), actions: 'act', target: 'b' },
              on: {
                GO: {
                  guard: and(['ok', or(['ok', not({ type: 'ok', params: 1 })])]),
                  actions: sendTo('x', { type: 'Y' }, { delay: 'never' as never }),
                },
              },
              invoke: { src: 'fetch', onDone: { actions: 'act' }, onError: { guard: 'composed' } },
            },
            b: { type: 'final' },
          },
        },
        {
          actors: { fetch: promise },
          actions: { act: () => {}, queued: enqueueActions(({ enqueue }) => enqueue('act')) },
          guards: { ok: () => true, composed: and(['ok', not('ok')]), alias: 'ok' },
          delays: { soon: 0, never: () => Infinity },
        },
      );
    expect(define_).not.toThrow();
  });
});

describe('defineWorkflow refuses', () => {
  for (const [kind, [logic, told]] of Object.entries(refusedLogics)) {
    it(`${kind}, wherever it is named, and says what to use instead`, () => {
      const named = (): unknown => define({ invoke: { src: 'bad' } }, { actors: { bad: logic } });
      const inSetup = (): unknown => define({}, { actors: { bad: logic } });
      const inline = (): unknown =>
        define({
          initial: 'a',
          states: { a: { initial: 'b', states: { b: { invoke: [{ src: promise }, { src: logic }] } } } },
        });
      const nested = (): unknown =>
        define({
          invoke: {
            src: createMachine({
              id: 'mid',
              invoke: { src: createMachine({ id: 'inner', invoke: { src: logic } } as Config) },
            }),
          },
        });
      for (const body of [named, inSetup, inline, nested]) {
        expect(body).toThrow(WorkflowInvalid);
        expect(body).toThrow(told);
      }
      expect(named).toThrow('Actor `bad` of workflow `subject` (setup({ actors }))');
      expect(inline).toThrow('(subject.a.b)');
      expect(nested).toThrow('(inner)');
    });
  }

  it('an invoked actor that is not there', () => {
    expect(() =>
      define({ initial: 'a', states: { a: { invoke: { src: 'fecth' } } } }, { actors: { fetch: promise } }),
    ).toThrow(
      'State `subject.a` of workflow `subject` invokes `fecth`, but there is no such actor. Add it to `setup({ actors: { fecth } })`.',
    );
    expect(() => define({ invoke: { src: 'toString' } })).toThrow('invokes `toString`');
    expect(() =>
      define({ invoke: { src: createMachine({ id: 'inner', invoke: { src: 'missing' } } as Config) } }),
    ).toThrow('State `inner`');
  });

  for (const [what, config] of [
    ['in an invoked state', { entry: spawnChild('missing') }],
    ['in a named action', { entry: 'spawn' }],
  ] as const) {
    it(`a spawned actor that is not there: ${what}`, () => {
      expect(() => define(config, { actions: { spawn: spawnChild('missing') } })).toThrow(
        /names `missing`, but there is no such actor/,
      );
    });
  }

  it('an actor that is spawned inline', () => {
    expect(() => define({ initial: 'a', states: { a: { exit: spawnChild(promise) } } })).toThrow(
      'State `subject.a` spawns an actor from inline logic, which cannot be found again after a restart. Name it in `setup({ actors })` and spawn it by that name.',
    );
  });

  for (const [where, config] of Object.entries({
    entry: { entry: 'missing' },
    exit: { exit: [{ type: 'missing', params: {} }] },
    'a transition': { on: { GO: { actions: ['there', 'missing'] } } },
    'a wildcard': { on: { '*': { actions: 'missing' } } },
    always: { always: { actions: 'missing' } },
    after: { after: { 100: { actions: 'missing' } } },
    onDone: { invoke: { src: promise, onDone: { actions: 'missing' } } },
    onError: { invoke: { src: promise, onError: { actions: 'missing' } } },
    onSnapshot: { invoke: { src: promise, onSnapshot: { actions: 'missing' } } },
    'the initial transition': { initial: { target: 'a', actions: 'missing' }, states: { a: {} } },
    'the end of a state': { initial: 'b', states: { b: { type: 'final' } }, onDone: { actions: 'missing' } },
  })) {
    it(`an action that is not there, in ${where}`, () => {
      const deep = { initial: 'a', states: { a: config } };
      expect(() => define(deep, { actions: { there: () => {} } })).toThrow(
        'State `subject.a` of workflow `subject` names `missing`, but there is no such action. Add it to `setup({ actions: { missing } })`.',
      );
    });
  }

  for (const [where, guard] of Object.entries({
    itself: 'missing',
    'with params': { type: 'missing', params: 1 },
    'in not': not('missing'),
    'in and': and(['there', 'missing']),
    'in or, in not, in and': and([or(['there', not('missing')])]),
    'in a named one': 'composed',
    'as another name': 'alias',
  })) {
    it(`a guard that is not there, ${where}`, () => {
      expect(() =>
        define(
          { on: { GO: { guard, target: undefined } } },
          { guards: { there: () => true, composed: and(['missing']), alias: 'missing' } },
        ),
      ).toThrow(/names `missing`, but there is no such guard/);
    });
  }

  for (const [where, config] of Object.entries({
    after: { initial: 'a', states: { a: { after: { missing: 'b' } }, b: {} } },
    raise: { entry: raise({ type: 'X' }, { delay: 'missing' as never }) },
    sendTo: { exit: sendTo('x', { type: 'X' }, { delay: 'missing' as never }) },
  })) {
    it(`a delay that is not there, in ${where}`, () => {
      expect(() => define(config, { delays: { there: 1 } })).toThrow(
        /names `missing`, but there is no such delay/,
      );
    });
  }

  it('an implementation that is undefined, and one that every object inherits', () => {
    expect(() => define({ entry: 'act' }, { actions: { act: undefined } })).toThrow('names `act`');
    expect(() => define({ on: { GO: { guard: 'constructor' } } })).toThrow('names `constructor`');
  });

  it('the schema of an event that no state accepts', () => {
    const machine = createMachine({
      id: 'm',
      on: { 'user.*': {} },
      initial: 'a',
      states: { a: { on: { GO: 'a', NOT: {} }, invoke: { src: promise, onDone: 'a' } } },
    });
    const withEvent = (type: string) => () =>
      defineWorkflow({ machine, version: '1', events: { [type]: z.object({}) } });
    expect(withEvent('GO')).not.toThrow();
    expect(withEvent('TYPO')).toThrow(
      '`events.TYPO` of workflow `m` is the schema of an event that no state accepts. Remove it or name one of: GO.',
    );
    expect(withEvent('xstate.done.actor.0.m.a')).toThrow(InvalidOption);
    expect(() =>
      defineWorkflow({ machine: createMachine({ id: 'mute' }), version: '1', events: { GO: z.object({}) } }),
    ).toThrow('(it accepts none)');
  });

  it('a name or version that could not be part of a key, a path or a file name', () => {
    const named = (id: string | undefined, version: unknown) => () =>
      defineWorkflow({ machine: createMachine(id === undefined ? {} : { id }), version: version as string });
    for (const id of ['a b', 'a/b', 'ä', '-a', 'a:b', '', undefined])
      expect(named(id, '1')).toThrow(InvalidOption);
    for (const version of ['', '1 0', '1/0', '@1', 1, undefined])
      expect(named('a', version)).toThrow(InvalidOption);
    expect(named(undefined, '1')).toThrow('Set `id` in the machine');
    expect(named('a', 1)).toThrow(
      'Expected `version` of workflow `a` to be a version such as `1.0.0`, got `1`.',
    );
  });

  it('what is not a machine', () => {
    for (const machine of [undefined, {}, promise, createMachine]) {
      expect(() => defineWorkflow({ machine: machine as never, version: '1' })).toThrow(
        'Expected `machine` to be an XState v5 machine',
      );
    }
  });

  it('before anything of the machine has run', () => {
    const boom = (): never => {
      throw new Error('It ran.');
    };
    const body = (): unknown =>
      define({
        context: boom,
        entry: [boom, assign(boom)],
        on: { GO: { guard: boom } },
        invoke: [{ src: fromPromise(boom) }, { src: fromTransition(boom, boom) }, { src: 'missing' }],
      });
    expect(body).toThrow('invokes `missing`');
  });
});

describe('the kind of an actor’s logic', () => {
  it('is known from how it answers', () => {
    expect(
      [
        promise,
        { ...promise, signalbox: {} },
        createMachine({}),
        fromTransition(() => {
          throw new Error('It ran.');
        }, {}),
        fromCallback(() => {}),
        fromObservable(() => observed),
        fromEventObservable(() => observed),
        {},
      ].map((logic) => sourceKind(logic as never)),
    ).toEqual([
      'promise',
      'promise',
      'machine',
      'transition',
      'callback',
      'observable',
      'observable',
      'unknown',
    ]);
  });
});

describe('an event type', () => {
  it('matches descriptors as in XState', () => {
    const matches = (type: string): string[] =>
      ['GO', 'user.*', 'user.name.*', '*'].filter((descriptor) => matchesDescriptor(type, descriptor));
    expect(matches('GO')).toEqual(['GO', '*']);
    expect(matches('GO.ON')).toEqual(['*']);
    expect(matches('user')).toEqual(['user.*', '*']);
    expect(matches('user.name')).toEqual(['user.*', 'user.name.*', '*']);
    expect(matches('username')).toEqual(['*']);
  });
});

describe('the types of a workflow', () => {
  it('come from its machine', () => {
    const machine = setup({
      types: {
        input: {} as { id: string },
        output: {} as number,
        events: {} as { type: 'GO'; by: string } | { type: 'STOP' },
      },
    }).createMachine({ id: 'typed', on: { GO: {}, STOP: {} } });
    const workflow = defineWorkflow({ machine, version: '1' });
    expectTypeOf(workflow.machine).toEqualTypeOf<typeof machine>();
    expectTypeOf(workflow.examples).toEqualTypeOf<
      ReadonlyArray<WorkflowExample<{ id: string }>> | undefined
    >();
    const wrongEvent = (): unknown =>
      defineWorkflow({
        machine,
        version: '1',
        // @ts-expect-error -- no such event
        events: { TYPO: z.object({}) },
      });
    const wrongInput = (): unknown =>
      defineWorkflow({
        machine,
        version: '1',
        // @ts-expect-error -- not the machine's input
        input: z.object({ id: z.number() }),
      });
    expect(wrongEvent).toThrow();
    expect(wrongInput).not.toThrow();
  });

  it('tell what a schema takes from what it gives', () => {
    const machine = setup({ types: { input: {} as { at: Date } } }).createMachine({ id: 'typed' });
    const workflow = defineWorkflow({
      machine,
      version: '1',
      input: z.object({ at: z.string().transform((text) => new Date(text)) }),
    });
    expectTypeOf(workflow.examples).toEqualTypeOf<
      ReadonlyArray<WorkflowExample<{ at: string }>> | undefined
    >();
  });
});

describe('what undoes an actor', () => {
  const tool = (name: string, compensatedBy?: string) =>
    fromTool({
      name,
      input: z.unknown(),
      output: z.unknown(),
      ...(compensatedBy !== undefined && { compensatedBy }),
      run: async () => {},
    });
  const shop = (compensatedBy: string) =>
    setup({ actors: { charge: tool('charge', compensatedBy), refund: tool('refund') } }).createMachine({
      id: 'shop',
      invoke: { src: 'charge' },
    });

  it('is an actor of the same machine', () => {
    expect(() => defineWorkflow({ machine: shop('refund'), version: '1' })).not.toThrow();
    const unknown = (): unknown => defineWorkflow({ machine: shop('giveBack'), version: '1' });
    expect(unknown).toThrow(WorkflowInvalid);
    expect(unknown).toThrow(
      'Actor `charge` of workflow `shop` (setup({ actors })) says that `giveBack` undoes it (`compensatedBy`), but there is no such actor. Add it to `setup({ actors: { giveBack } })`, or name one of: charge, refund.',
    );
  });

  it('of a machine within is an actor of that one', () => {
    const outer = setup({ actors: { shop: shop('giveBack'), giveBack: tool('giveBack') } }).createMachine({
      id: 'mall',
      invoke: { src: 'shop' },
    });
    const unknown = (): unknown => defineWorkflow({ machine: outer, version: '1' });
    expect(unknown).toThrow('says that `giveBack` undoes it');
  });
});
