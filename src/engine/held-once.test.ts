/** A run is held at most once in a process, however many reasons there are at once to take it up. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { fromPromise, setup } from 'xstate';

import { createMemoryData, memoryStore } from '../../persistence/memory.ts';
import type { Store } from '../../persistence/store.ts';
import { defineWorkflow } from '../workflow.ts';
import { createEngine, type Engine } from './engine.ts';
import { encodeMail } from './mail.ts';

const engines: Engine[] = [];

afterEach(async () => {
  await Promise.all(engines.splice(0).map((engine) => engine.stop()));
});

/** Works until it is told to go on, then waits for an approval. */
function createOrder() {
  const keys: string[] = [];
  let goOn!: () => void;
  const released = new Promise<void>((resolve) => (goOn = resolve));
  const workflow = defineWorkflow({
    version: '1',
    machine: setup({
      actors: {
        work: fromPromise(async () => {
          keys.push('work');
          await released;
        }),
      },
    }).createMachine({
      id: 'order',
      initial: 'working',
      states: {
        working: { invoke: { src: 'work', onDone: 'waiting' } },
        waiting: { on: { APPROVE: 'approved' } },
        approved: { type: 'final' },
      },
    }),
  });
  return { workflow, performed: keys, goOn };
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await nextTurn();
}

describe('a run that gets a message while it is being started', () => {
  /** How the start and the taking up that the message asks for may overtake each other. */
  const overtakings: Readonly<Record<string, (store: Store, sent: (id: string) => Promise<void>) => Store>> =
    {
      'before its start was acknowledged': (store, sent) => ({
        ...store,
        async create(run) {
          const created = await store.create(run);
          await sent(run.id);
          await turns();
          return created;
        },
      }),
      'and is taken up slowly for it': (store, sent) => ({
        ...store,
        async create(run) {
          const created = await store.create(run);
          await sent(run.id);
          return created;
        },
        async acquire(runId, options) {
          const acquired = await store.acquire(runId, options);
          await turns();
          return acquired;
        },
      }),
    };

  it.each(Object.entries(overtakings))('%s, is held and performed once', async (_how, overtaken) => {
    const data = createMemoryData();
    const elsewhere = memoryStore({ data });
    const { workflow, performed, goOn } = createOrder();
    const body = encodeMail({ type: 'event', event: { type: 'APPROVE' }, hold: true });
    const store = overtaken(memoryStore({ data }), async (id) => {
      await elsewhere.send(id, { at: Date.now(), body });
    });
    const engine = createEngine({ workflows: [workflow], store, pollMs: 1 });
    engines.push(engine);

    const run = await engine.start(workflow);
    await turns();
    expect(performed).toEqual(['work']);
    goOn();
    await run.result();
    const entries = await run.history();
    expect(entries.map((entry) => (entry.type === 'message' ? entry.message.type : entry.type))).toEqual([
      'start',
      'output',
      'event',
    ]);
  });
});
