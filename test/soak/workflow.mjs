/**
 * The run of the soak: a map, a timer, a call, a person, an irreversible call with a key, one without, another timer; it counts
 * the events that it takes at any time. Every call tells the ledger who makes it.
 */
import { defineWorkflow, fromMap, fromTool, person } from 'signalbox';
import { assign, setup } from 'xstate';
import { z } from 'zod';

const Reference = z.object({ reference: z.string() });
const RunInput = z.object({ run: z.string() });
const Item = z.object({ run: z.string(), n: z.number() });
const hourMs = 3_600_000;

async function call(kind, { run }, { key, signal, delayMs }) {
  const response = await fetch(`${process.env.SOAK_LEDGER}/calls`, {
    method: 'POST',
    signal,
    body: JSON.stringify({ kind, run, key, pid: process.pid, delayMs }),
  });
  if (!response.ok) throw new Error(`The ledger answered ${response.status}.`);
  return response.json();
}

const item = fromTool({
  name: 'item',
  input: Item,
  output: Reference,
  idempotencyKey: ({ run, n }) => `${run}/item/${n}`,
  retry: { attempts: 6, delayMs: 100 },
  run: (input, { idempotencyKey: key, signal }) =>
    call('item', input, { key, signal, delayMs: 10 + ((input.n * 37) % 80) }),
});

const machine = setup({
  types: { input: {}, context: {}, events: {} },
  actors: {
    performItems: fromMap({
      name: 'items',
      input: z.array(Item),
      items: (list) => list,
      each: item,
      concurrency: 3,
      maxItems: 10,
    }),
    lookUp: fromTool({
      name: 'lookUp',
      input: RunInput,
      output: Reference,
      retry: { attempts: 6, delayMs: 100 },
      run: (input, { idempotencyKey: key, signal }) => call('lookUp', input, { key, signal, delayMs: 250 }),
    }),
    charge: fromTool({
      name: 'charge',
      input: RunInput,
      output: Reference,
      irreversible: true,
      idempotencyKey: ({ run }) => `${run}/charge`,
      retry: { attempts: 6, delayMs: 100 },
      run: (input, { idempotencyKey: key, signal }) => call('charge', input, { key, signal, delayMs: 60 }),
    }),
    sendMail: fromTool({
      name: 'sendMail',
      input: RunInput,
      output: Reference,
      irreversible: true,
      run: (input, { signal }) => call('mail', input, { signal, delayMs: 60 }),
    }),
  },
  actions: {
    countApproval: assign({ approvals: ({ context }) => context.approvals + 1 }),
    keepNote: assign({ notes: ({ context, event }) => [...context.notes, event.n] }),
    countUnknown: assign({ unknown: ({ context }) => context.unknown + 1 }),
  },
}).createMachine({
  id: 'soak',
  description: 'Takes every kind of step that a crash can cut short.',
  context: ({ input }) => ({ ...input, approvals: 0, notes: [], unknown: 0 }),
  output: ({ context }) => context,
  initial: 'mapping',
  on: { NOTE: { actions: 'keepNote' }, APPROVE: { actions: 'countApproval' } },
  states: {
    mapping: {
      description: 'A few items, three at a time.',
      invoke: {
        src: 'performItems',
        input: ({ context: { run, items } }) => Array.from({ length: items }, (_, n) => ({ run, n })),
        onDone: 'pausing',
        onError: 'broken',
      },
    },
    pausing: { description: 'A short timer.', after: { 400: 'lookingUp' } },
    lookingUp: {
      description: 'A call that takes a while.',
      invoke: {
        src: 'lookUp',
        input: ({ context: { run } }) => ({ run }),
        onDone: 'awaiting',
        onError: 'broken',
      },
    },
    awaiting: {
      description: 'Waits for a person.',
      ...person({ title: 'Approve', shows: ['run'] }),
      on: { APPROVE: { target: 'charging', actions: 'countApproval' } },
      after: { [hourMs]: 'broken' },
    },
    charging: {
      description: 'An irreversible call with a key.',
      invoke: {
        src: 'charge',
        input: ({ context: { run } }) => ({ run }),
        onDone: 'mailing',
        onError: 'broken',
      },
    },
    mailing: {
      description: 'An irreversible call without a key: made at most once.',
      invoke: {
        src: 'sendMail',
        input: ({ context: { run } }) => ({ run }),
        onDone: 'cooling',
        onError: { target: 'cooling', actions: 'countUnknown' },
      },
    },
    cooling: { description: 'A last timer.', after: { 300: 'finished' } },
    finished: { type: 'final' },
    broken: { type: 'final', tags: 'failed' },
  },
});

export const soak = defineWorkflow({
  machine,
  version: '1.0.0',
  events: { APPROVE: z.object({ by: z.string() }), NOTE: z.object({ n: z.number() }) },
});
