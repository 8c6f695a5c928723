/** Recordings that are made again, and keys that are free again. */
import assert from 'node:assert/strict';

import { assertCommitted, defineCase, heldRun, nextCommit, nextRecording } from './case.ts';

export const recordingCases = [
  defineCase('applies a recording that is made again with its id once (I8)', async (store, reopen) => {
    await store.create(heldRun());
    const recording = nextRecording({ log: ['attempt'], journal: { a: '1' } });
    const again = await Promise.all([
      store.record('run-1', recording),
      store.record('run-1', recording),
      (await reopen()).record('run-1', recording),
    ]);
    assert.deepEqual(again, [true, true, true]);
    await assertCommitted(store.commit('run-1', nextCommit(1, { forget: ['a'] })));
    assert.equal(await store.record('run-1', recording), true);
    assert.deepEqual(await store.history('run-1', 0, 10), ['started', 'attempt', 'step-1']);
    const acquired = await store.acquire('run-1', { token: 'worker', until: 62_000, now: 2000 });
    assert.ok(typeof acquired === 'object' && acquired.journal.size === 0);
    assert.equal(await store.record('run-1', recording), true);
    assert.equal((await store.history('run-1', 0, 10)).length, 3);
  }),

  defineCase('applies each of many recordings once, whichever are made again', async (store) => {
    await store.create(heldRun({ log: [] }));
    const recordings = Array.from({ length: 500 }, (_, n) => nextRecording({ log: [`entry ${n}`] }));
    for (const round of [recordings, recordings.toReversed()]) {
      assert.ok((await Promise.all(round.map((each) => store.record('run-1', each)))).every(Boolean));
    }
    const log = await store.history('run-1', 0, 2000);
    assert.deepEqual(log.toSorted(), recordings.map(({ log: [entry] }) => entry ?? '').toSorted());
  }),

  defineCase('takes recordings with the same id for different ones in different runs', async (store) => {
    const recording = nextRecording({ log: ['x'] });
    for (const id of ['a', 'b']) {
      await store.create(heldRun({ id }));
      assert.equal(await store.record(id, recording), true);
      assert.deepEqual(await store.history(id, 0, 10), ['started', 'x']);
    }
  }),

  defineCase('refuses a recording of a token that has lost the run, applied before or not', async (store) => {
    await store.create(heldRun());
    const recording = nextRecording({ log: ['x'], durable: true });
    assert.equal(await store.record('run-1', recording), true);
    await store.acquire('run-1', { token: 'other', until: 90_000, now: 70_000 });
    assert.equal(await store.record('run-1', recording), false);
    assert.deepEqual(await store.history('run-1', 0, 10), ['started', 'x']);
  }),

  defineCase('hands over messages with the keys they were sent with', async (store, reopen) => {
    await store.create(heldRun());
    const messages = [
      { id: 1, at: 1500, body: 'a', key: 'k 🔑' },
      { id: 2, at: 1500, body: 'b' },
      { id: 3, at: 1500, body: 'c', key: '' },
    ];
    for (const { id: _id, ...message } of messages) await store.send('run-1', message);
    assert.deepEqual(await (await reopen()).inbox('run-1', 0), messages);
    assert.deepEqual((await assertCommitted(store.commit('run-1', nextCommit(1)))).inbox, messages);
    const acquired = await store.acquire('run-1', { token: 'worker', until: 62_000, now: 2000 });
    assert.ok(typeof acquired === 'object');
    assert.deepEqual(acquired.inbox, messages);
  }),

  defineCase('takes a message again whose key a commit has freed', async (store, reopen) => {
    await store.create(heldRun());
    const message = { at: 1500, body: 'approve', key: 'k' };
    const kept = { at: 1500, body: 'other', key: 'kept' };
    await store.send('run-1', message);
    await store.send('run-1', kept);
    const refused = nextCommit(1, { consumed: [1, 2], seen: 2, freeKeys: ['k', 'unknown'] });
    await assertCommitted(store.commit('run-1', refused));
    assert.deepEqual(await (await reopen()).send('run-1', message), {
      status: 'stored',
      messageId: 3,
      logLength: 2,
    });
    assert.equal((await store.send('run-1', message)).status, 'duplicate');
    assert.equal((await store.send('run-1', kept)).status, 'duplicate');
    const stale = nextCommit(1, { freeKeys: ['k'] });
    assert.deepEqual(await store.commit('run-1', stale), { status: 'sequence', seq: 2 });
    assert.equal((await store.send('run-1', message)).status, 'duplicate');
  }),
];
