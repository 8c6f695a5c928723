/** `send`, `inbox`, `watch`, and what mail does to a run: I5, I6, I7. */
import assert from 'node:assert/strict';

import {
  assertCommitted,
  assertDueFrom,
  assertNeverDue,
  assertStored,
  defineCase,
  eventually,
  heldRun,
  newRun,
  nextCommit,
  nextRecording,
} from './case.ts';

export const inboxCases = [
  defineCase('numbers the messages of each run from 1', async (store, reopen) => {
    await store.create(heldRun());
    await store.create(heldRun({ id: 'other', log: ['one', 'two'] }));
    assert.deepEqual(await store.send('run-1', { at: 1500, body: 'a' }), {
      status: 'stored',
      messageId: 1,
      logLength: 1,
    });
    await store.record('run-1', nextRecording({ log: ['x'] }));
    assert.deepEqual(await (await reopen()).send('run-1', { at: 1600, body: 'b' }), {
      status: 'stored',
      messageId: 2,
      logLength: 2,
    });
    assert.deepEqual(await store.send('other', { at: 1700, body: 'c' }), {
      status: 'stored',
      messageId: 1,
      logLength: 2,
    });
    const messages = [
      { id: 1, at: 1500, body: 'a' },
      { id: 2, at: 1600, body: 'b' },
    ];
    assert.deepEqual(await store.inbox('run-1', 0), messages);
    assert.deepEqual(await store.inbox('run-1', 1), messages.slice(1));
    assert.deepEqual(await store.inbox('run-1', 2), []);
  }),

  defineCase(
    'gives many messages sent at the same time ids of their own, without gaps',
    async (store, reopen) => {
      const stores = [store, await reopen()];
      await store.create(heldRun());
      const sent = await Promise.all(
        Array.from({ length: 200 }, (_, n) =>
          (stores[n % 2] ?? store).send('run-1', { at: 1500, body: `m${n}` }),
        ),
      );
      const ids = sent.map((result) => (result.status === 'stored' ? result.messageId : NaN));
      assert.deepEqual(
        ids.toSorted((a, b) => a - b),
        Array.from({ length: 200 }, (_, n) => n + 1),
      );
      const inbox = await store.inbox('run-1', 0);
      assert.deepEqual(
        inbox.map(({ id }) => id),
        Array.from({ length: 200 }, (_, n) => n + 1),
      );
      for (const [n, id] of ids.entries()) assert.equal(inbox[id - 1]?.body, `m${n}`);
    },
  ),

  defineCase('stores a message once per key, consumed or not, ended or not (I5)', async (store, reopen) => {
    await store.create(heldRun());
    await store.create(heldRun({ id: 'other' }));
    await assertStored(store, 'run-1', 'first');
    const message = { at: 1500, body: 'approve', key: 'k' };
    const stored = { messageId: 2, logLength: 1 };
    assert.deepEqual(await store.send('run-1', message), { status: 'stored', ...stored });
    // A duplicate is told what the first was told, so that its sender can look for the outcome from the same place.
    await store.record('run-1', nextRecording({ log: ['x'] }));
    assert.deepEqual(await store.send('run-1', message), { status: 'duplicate', ...stored });
    assert.equal((await store.inbox('run-1', 0)).length, 2);
    await assertCommitted(store.commit('run-1', nextCommit(1, { consumed: [1, 2], seen: 2 })));
    const again = await reopen();
    assert.deepEqual(await again.send('run-1', { ...message, body: 'x' }), {
      status: 'duplicate',
      ...stored,
    });
    assert.deepEqual(await store.inbox('run-1', 0), []);
    await assertCommitted(
      store.commit('run-1', nextCommit(2, { status: 'done', lease: 'release', seen: 2 })),
    );
    assert.deepEqual(await store.send('run-1', message), { status: 'duplicate', ...stored });
    assert.deepEqual(await store.send('run-1', { ...message, key: 'new' }), { status: 'ended' });
    assert.equal((await store.send('other', message)).status, 'stored');
    await assertNeverDue(store);
  }),

  defineCase('stores one of many messages with one key sent at the same time', async (store, reopen) => {
    const stores = [store, await reopen()];
    await store.create(heldRun());
    const sent = await Promise.all(
      Array.from({ length: 30 }, (_, n) =>
        (stores[n % 2] ?? store).send('run-1', { at: 1500, body: `m${n}`, key: 'k' }),
      ),
    );
    assert.equal(sent.filter(({ status }) => status === 'stored').length, 1);
    assert.ok(sent.every((result) => 'messageId' in result && result.messageId === 1));
    assert.equal((await store.inbox('run-1', 0)).length, 1);
  }),

  defineCase('stores two messages with the same body', async (store) => {
    await store.create(heldRun());
    await assertStored(store, 'run-1', 'same');
    await assertStored(store, 'run-1', 'same');
    assert.equal((await store.inbox('run-1', 0)).length, 2);
  }),

  defineCase('leaves a held run to its holder when a message comes', async (store) => {
    await store.create(heldRun());
    await assertStored(store, 'run-1', 'hello');
    await assertDueFrom(store, 61_000);
  }),

  defineCase(
    'makes a parked run due at once when a message comes, and no later than it was (I7)',
    async (store) => {
      await store.create(newRun({ id: 'parked', wakeAt: null }));
      await store.create(newRun({ id: 'later', wakeAt: 50_000 }));
      await store.create(newRun({ id: 'earlier', wakeAt: 1200 }));
      for (const id of ['parked', 'later', 'earlier']) {
        await assertStored(store, id, 'hello', 1500);
        await assertStored(store, id, 'again', 1600);
      }
      await assertDueFrom(store, 1500, 'parked');
      await assertDueFrom(store, 1500, 'later');
      await assertDueFrom(store, 1200, 'earlier');
    },
  ),

  defineCase('takes no message for an ended run', async (store) => {
    await store.create(heldRun());
    await assertCommitted(store.commit('run-1', nextCommit(1, { status: 'cancelled' })));
    assert.deepEqual(await store.send('run-1', { at: 1500, body: 'late' }), { status: 'ended' });
    assert.deepEqual(await store.inbox('run-1', 0), []);
    await store.create(newRun({ id: 'other', status: 'failed' }));
    assert.deepEqual(await store.send('other', { at: 1500, body: 'late', key: 'k' }), { status: 'ended' });
    assert.deepEqual(await store.send('other', { at: 1500, body: 'late', key: 'k' }), { status: 'ended' });
  }),

  defineCase('removes the consumed messages and hands over those not seen yet', async (store) => {
    await store.create(heldRun());
    for (const body of ['a', 'b', 'c', 'd', 'e']) await assertStored(store, 'run-1', body);
    const commit = nextCommit(1, { consumed: [1, 3, 99], seen: 3 });
    assert.deepEqual(await assertCommitted(store.commit('run-1', commit)), {
      status: 'committed',
      inbox: [
        { id: 4, at: 1500, body: 'd' },
        { id: 5, at: 1500, body: 'e' },
      ],
      released: false,
    });
    assert.deepEqual(
      (await store.inbox('run-1', 0)).map(({ body }) => body),
      ['b', 'd', 'e'],
    );
    assert.equal(await assertStored(store, 'run-1', 'f'), 6);
  }),

  defineCase('hands over unseen mail with every commit', async (store) => {
    await store.create(heldRun());
    await assertStored(store, 'run-1', 'a');
    for (const [n, lease] of (['keep', { until: 70_000 }, 'release'] as const).entries()) {
      const { inbox, released } = await assertCommitted(store.commit('run-1', nextCommit(n + 1, { lease })));
      assert.deepEqual(inbox, [{ id: 1, at: 1500, body: 'a' }]);
      assert.equal(released, false);
    }
    assert.deepEqual((await assertCommitted(store.commit('run-1', nextCommit(4, { seen: 1 })))).inbox, []);
  }),

  defineCase('does not number a message like one that was consumed', async (store, reopen) => {
    await store.create(heldRun());
    await assertStored(store, 'run-1', 'a');
    await assertCommitted(store.commit('run-1', nextCommit(1, { consumed: [1], seen: 1 })));
    assert.equal(await assertStored(await reopen(), 'run-1', 'b'), 2);
  }),

  defineCase('does not release a run while mail is unseen (I6)', async (store) => {
    await store.create(heldRun());
    await assertStored(store, 'run-1', 'a');
    await assertStored(store, 'run-1', 'b');
    const early = nextCommit(1, {
      consumed: [1],
      seen: 1,
      lease: 'release',
      wakeAt: 3000,
      status: 'waiting',
    });
    assert.deepEqual(await assertCommitted(store.commit('run-1', early)), {
      status: 'committed',
      inbox: [{ id: 2, at: 1500, body: 'b' }],
      released: false,
    });
    assert.deepEqual((await store.load('run-1'))?.lease, { token: 'worker', until: 61_000 });
    await assertDueFrom(store, 61_000);
    const late = nextCommit(2, { consumed: [2], seen: 2, lease: 'release', wakeAt: 3000, status: 'waiting' });
    assert.equal((await assertCommitted(store.commit('run-1', late))).released, true);
    await assertDueFrom(store, 3000);
  }),

  defineCase('loses no wake-up between parking and sending', async (store, reopen) => {
    const sender = await reopen();
    for (let round = 0; round < 30; round++) {
      const id = `race-${round}`;
      await store.create(heldRun({ id }));
      const [parked] = await Promise.all([
        assertCommitted(store.commit(id, nextCommit(1, { lease: 'release', status: 'waiting' }))),
        assertStored(sender, id, 'wake up', 1500),
      ]);
      if (parked.released) await assertDueFrom(store, 1500, id);
      else assert.deepEqual(parked.inbox, [{ id: 1, at: 1500, body: 'wake up' }]);
    }
  }),

  defineCase('keeps held-back messages and parks over them', async (store, reopen) => {
    await store.create(heldRun());
    for (const body of ['early approval', 'b', 'c']) await assertStored(store, 'run-1', body);
    const park = nextCommit(1, { consumed: [2, 3], seen: 3, lease: 'release', status: 'waiting' });
    assert.deepEqual(await assertCommitted(store.commit('run-1', park)), {
      status: 'committed',
      inbox: [],
      released: true,
    });
    await assertNeverDue(store);
    await assertStored(store, 'run-1', 'd', 1700);
    await assertDueFrom(store, 1700);
    const acquired = await (await reopen()).acquire('run-1', { token: 'other', until: 70_000, now: 2000 });
    assert.ok(typeof acquired === 'object');
    assert.deepEqual(acquired.inbox, [
      { id: 1, at: 1500, body: 'early approval' },
      { id: 4, at: 1700, body: 'd' },
    ]);
  }),

  defineCase('hands over messages far past the last one seen', async (store) => {
    await store.create(heldRun());
    const count = 9000;
    await Promise.all(
      Array.from({ length: count }, (_, n) => store.send('run-1', { at: 1500, body: `m${n + 1}` })),
    );
    const all = Array.from({ length: count }, (_, n) => n + 1);
    const first = await assertCommitted(store.commit('run-1', nextCommit(1, { consumed: [1] })));
    assert.deepEqual(
      first.inbox.map(({ id }) => id),
      all.slice(1),
    );
    const consumed = all.slice(1, -1);
    const second = await assertCommitted(
      store.commit('run-1', nextCommit(2, { consumed, lease: 'release' })),
    );
    assert.equal(second.released, false);
    assert.deepEqual(second.inbox, [{ id: count, at: 1500, body: `m${count}` }]);
  }),

  defineCase('calls an ended run with mail due, until the mail is consumed (I7)', async (store) => {
    await store.create(heldRun());
    await assertStored(store, 'run-1', 'late', 1500);
    const end = nextCommit(1, { status: 'done', lease: 'release', wakeAt: null });
    assert.equal((await assertCommitted(store.commit('run-1', end))).released, false);
    await assertDueFrom(store, 61_000);
    await store.release('run-1', { token: 'worker', wakeAt: null, seen: 0 });
    await assertDueFrom(store, 1500);
    const acquired = await store.acquire('run-1', { token: 'other', until: 90_000, now: 62_000 });
    assert.ok(typeof acquired === 'object' && acquired.inbox.length === 1 && acquired.run.status === 'done');
    await assertDueFrom(store, 90_000);
    const settle = nextCommit(2, {
      token: 'other',
      status: 'done',
      consumed: [1],
      seen: 1,
      lease: 'release',
    });
    assert.equal((await assertCommitted(store.commit('run-1', settle))).released, true);
    await assertNeverDue(store);
  }),

  defineCase('keeps the appointment of an ended run with held-back mail', async (store) => {
    await store.create(heldRun());
    await assertStored(store, 'run-1', 'held back');
    const end = nextCommit(1, { status: 'failed', lease: 'release', seen: 1, wakeAt: 5000 });
    assert.equal((await assertCommitted(store.commit('run-1', end))).released, true);
    await assertDueFrom(store, 5000);
  }),

  defineCase('tells a lone watcher of its own messages', async (store) => {
    let heard = 0;
    store.watch(() => heard++);
    await store.create(heldRun());
    const deadline = Date.now() + 5000;
    while (heard === 0 && Date.now() < deadline) {
      await assertStored(store, 'run-1', 'hello');
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    assert.ok(heard > 0);
  }),

  defineCase('tells watchers of messages, sent here or elsewhere', async (store, reopen) => {
    const other = await reopen();
    const heard = { here: new Set<string>(), elsewhere: new Set<string>() };
    const stopHere = store.watch((runId) => heard.here.add(runId));
    const stopElsewhere = other.watch((runId) => heard.elsewhere.add(runId));
    // Watching begins soon, not at once: send until both have heard.
    await store.create(heldRun());
    const deadline = Date.now() + 5000;
    while ((heard.here.size === 0 || heard.elsewhere.size === 0) && Date.now() < deadline) {
      await assertStored(store, 'run-1', 'hello');
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    for (const id of ['a:b {c}', 'ünï 🚂']) {
      await store.create(heldRun({ id }));
      await assertStored(other, id, 'hello');
      await eventually(() => heard.here.has(id), 'the store has heard of a message sent elsewhere');
      await eventually(() => heard.elsewhere.has(id), 'the sender has heard of its own message');
    }
    stopElsewhere();
    await store.create(heldRun({ id: 'after' }));
    await assertStored(other, 'after', 'hello');
    await eventually(() => heard.here.has('after'), 'the store that goes on watching has heard');
    assert.equal(heard.elsewhere.has('after'), false);
    stopHere();
    stopHere();
  }),
];
