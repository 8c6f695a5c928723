import { createEngine, defineWorkflow, type HistoryEntry, person } from 'signalbox';
import { memoryStore } from 'signalbox/memory';
import { createVirtualClock } from 'signalbox/testing';
import { afterEach, expect, test } from 'vitest';
import { assign, fromPromise, setup } from 'xstate';

import { elementsIn, parseXml } from '../../../test/support/xml.ts';
import { pathOfRun } from './run-path.ts';
import { toMachineConfig } from './machine-config.ts';
import { toSvg } from './svg.ts';

const checking = setup({}).createMachine({
  id: 'checking',
  initial: 'looking',
  states: {
    looking: { after: { 1_000: 'looked' } },
    looked: { on: { SEEN: 'over' } },
    over: { type: 'final' },
  },
});

const machine = setup({
  types: { context: {} as { tries: number } },
  actors: {
    checking,
    write: fromPromise(async () => 'draft'),
  },
  guards: { mayRepair: ({ context }) => context.tries < 2 },
}).createMachine({
  id: 'letter',
  context: { tries: 0 },
  initial: 'writing',
  states: {
    writing: {
      invoke: {
        src: 'write',
        onDone: [
          {
            guard: 'mayRepair',
            target: 'writing',
            reenter: true,
            actions: assign({ tries: ({ context }) => context.tries + 1 }),
          },
          { target: 'written' },
        ],
      },
    },
    written: { always: 'inHands' },
    inHands: {
      type: 'parallel',
      states: {
        person: {
          initial: 'asked',
          states: {
            asked: { ...person({ title: 'Sign' }), on: { SIGN: 'signed' } },
            signed: { type: 'final' },
          },
        },
        check: { initial: 'running', states: { running: { invoke: { src: 'checking' } } } },
      },
      on: { DROP: 'dropped' },
    },
    dropped: { type: 'final' },
  },
});

const letter = defineWorkflow({ machine, version: '1' });

let engine = createEngine({ workflows: [letter], store: memoryStore() });
afterEach(() => engine.stop());

async function ran(): Promise<readonly HistoryEntry[]> {
  const clock = createVirtualClock();
  engine = createEngine({ workflows: [letter], store: memoryStore(), clock });
  const run = await engine.start(letter, { id: 'L-1', input: undefined });
  await run.waitFor({ tag: 'person' });
  await clock.advance(1_000);
  await run.send({ type: 'SIGN' });
  return run.history();
}

test('a run’s path is what it took, how often, where it passed and where it is, in nested machines too', async () => {
  const path = pathOfRun(letter, await ran(), { runId: 'L-1' });
  expect(path.status).toBe('waiting');
  expect(path.misfit).toBeUndefined();
  expect(Object.fromEntries(path.taken)).toEqual({
    'writing write.done 0': 2,
    'writing write.done 1': 1,
    'written always 0': 1,
    'checking/looking after 1000 0': 1,
    'inHands.person.asked SIGN 0': 1,
  });
  expect([...path.current].toSorted()).toEqual([
    'checking/checking',
    'checking/checking.looked',
    'letter',
    'letter.inHands',
    'letter.inHands.check',
    'letter.inHands.check.running',
    'letter.inHands.person',
    'letter.inHands.person.signed',
  ]);
});

test('it is drawn: what was passed, what is now, and how often', async () => {
  const overlay = pathOfRun(letter, await ran(), { runId: 'L-1' });
  const root = parseXml(await toSvg(letter, { overlay }));
  const elements = elementsIn(root);
  const classes = Object.fromEntries(
    elements.flatMap(({ attributes: { 'data-state': state, class: kinds = '' } }) =>
      state === undefined ? [] : [[state, kinds.split(' ').at(-1)]],
    ),
  );
  expect(classes).toMatchObject({
    letter: 'compound',
    'letter.writing': 'taken',
    'letter.written': 'taken',
    'letter.inHands.person.asked': 'taken',
    'letter.inHands.person.signed': 'current',
    'letter.dropped': 'untaken',
    'checking/checking.looking': 'taken',
    'checking/checking.over': 'untaken',
  });
  const again = elements.find(({ attributes }) => attributes['data-transition'] === 'writing write.done 0');
  expect(again?.attributes['class']).toBe('transition taken');
  expect(again?.children.map(({ text }) => text)).toContain('write done [mayRepair] ×2');
  expect(elements.find(({ name }) => name === 'desc')?.text).toContain('run L-1, waiting');
  expect(toMachineConfig(letter, { overlay })).toMatchObject({
    states: {
      writing: {
        meta: { signalbox: { mark: 'taken' } },
        invoke: [{ onDone: [{ meta: { signalbox: { count: '×2' } } }, {}] }],
      },
    },
  });
});

test('where a history does not fit the workflow, that is said, and where it was is drawn all the same', async () => {
  const history = await ran();
  const other = defineWorkflow({
    machine: machine.provide({ guards: { mayRepair: () => false } }),
    version: '1',
  });
  const path = pathOfRun(other, history);
  // The first answer: this machine would not have it mended.
  expect(path.misfit).toBe(2);
  expect([...path.taken.keys()]).toEqual([]);
  expect([...path.current]).toContain('letter.inHands.person.signed');
});

test('nothing is drawn of a run that has not begun', () => {
  expect(pathOfRun(letter, [])).toMatchObject({
    status: 'not started',
    taken: new Map(),
    current: new Set(),
  });
});
