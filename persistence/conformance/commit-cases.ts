/** `commit`, `record`, the journal and the history: how a run goes on. */
import assert from 'node:assert/strict';

import {
  assertCommitted,
  assertDueFrom,
  assertNeverDue,
  assertStored,
  defineCase,
  heldRun,
  newRun,
  nextCommit,
  nextRecording,
} from './case.ts';

export const commitCases = [
  defineCase('applies a commit whole', async (store, reopen) => {
    await store.create(heldRun());
    const commit = nextCommit(1, {
      state: 'next',
      status: 'waiting',
      value: '"asking"',
      tags: ['human'],
      log: ['two', 'three'],
      now: 2345,
    });
    assert.deepEqual(await store.commit('run-1', commit), {
      status: 'committed',
      inbox: [],
      released: false,
    });
    assert.deepEqual(await (await reopen()).load('run-1'), {
      id: 'run-1',
      workflow: 'ticket',
      version: '1.0.0',
      status: 'waiting',
      value: '"asking"',
      tags: ['human'],
      createdAt: 1000,
      updatedAt: 2345,
      seq: 2,
      input: '{"text":"hello"}',
      state: 'next',
      labels: {},
      takeovers: 0,
      lease: { token: 'worker', until: 61_000 },
    });
    assert.deepEqual(await store.history('run-1', 0, 10), ['started', 'two', 'three']);
  }),

  defineCase('refuses a stale sequence number and writes nothing (I3)', async (store) => {
    await store.create(heldRun());
    await assertStored(store, 'run-1', 'hello');
    await store.record('run-1', nextRecording({ log: [], journal: { a: '1' } }));
    await assertCommitted(store.commit('run-1', nextCommit(1, { seen: 1 })));
    const before = await store.load('run-1');
    for (const seq of [1, 0, 3]) {
      const stale = nextCommit(seq, {
        state: 'stale',
        log: ['stale'],
        consumed: [1],
        forget: ['a'],
        lease: 'release',
        seen: 1,
        tags: ['stale'],
        status: 'done',
      });
      assert.deepEqual(await store.commit('run-1', stale), { status: 'sequence', seq: 2 });
    }
    assert.deepEqual(await store.load('run-1'), before);
    assert.deepEqual(await store.history('run-1', 0, 10), ['started', 'step-1']);
    assert.equal((await store.inbox('run-1', 0)).length, 1);
    assert.equal((await store.list({ tag: 'stale', limit: 1 })).runs.length, 0);
    const acquired = await store.acquire('run-1', { token: 'worker', until: 62_000, now: 1 });
    assert.ok(typeof acquired === 'object' && acquired.journal.size === 1);
  }),

  defineCase('refuses a commit sent twice', async (store) => {
    await store.create(heldRun());
    const commit = nextCommit(1);
    await assertCommitted(store.commit('run-1', commit));
    assert.deepEqual(await store.commit('run-1', commit), { status: 'sequence', seq: 2 });
    assert.deepEqual(await store.history('run-1', 0, 10), ['started', 'step-1']);
  }),

  defineCase('refuses a commit without the lease and writes nothing (I3)', async (store) => {
    await store.create(heldRun());
    await store.create(newRun({ id: 'free' }));
    assert.deepEqual(await store.commit('run-1', nextCommit(1, { token: 'other' })), {
      status: 'lease-lost',
    });
    assert.deepEqual(await store.commit('free', nextCommit(1)), { status: 'lease-lost' });
    assert.equal((await store.load('run-1'))?.seq, 1);
    assert.equal((await store.load('free'))?.seq, 1);
    assert.deepEqual(await store.history('free', 0, 10), ['started']);
  }),

  defineCase('lets exactly one of two connections win each sequence number', async (store, reopen) => {
    const other = await reopen();
    await store.create(heldRun());
    for (let seq = 1; seq <= 50; seq++) {
      const commits = await Promise.all([
        store.commit('run-1', nextCommit(seq, { state: `a-${seq}`, log: [`a-${seq}`] })),
        other.commit('run-1', nextCommit(seq, { state: `b-${seq}`, log: [`b-${seq}`] })),
      ]);
      assert.deepEqual(commits.map(({ status }) => status).sort(), ['committed', 'sequence']);
      const winner = commits[0].status === 'committed' ? `a-${seq}` : `b-${seq}`;
      assert.equal((await store.load('run-1'))?.state, winner);
      assert.deepEqual(await other.history('run-1', seq, 10), [winner]);
    }
    assert.equal((await other.load('run-1'))?.seq, 51);
  }),

  defineCase('applies many commits of many runs at the same time, each in its order', async (store) => {
    const ids = Array.from({ length: 20 }, (_, n) => `run-${n}`);
    await Promise.all(
      ids.map(async (id) => {
        await store.create(heldRun({ id, log: [] }));
        for (let seq = 1; seq <= 20; seq++) await assertCommitted(store.commit(id, nextCommit(seq)));
      }),
    );
    for (const id of ids) {
      assert.equal((await store.load(id))?.seq, 21);
      assert.deepEqual(
        await store.history(id, 0, 100),
        Array.from({ length: 20 }, (_, n) => `step-${n + 1}`),
      );
    }
  }),

  defineCase('extends, keeps or gives up the lease with a commit', async (store) => {
    await store.create(heldRun());
    await assertCommitted(store.commit('run-1', nextCommit(1, { wakeAt: 3000 })));
    await assertDueFrom(store, 61_000);
    const extended = nextCommit(2, { lease: { until: 70_000 }, wakeAt: 3000 });
    assert.equal((await assertCommitted(store.commit('run-1', extended))).released, false);
    await assertDueFrom(store, 70_000);
    const released = nextCommit(3, { lease: 'release', wakeAt: 3000, status: 'waiting' });
    assert.equal((await assertCommitted(store.commit('run-1', released))).released, true);
    await assertDueFrom(store, 3000);
    assert.equal((await store.load('run-1'))?.lease, undefined);
    assert.deepEqual(await store.commit('run-1', nextCommit(4)), { status: 'lease-lost' });
  }),

  defineCase('parks a run without an appointment until a message comes', async (store) => {
    await store.create(heldRun());
    await assertCommitted(store.commit('run-1', nextCommit(1, { lease: 'release', status: 'waiting' })));
    await assertNeverDue(store);
    await assertStored(store, 'run-1', 'hello', 2500);
    await assertDueFrom(store, 2500);
  }),

  defineCase('never calls an ended run due, whatever its lease and appointment', async (store) => {
    for (const lease of ['keep', 'release', { until: 70_000 }] as const) {
      for (const status of ['done', 'failed', 'cancelled'] as const) {
        const id = `${JSON.stringify(lease)}-${status}`;
        await store.create(heldRun({ id }));
        await assertCommitted(store.commit(id, nextCommit(1, { lease, status, wakeAt: 3000 })));
        await assertNeverDue(store, id);
        await store.renew({ token: 'worker', until: 80_000, runs: [{ id, seen: 0 }] });
        await assertNeverDue(store, id);
        await store.acquire(id, { token: 'other', until: 90_000, now: 85_000 });
        await assertNeverDue(store, id);
        await store.release(id, { token: 'other', wakeAt: 4000, seen: 0 });
        await assertNeverDue(store, id);
      }
    }
    assert.equal((await store.open()).size, 0);
  }),

  defineCase('records history and journal without a step', async (store) => {
    await store.create(heldRun());
    const before = await store.load('run-1');
    assert.equal(await store.record('run-1', nextRecording({ log: ['attempt 1', 'attempt 2'] })), true);
    assert.equal(await store.record('run-1', nextRecording({ log: [], journal: {} })), true);
    assert.deepEqual(await store.load('run-1'), before);
    assert.deepEqual(await store.history('run-1', 0, 10), ['started', 'attempt 1', 'attempt 2']);
    await assertCommitted(store.commit('run-1', nextCommit(1)));
  }),

  defineCase('keeps the first value of a journal name until a commit forgets it', async (store, reopen) => {
    await store.create(heldRun());
    await store.record('run-1', nextRecording({ log: [], journal: { a: 'first', b: 'b' } }));
    await store.record('run-1', nextRecording({ log: [], journal: { a: 'second', c: 'c' } }));
    assert.deepEqual(await readJournal(), { a: 'first', b: 'b', c: 'c' });
    await assertCommitted(store.commit('run-1', nextCommit(1, { forget: ['a', 'c', 'unknown'] })));
    assert.deepEqual(await readJournal(), { b: 'b' });
    await store.record('run-1', nextRecording({ log: [], journal: { a: 'third' } }));
    assert.deepEqual(await readJournal(), { a: 'third', b: 'b' });
    await assertCommitted(store.commit('run-1', nextCommit(2, { forget: ['a', 'b'] })));
    assert.deepEqual(await readJournal(), {});

    async function readJournal(): Promise<Record<string, string>> {
      const acquired = await (await reopen()).acquire('run-1', { token: 'worker', until: 61_000, now: 1 });
      assert.ok(typeof acquired === 'object');
      return Object.fromEntries(acquired.journal);
    }
  }),

  defineCase('keeps and forgets a journal of thousands', async (store) => {
    await store.create(heldRun());
    const names = Array.from({ length: 9000 }, (_, n) => `chunk ${n}`);
    const journal = Object.fromEntries(names.map((name) => [name, `value of ${name}`]));
    await store.record('run-1', nextRecording({ log: [], journal }));
    const acquired = await store.acquire('run-1', { token: 'worker', until: 61_000, now: 1 });
    assert.ok(typeof acquired === 'object');
    assert.equal(acquired.journal.size, 9000);
    await assertCommitted(store.commit('run-1', nextCommit(1, { forget: names.slice(1) })));
    const again = await store.acquire('run-1', { token: 'worker', until: 61_000, now: 1 });
    assert.ok(typeof again === 'object');
    assert.deepEqual([...again.journal], [['chunk 0', 'value of chunk 0']]);
  }),

  defineCase('records nothing without the lease', async (store) => {
    await store.create(heldRun());
    assert.equal(
      await store.record('run-1', nextRecording({ token: 'other', log: ['no'], journal: { a: '1' } })),
      false,
    );
    await store.release('run-1', { token: 'worker', wakeAt: null, seen: 0 });
    assert.equal(await store.record('run-1', nextRecording({ log: ['no'], journal: { a: '1' } })), false);
    assert.deepEqual(await store.history('run-1', 0, 10), ['started']);
    const acquired = await store.acquire('run-1', { token: 'worker', until: 61_000, now: 1 });
    assert.ok(typeof acquired === 'object' && acquired.journal.size === 0);
  }),

  defineCase('pages through a history', async (store) => {
    const entries = Array.from({ length: 25 }, (_, n) => `entry ${n}`);
    await store.create(heldRun({ log: entries.slice(0, 5) }));
    await assertCommitted(store.commit('run-1', nextCommit(1, { log: entries.slice(5, 15) })));
    await store.record('run-1', nextRecording({ log: entries.slice(15) }));
    const pages: string[][] = [];
    for (let from = 0; from < 25; from += 10) pages.push([...(await store.history('run-1', from, 10))]);
    assert.deepEqual(pages, [entries.slice(0, 10), entries.slice(10, 20), entries.slice(20)]);
    assert.deepEqual(await store.history('run-1', 24, 1), ['entry 24']);
    assert.deepEqual(await store.history('run-1', 25, 10), []);
    assert.deepEqual(await store.history('run-1', 1000, 10), []);
    assert.deepEqual(await store.history('run-1', 0, 0), []);
  }),
];
