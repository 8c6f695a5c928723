import { cpSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as xstate from 'xstate';
import { createMachine, fromPromise, setup } from 'xstate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { advance } from './engine/advance.ts';
import { defineWorkflow } from './workflow.ts';

const work = fromPromise(async () => 1);

function refusal(body: () => unknown): unknown {
  try {
    return body();
  } catch (error) {
    return error;
  }
}

const define = (config: object, implementations: object = {}): unknown =>
  refusal(() =>
    defineWorkflow({
      version: '1',
      machine: createMachine({ id: 'm', ...config } as never, implementations as never),
    }),
  );

describe('a config that is broken', () => {
  const broken: Record<string, [config: object, place: string, field: string]> = {
    'an `initial` that names no state': [{ initial: 'b', states: { a: {} } }, 'm', 'initial'],
    'an `initial` deep inside that names none': [
      { initial: 'a', states: { a: { initial: 'toString', states: { b: {} } } } },
      'm.a',
      'initial',
    ],
    'an `initial` with actions whose target is not there': [
      { initial: 'a', states: { a: { initial: { target: 'c', actions: () => {} }, states: { b: {} } } } },
      'm.a',
      'initial',
    ],
    'an `initial` without states': [{ initial: 'a', states: { a: { initial: 'b' } } }, 'm.a', 'initial'],
    'an `initial` that is a history without a target': [
      { initial: 'h', states: { a: {}, h: { type: 'history' } } },
      'm',
      'initial',
    ],
    'a history whose target is not there': [
      {
        initial: 'a',
        states: { a: { initial: 'b', states: { b: {}, h: { type: 'history', target: 'x' } } } },
      },
      'm.a.h',
      'target',
    ],
    'a history whose target is nowhere': [
      { initial: 'a', states: { a: {}, h: { type: 'history', target: ['a', '#x'] } } },
      'm.h',
      'target',
    ],
    'a history whose target is written as that of a transition': [
      { initial: 'a', states: { a: {}, h: { type: 'history', target: '.a' } } },
      'm.h',
      'target',
    ],
    'a history of no kind': [
      { initial: 'a', states: { a: {}, h: { type: 'history', history: 'far' } } },
      'm.h',
      'history',
    ],
    'a type that there is not': [{ initial: 'a', states: { a: { type: 'paralel' } } }, 'm.a', 'type'],
    'an `invoke` of nothing': [
      { initial: 'a', states: { a: { invoke: { src: undefined } } } },
      'm.a',
      'invoke.src',
    ],
    'an `invoke` of nothing beside one of something': [
      { invoke: [{ src: work }, { id: 'x' }] },
      'm',
      'invoke[1].src',
    ],
    'two invokes of one id': [
      {
        invoke: [
          { src: work, id: 'x' },
          { src: work, id: 'x' },
        ],
      },
      'm',
      'invoke[1].id',
    ],
    'two states of one id': [
      { initial: 'a', states: { a: { id: 'same' }, b: { initial: 'c', states: { c: { id: 'same' } } } } },
      'same',
      'id',
    ],
    'a state with the id of another by its place': [
      { initial: 'a', states: { a: { initial: 'b', states: { b: {} } }, c: { id: 'm.a.b' } } },
      'm.a.b',
      'id',
    ],
    'a route to a state without an id': [
      { initial: 'a', states: { a: {}, b: { route: {} } } },
      'm.b',
      'route',
    ],
    'an action that is undefined': [{ initial: 'a', states: { a: { entry: [undefined] } } }, 'm.a', 'entry'],
    'an action of a transition that is undefined': [
      { on: { GO: { actions: [() => {}, undefined] } } },
      'm',
      'on.GO.actions',
    ],
  };

  for (const [what, [config, place, field]] of Object.entries(broken)) {
    it(`is refused when the workflow is defined: ${what}`, () => {
      const refused = { code: 'WORKFLOW_INVALID', details: { place, field } };
      expect(define(config)).toMatchObject(refused);
      const above = { invoke: { src: 'inner' } };
      const inner = createMachine({ id: 'm', ...config } as never);
      expect(define({ ...above, id: 'above' }, { actors: { inner } })).toMatchObject(refused);
    });
  }

  it('is refused where it names a delay that is not there', () => {
    for (const config of [
      { initial: 'a', states: { a: { after: { soon: 'b' } }, b: {} } },
      { initial: 'a', states: { a: { entry: xstate.raise({ type: 'X' }, { delay: 'soon' as never }) } } },
    ]) {
      expect(define(config)).toMatchObject({
        code: 'WORKFLOW_INVALID',
        details: { delay: 'soon', place: 'm.a' },
      });
    }
  });

  it('is none that is only unusual', () => {
    const machine = setup({ actors: { work } }).createMachine({
      id: 'odd.name',
      type: 'parallel',
      states: {
        one: {
          initial: 'h',
          states: {
            h: { type: 'history', history: 'deep', target: 'b.c' },
            b: {
              initial: 'c',
              states: { c: { id: 'c', route: {} }, h: { type: 'history', target: '#c' } },
            },
          },
        },
        two: { initial: { target: 'a', actions: [] }, states: { a: { entry: [], invoke: [] } } },
      },
    } as never);
    const workflow = defineWorkflow({ machine: machine as never, version: '1' });
    expect(advance(workflow, undefined, { type: 'start', at: 0 }).state.snapshot.value).toEqual({
      one: { b: 'c' },
      two: 'a',
    });
  });
});

describe('a machine of another copy of xstate', () => {
  const ours = dirname(createRequire(import.meta.url).resolve('xstate/package.json'));
  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'signalbox-copy-'));
  const theirs = join(folder, 'node_modules', 'xstate');
  let other!: typeof xstate;

  beforeAll(async () => {
    cpSync(ours, theirs, { recursive: true, dereference: true });
    other = (await import(pathToFileURL(join(theirs, 'dist', 'xstate.cjs.mjs')).href)) as typeof xstate;
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('is refused, with where both copies are', () => {
    const machine = other.createMachine({ id: 'other' });
    expect(machine).not.toBeInstanceOf(xstate.StateMachine);
    expect(refusal(() => defineWorkflow({ machine, version: '1' }))).toMatchObject({
      code: 'WORKFLOW_INVALID',
      details: { theirs, ours: realpathSync(ours), place: '`machine`' },
    });
  });

  it('is refused below a machine of ours, named or inline', () => {
    const inner = other.createMachine({ id: 'inner' });
    for (const refused of [define({}, { actors: { inner } }), define({ invoke: { src: inner } })]) {
      expect(refused).toMatchObject({ code: 'WORKFLOW_INVALID', details: { theirs } });
    }
  });

  it('is no matter for promise and transition logic, which is taken for what it is', () => {
    const actors = {
      work: other.fromPromise(async () => 1),
      tally: other.fromTransition((n: number) => n + 1, 0),
    };
    const machine = createMachine(
      { id: 'mixed', invoke: [{ src: 'work' }, { src: 'tally' }] } as never,
      { actors } as never,
    );
    const workflow = defineWorkflow({ machine, version: '1' });
    expect(advance(workflow, undefined, { type: 'start', at: 0 }).started).toMatchObject([{ src: 'work' }]);
  });
});
