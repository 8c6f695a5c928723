/** Runs that do not go well: taken over again and again, with a problem, damaged, gone from under the index. */
import assert from 'node:assert/strict';

import { StoreForeign } from '../../src/errors.ts';
import type { AcquireOptions, Store } from '../store.ts';
import {
  assertCommitted,
  assertNeverDue,
  defineCase,
  defineDamageCase,
  everAfter,
  heldRun,
  isDue,
  kind,
  newRun,
  nextCommit,
} from './case.ts';

const problem = { code: 'SNAPSHOT_NOT_RESTORABLE', message: 'State `gone` 🚧 is not there.\0' };

/** Acquires the run and returns how often it was taken over, as the worker and everybody else is told. */
async function acquireBy(
  store: Store,
  token: string,
  changes: Partial<AcquireOptions> = {},
): Promise<number> {
  const options = { token, until: 61_000, now: 100_000, ...changes };
  const acquired = await store.acquire('run-1', options);
  assert.ok(typeof acquired === 'object');
  assert.equal((await store.load('run-1'))?.takeovers, acquired.run.takeovers);
  return acquired.run.takeovers;
}

export const problemCases = [
  defineCase('counts how often a run was taken from another worker, run out or evicted', async (store) => {
    await store.create(heldRun());
    assert.equal((await store.load('run-1'))?.takeovers, 0);
    assert.equal(await acquireBy(store, 'worker'), 0);
    assert.equal(await acquireBy(store, 'b'), 1);
    assert.equal(await acquireBy(store, 'b'), 1);
    assert.equal(await acquireBy(store, 'c', { now: 1000, evict: 'b' }), 2);
    assert.equal(await store.acquire('run-1', { token: 'd', until: 62_000, now: 1000 }), 'held');
    assert.equal((await store.load('run-1'))?.takeovers, 2);
  }),

  defineCase('ends the count of takeovers with a commit, not with a release', async (store, reopen) => {
    await store.create(heldRun());
    assert.equal(await acquireBy(store, 'b'), 1);
    await store.release('run-1', { token: 'b', wakeAt: 1000, seen: 0 });
    assert.equal((await (await reopen()).load('run-1'))?.takeovers, 1);
    assert.equal(await acquireBy(store, 'c'), 1);
    assert.equal(await acquireBy(store, 'd'), 2);
    await assertCommitted(store.commit('run-1', nextCommit(1, { token: 'd' })));
    assert.equal((await store.load('run-1'))?.takeovers, 0);
    assert.equal(await acquireBy(store, 'e'), 1);
  }),

  defineCase('forgets the takeovers of a run that is acquired to be tried again', async (store) => {
    await store.create(heldRun());
    await acquireBy(store, 'b');
    await store.release('run-1', { token: 'b', wakeAt: null, seen: 0, problem });
    assert.equal(await acquireBy(store, 'c', { forgive: true }), 0);
    assert.equal(await acquireBy(store, 'd'), 1);
    assert.equal(await acquireBy(store, 'e', { forgive: true }), 0);
  }),

  defineCase('shows a problem until the next commit', async (store, reopen) => {
    await store.create(heldRun());
    await store.release('run-1', { token: 'worker', wakeAt: null, seen: 0, problem });
    const other = await reopen();
    assert.deepEqual((await other.list({ limit: 1 })).runs[0]?.problem, problem);
    assert.deepEqual((await other.load('run-1'))?.problem, problem);
    await assertNeverDue(store);
    const acquired = await store.acquire('run-1', { token: 'worker', until: 61_000, now: 2000 });
    assert.ok(typeof acquired === 'object');
    assert.deepEqual(acquired.run.problem, problem);
    assert.deepEqual((await other.load('run-1'))?.problem, problem);
    await assertCommitted(store.commit('run-1', nextCommit(1)));
    assert.ok(!('problem' in ((await other.load('run-1')) ?? {})));
    assert.ok(!('problem' in ((await other.list({ limit: 1 })).runs[0] ?? {})));
  }),

  defineCase('shows a problem until a release without one, and the last one given', async (store) => {
    await store.create(heldRun());
    const release = { token: 'worker', wakeAt: null, seen: 0 };
    await store.release('run-1', { ...release, problem });
    await acquireBy(store, 'worker');
    const another = { code: 'WORKFLOW_NOT_FOUND', message: '' };
    await store.release('run-1', { ...release, problem: another });
    assert.deepEqual((await store.load('run-1'))?.problem, another);
    await acquireBy(store, 'worker');
    await store.release('run-1', release);
    assert.ok(!('problem' in ((await store.load('run-1')) ?? {})));
    assert.deepEqual((await store.list({ stuck: true, limit: 1 })).runs, []);
  }),

  defineDamageCase(
    'refuses a run that cannot be read, and calls it due no more; others go on (I7)',
    'damage',
    async (store, damage) => {
      await store.create(newRun());
      await store.create(newRun({ id: 'sound', wakeAt: 2000 }));
      await damage('run-1');
      const options = { token: 'worker', until: 61_000, now: 3000 };
      await assert.rejects(store.load('run-1'), StoreForeign);
      await assert.rejects(store.acquire('run-1', options), StoreForeign);
      assert.deepEqual(await store.due({ workflows: [kind], now: everAfter, limit: 10 }), ['sound']);
      await assert.rejects(store.acquire('run-1', options), StoreForeign);
      assert.equal(typeof (await store.acquire('sound', options)), 'object');
    },
  ),

  defineDamageCase(
    'calls a run that is missing due no more once a worker has looked for it (I7)',
    'orphan',
    async (store, orphan) => {
      await store.create(newRun());
      await store.create(newRun({ id: 'sound', wakeAt: 2000 }));
      await orphan('run-1');
      await store.due({ workflows: [kind], now: everAfter, limit: 10 });
      assert.equal(await store.acquire('run-1', { token: 'worker', until: 61_000, now: 3000 }), 'missing');
      assert.equal(await isDue(store, everAfter), false);
      assert.deepEqual(await store.due({ workflows: [kind], now: everAfter, limit: 1 }), ['sound']);
    },
  ),
];
