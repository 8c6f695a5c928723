/** `acquire`, `renew`, `release` and `leases`: who holds a run. */
import assert from 'node:assert/strict';

import {
  assertCommitted,
  assertDueFrom,
  assertNeverDue,
  assertStored,
  defineCase,
  heldRun,
  kind,
  newRun,
  nextCommit,
  nextRecording,
} from './case.ts';

const problem = { code: 'SNAPSHOT_NOT_RESTORABLE', message: 'State `gone` 🚧 is not there.\0' };

export const leaseCases = [
  defineCase('gives a free run to the one that acquires it', async (store) => {
    await store.create(newRun());
    const acquired = await store.acquire('run-1', { token: 'worker', until: 61_000, now: 1000 });
    assert.ok(typeof acquired === 'object');
    assert.deepEqual(acquired.run, await store.load('run-1'));
    assert.deepEqual(acquired.run.lease, { token: 'worker', until: 61_000 });
    assert.deepEqual(acquired.inbox, []);
    assert.equal(acquired.journal.size, 0);
    await assertDueFrom(store, 61_000);
  }),

  defineCase('gives a run to one of many that acquire it at the same time', async (store, reopen) => {
    await store.create(newRun());
    const stores = [store, await reopen()];
    const results = await Promise.all(
      Array.from({ length: 10 }, (_, n) =>
        (stores[n % 2] ?? store).acquire('run-1', { token: `worker-${n}`, until: 61_000, now: 1000 }),
      ),
    );
    assert.equal(results.filter((result) => result === 'held').length, 9);
    const winner = results.findIndex((result) => typeof result === 'object');
    assert.equal((await store.load('run-1'))?.lease?.token, `worker-${winner}`);
  }),

  defineCase('refuses a held run until its lease has run out', async (store) => {
    await store.create(heldRun());
    assert.equal(await store.acquire('run-1', { token: 'other', until: 90_000, now: 60_999 }), 'held');
    assert.equal((await store.load('run-1'))?.lease?.token, 'worker');
    assert.equal(
      typeof (await store.acquire('run-1', { token: 'other', until: 90_000, now: 61_000 })),
      'object',
    );
    assert.deepEqual((await store.load('run-1'))?.lease, { token: 'other', until: 90_000 });
  }),

  defineCase(
    'lets the holder acquire its run again, with a new end and all that is in the inbox',
    async (store) => {
      await store.create(heldRun());
      await assertStored(store, 'run-1', 'hello');
      await store.record('run-1', nextRecording({ log: [], journal: { a: '1' } }));
      const again = await store.acquire('run-1', { token: 'worker', until: 70_000, now: 2000 });
      assert.ok(typeof again === 'object');
      assert.deepEqual(again.run.lease, { token: 'worker', until: 70_000 });
      assert.deepEqual(again.inbox, [{ id: 1, at: 1500, body: 'hello' }]);
      assert.deepEqual([...again.journal], [['a', '1']]);
      await assertDueFrom(store, 70_000);
    },
  ),

  defineCase('evicts the named holder and no other', async (store) => {
    await store.create(heldRun());
    const options = { token: 'other', until: 90_000, now: 2000 };
    assert.equal(await store.acquire('run-1', { ...options, evict: 'somebody' }), 'held');
    assert.equal(typeof (await store.acquire('run-1', { ...options, evict: 'worker' })), 'object');
    assert.deepEqual(await store.commit('run-1', nextCommit(1)), { status: 'lease-lost' });
    await assertCommitted(store.commit('run-1', nextCommit(1, { token: 'other' })));
  }),

  defineCase(
    'lets a lease that has run out go on until another token acquires the run (I4)',
    async (store) => {
      await store.create(heldRun());
      await assertCommitted(store.commit('run-1', nextCommit(1, { now: 100_000 })));
      assert.equal(await store.record('run-1', nextRecording({ log: ['late'] })), true);
      const renewal = { token: 'worker', runs: [{ id: 'run-1', seen: 0 }] };
      assert.deepEqual(await store.renew({ ...renewal, until: 99_000 }), { lost: [], mail: [] });
      await store.acquire('run-1', { token: 'other', until: 200_000, now: 100_000 });
      assert.deepEqual(await store.commit('run-1', nextCommit(2)), { status: 'lease-lost' });
      assert.equal(await store.record('run-1', nextRecording({ log: ['too late'] })), false);
      assert.deepEqual(await store.renew({ ...renewal, until: 300_000 }), { lost: ['run-1'], mail: [] });
      assert.deepEqual((await store.load('run-1'))?.lease, { token: 'other', until: 200_000 });
    },
  ),

  defineCase('renews the leases that are held, and tells of lost ones and of mail', async (store) => {
    for (const id of ['kept', 'read', 'unread', 'held-back', 'taken', 'released'])
      await store.create(heldRun({ id }));
    await assertStored(store, 'read', 'one');
    await assertStored(store, 'unread', 'one');
    await assertStored(store, 'unread', 'two');
    await assertStored(store, 'held-back', 'one');
    await assertStored(store, 'held-back', 'two');
    await assertCommitted(store.commit('held-back', nextCommit(1, { consumed: [2], seen: 2 })));
    await store.acquire('taken', { token: 'other', until: 70_000, now: 2000, evict: 'worker' });
    await store.release('released', { token: 'worker', wakeAt: null, seen: 0 });
    const result = await store.renew({
      token: 'worker',
      until: 80_000,
      runs: [
        { id: 'kept', seen: 0 },
        { id: 'read', seen: 1 },
        { id: 'unread', seen: 1 },
        { id: 'held-back', seen: 2 },
        { id: 'taken', seen: 0 },
        { id: 'released', seen: 0 },
        { id: 'none', seen: 0 },
      ],
    });
    assert.deepEqual([...result.lost].sort(), ['none', 'released', 'taken']);
    assert.deepEqual(result.mail, ['unread']);
    for (const id of ['kept', 'read', 'unread', 'held-back']) await assertDueFrom(store, 80_000, id);
    await assertDueFrom(store, 70_000, 'taken');
    await assertNeverDue(store, 'released');
    assert.deepEqual(await store.renew({ token: 'worker', until: 1, runs: [] }), { lost: [], mail: [] });
  }),

  defineCase('renews many runs at once', async (store) => {
    const ids = Array.from({ length: 300 }, (_, n) => `run-${n}`);
    await Promise.all(ids.map((id) => store.create(heldRun({ id }))));
    const runs = ids.map((id) => ({ id, seen: 0 }));
    assert.deepEqual(await store.renew({ token: 'worker', until: 80_000, runs }), { lost: [], mail: [] });
    assert.equal((await store.due({ workflows: [kind], now: 79_999, limit: 1000 })).length, 0);
    assert.equal((await store.due({ workflows: [kind], now: 80_000, limit: 1000 })).length, 300);
  }),

  defineCase('releases a run until its appointment', async (store) => {
    await store.create(heldRun());
    await store.release('run-1', { token: 'worker', wakeAt: 5000, seen: 0 });
    assert.equal((await store.load('run-1'))?.lease, undefined);
    await assertDueFrom(store, 5000);
    assert.deepEqual(await store.commit('run-1', nextCommit(1)), { status: 'lease-lost' });
    assert.equal((await store.load('run-1'))?.seq, 1);
  }),

  defineCase("does not release another's run, nor a free one", async (store) => {
    await store.create(heldRun());
    await store.release('run-1', { token: 'other', wakeAt: 5000, seen: 0, problem });
    assert.equal((await store.load('run-1'))?.lease?.token, 'worker');
    assert.equal((await store.load('run-1'))?.problem, undefined);
    await assertDueFrom(store, 61_000);
    await store.release('run-1', { token: 'worker', wakeAt: 6000, seen: 0 });
    await store.release('run-1', { token: 'worker', wakeAt: 5000, seen: 0, problem });
    await assertDueFrom(store, 6000);
    assert.equal((await store.load('run-1'))?.problem, undefined);
  }),

  defineCase('makes a released run with mail due at once', async (store) => {
    await store.create(heldRun());
    await assertStored(store, 'run-1', 'hello', 1500);
    await store.release('run-1', { token: 'worker', wakeAt: null, seen: 0 });
    await assertDueFrom(store, 1500);
    await store.acquire('run-1', { token: 'worker', until: 61_000, now: 2000 });
    await store.release('run-1', { token: 'worker', wakeAt: 1200, seen: 0 });
    await assertDueFrom(store, 1200);
  }),

  defineCase('parks a released run over the mail that its worker has seen', async (store) => {
    await store.create(heldRun());
    for (const at of [1500, 1600, 1700, 1800]) await assertStored(store, 'run-1', 'hello', at);
    await assertCommitted(store.commit('run-1', nextCommit(1, { consumed: [3], seen: 3 })));
    await store.release('run-1', { token: 'worker', wakeAt: null, seen: 3 });
    await assertDueFrom(store, 1800);
    await store.acquire('run-1', { token: 'worker', until: 61_000, now: 2000 });
    await store.release('run-1', { token: 'worker', wakeAt: null, seen: 4, problem });
    await assertNeverDue(store);
    await assertStored(store, 'run-1', 'again', 2500);
    await assertDueFrom(store, 2500);
  }),

  defineCase('lists every lease, those that have run out included', async (store, reopen) => {
    await store.create(heldRun({ id: 'a' }));
    await store.create(
      heldRun({ id: 'b', workflow: 'other', version: '2.0.0', lease: { token: 'old', until: 1 } }),
    );
    await store.create(newRun({ id: 'free' }));
    await store.create(heldRun({ id: 'released' }));
    await store.release('released', { token: 'worker', wakeAt: null, seen: 0 });
    await store.create(heldRun({ id: 'committed' }));
    await assertCommitted(store.commit('committed', nextCommit(1, { lease: 'release' })));
    await store.create(newRun({ id: 'acquired' }));
    await store.acquire('acquired', { token: 'late', until: 77_000, now: 2000 });
    const leases = await (await reopen()).leases();
    assert.deepEqual(
      [...leases].sort((x, y) => (x.runId < y.runId ? -1 : 1)),
      [
        { runId: 'a', workflow: 'ticket', version: '1.0.0', token: 'worker', until: 61_000 },
        { runId: 'acquired', workflow: 'ticket', version: '1.0.0', token: 'late', until: 77_000 },
        { runId: 'b', workflow: 'other', version: '2.0.0', token: 'old', until: 1 },
      ],
    );
  }),
];
