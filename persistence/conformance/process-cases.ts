/** What passes between processes beside the runs: published text, announced workers, the time. */
import assert from 'node:assert/strict';

import type { Store } from '../store.ts';
import { defineCase, eventually, heldRun } from './case.ts';

/** Publishing is best effort and subscribing begins soon, not at once: publishes until the subscriber has heard. */
async function publishUntilHeard(publisher: Store, heard: readonly string[], runId = 'run-1'): Promise<void> {
  await eventually(() => {
    publisher.publish(runId, 'knock');
    return heard.length > 0;
  }, 'a text that was published has been heard');
}

/** Those that are not knocks. */
const said = (heard: readonly string[]): readonly string[] => heard.filter((text) => text !== 'knock');

export const processCases = [
  defineCase(
    'passes published text on to subscribers here and elsewhere, in order',
    async (store, reopen) => {
      const other = await reopen();
      const here: string[] = [];
      const elsewhere: string[] = [];
      store.subscribe('run-1', (text) => here.push(text));
      other.subscribe('run-1', (text) => elsewhere.push(text));
      await publishUntilHeard(store, here);
      await publishUntilHeard(store, elsewhere);
      const texts = [
        'one',
        '',
        'nul\0 🚂',
        ...Array.from({ length: 100 }, (_, n) => `token ${n}`),
        'x'.repeat(100_000),
      ];
      for (const text of texts) store.publish('run-1', text);
      await eventually(() => said(here).length === texts.length, 'all was heard here');
      await eventually(() => said(elsewhere).length === texts.length, 'all was heard elsewhere');
      assert.deepEqual(said(here), texts);
      assert.deepEqual(said(elsewhere), texts);
    },
  ),

  defineCase('tells subscribers of their run only, and until they stop', async (store, reopen) => {
    const other = await reopen();
    const heard: string[] = [];
    const stopped: string[] = [];
    other.subscribe('a:{b} 🚂', (text) => heard.push(text));
    const stop = other.subscribe('a:{b} 🚂', (text) => stopped.push(text));
    await publishUntilHeard(store, stopped, 'a:{b} 🚂');
    stop();
    stop();
    store.publish('other', 'not this');
    store.publish('a:{b} 🚂', 'this');
    await eventually(() => said(heard).length > 0, 'the one that goes on has heard');
    assert.deepEqual(said(heard), ['this']);
    assert.deepEqual(said(stopped), []);
  }),

  defineCase('stores nothing of published text for those that subscribe later', async (store, reopen) => {
    await store.create(heldRun());
    const before: string[] = [];
    const other = await reopen();
    other.subscribe('run-1', (text) => before.push(text));
    await publishUntilHeard(store, before);
    store.publish('run-1', 'early');
    await eventually(() => said(before).length > 0, 'the first subscriber has heard');
    const later: string[] = [];
    const third = await reopen();
    third.subscribe('run-1', (text) => later.push(text));
    await publishUntilHeard(store, later);
    assert.deepEqual(said(later), []);
    assert.deepEqual(await store.history('run-1', 0, 10), ['started']);
  }),

  defineCase(
    'knows the workers that have announced themselves, until their time is over',
    async (store, reopen) => {
      const other = await reopen();
      assert.deepEqual(await store.workers(1000), []);
      await store.announce('a', { workflows: ['ticket@1', 'ticket@2'], until: 2000 });
      await other.announce('b 🚂', { workflows: [], until: 3000 });
      const find = async (now: number) =>
        [...(await other.workers(now))].toSorted((x, y) => (x.token < y.token ? -1 : 1));
      const a = { token: 'a', workflows: ['ticket@1', 'ticket@2'], until: 2000 };
      const b = { token: 'b 🚂', workflows: [], until: 3000 };
      assert.deepEqual(await find(1999), [a, b]);
      assert.deepEqual(await find(2000), [b]);
      await store.announce('b 🚂', { workflows: ['x@1'], until: 9000 });
      assert.deepEqual(await find(3000), [{ token: 'b 🚂', workflows: ['x@1'], until: 9000 }]);
      await store.announce('b 🚂', null);
      await store.announce('unknown', null);
      assert.deepEqual(await find(1000), []);
    },
  ),

  defineCase(
    'has a clock that never goes back and that two connections agree on, if it has one',
    async (store, reopen) => {
      if (!store.time) return;
      const other = await reopen();
      assert.ok(other.time);
      let last = await store.time();
      assert.ok(Number.isFinite(last) && last > 0);
      for (let round = 0; round < 50; round++) {
        for (const each of [store, other]) {
          const time = (await each.time?.()) ?? NaN;
          assert.ok(time >= last, `${time} comes before ${last}`);
          last = time;
        }
        await new Promise((resolve) => setImmediate(resolve));
      }
      const early = await store.time();
      await eventually(async () => ((await other.time?.()) ?? NaN) > early, 'time goes on');
    },
  ),

  defineCase('lets those go who listen for problems', async (store) => {
    const stop = store.onProblem(() => {});
    stop();
    stop();
  }),
];
