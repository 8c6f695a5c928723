/** `create`, `load` and what strings a store carries. */
import assert from 'node:assert/strict';

import { InvalidOption } from '../../src/errors.ts';
import {
  assertCommitted,
  assertNeverDue,
  assertDueFrom,
  defineCase,
  heldRun,
  newRun,
  nextCommit,
  nextRecording,
} from './case.ts';

/** Ids, tags and names that have a meaning somewhere else. */
export const oddStrings: readonly string[] = [
  'a:b:c',
  '{tag}',
  '}{',
  '{}',
  'with space',
  'a/b/../c',
  `'single' "double" \`back\``,
  "'; DROP TABLE runs; --",
  '*?[a-z]',
  '100%_\\',
  'line\nfeed\r\n\ttab',
  'nul\0inside',
  'nul\0other',
  'ünïcödé 日本語',
  '🚂🚦 box',
  '\u{10ffff}\uffff\ue000',
  '\u00e9',
  'e\u0301',
  'UPPER',
  'upper',
  ' leading',
  'trailing ',
  '__proto__',
  'constructor',
  '0',
  '1e3',
  'null',
  'x'.repeat(500),
];

/** Every kind of character, 200 KB of them, and some that databases have been known to cut off. */
const hugeText = `nul:\0 quote:' "é🚂日本語\\u0000 ${'0123456789abcdef🚦'.repeat(11_000)}\0end`;

export const createCases = [
  defineCase('gives back a created run as it was', async (store, reopen) => {
    const run = newRun({ tags: ['b', 'a'], log: ['one', 'two'], wakeAt: 5000 });
    assert.equal(await store.create(run), 'created');
    const expected = {
      id: 'run-1',
      workflow: 'ticket',
      version: '1.0.0',
      status: 'running',
      value: '"drafting"',
      tags: ['b', 'a'],
      createdAt: 1000,
      updatedAt: 1000,
      seq: 1,
      input: '{"text":"hello"}',
      state: 'state-1',
      labels: {},
      takeovers: 0,
    };
    assert.deepEqual(await store.load('run-1'), expected);
    assert.deepEqual(await (await reopen()).load('run-1'), expected);
    assert.deepEqual(await store.history('run-1', 0, 10), ['one', 'two']);
    await assertDueFrom(store, 5000);
  }),

  defineCase('creates a run with a lease, which wins over wakeAt', async (store) => {
    await store.create(heldRun({ wakeAt: 1000 }));
    assert.deepEqual((await store.load('run-1'))?.lease, { token: 'worker', until: 61_000 });
    await assertDueFrom(store, 61_000);
  }),

  defineCase('creates a run without an appointment, which is never due', async (store) => {
    await store.create(newRun({ wakeAt: null, status: 'waiting' }));
    await assertNeverDue(store);
  }),

  defineCase('creates a run that has ended already, which is never due', async (store) => {
    await store.create(newRun({ status: 'done', wakeAt: 1000 }));
    await store.create(heldRun({ id: 'held', status: 'failed' }));
    await assertNeverDue(store);
    await assertNeverDue(store, 'held');
    assert.equal((await store.open()).size, 0);
    assert.equal((await store.load('run-1'))?.status, 'done');
  }),

  defineCase('writes nothing when the id is taken', async (store) => {
    await store.create(newRun());
    const before = await store.load('run-1');
    const second = newRun({
      state: 'other',
      input: 'other',
      log: ['other'],
      workflow: 'other',
      createdAt: 9,
    });
    assert.equal(await store.create(second), 'exists');
    assert.deepEqual(await store.load('run-1'), before);
    assert.deepEqual(await store.history('run-1', 0, 10), ['started']);
    assert.deepEqual([...(await store.open())], [['ticket@1.0.0', 1]]);
    assert.equal((await store.list({ limit: 10 })).runs.length, 1);
  }),

  defineCase('creates a run once when many create it at the same time', async (store, reopen) => {
    const stores = [store, await reopen(), await reopen()];
    for (let round = 0; round < 10; round++) {
      const attempts = Array.from({ length: 12 }, (_, n) => ({ n, store: stores[n % 3] ?? store }));
      const results = await Promise.all(
        attempts.map((each) => each.store.create(newRun({ id: `race-${round}`, state: `by-${each.n}` }))),
      );
      assert.equal(results.filter((result) => result === 'created').length, 1);
      assert.equal((await store.load(`race-${round}`))?.state, `by-${results.indexOf('created')}`);
      assert.equal((await store.history(`race-${round}`, 0, 100)).length, 1);
    }
    assert.deepEqual([...(await store.open())], [['ticket@1.0.0', 10]]);
  }),

  defineCase('answers for a run that does not exist', async (store) => {
    assert.equal(await store.load('none'), undefined);
    assert.equal(await store.acquire('none', { token: 'worker', until: 2, now: 1 }), 'missing');
    assert.deepEqual(await store.commit('none', nextCommit(1)), { status: 'missing' });
    assert.equal(await store.record('none', nextRecording({ log: ['x'], journal: { a: '1' } })), false);
    assert.deepEqual(await store.send('none', { at: 1, body: 'hello' }), { status: 'missing' });
    assert.deepEqual(await store.send('none', { at: 1, body: 'hello', key: 'k' }), { status: 'missing' });
    await store.release('none', { token: 'worker', wakeAt: 1, seen: 0 });
    assert.deepEqual(await store.inbox('none', 0), []);
    assert.deepEqual(await store.history('none', 0, 10), []);
    assert.deepEqual(await store.renew({ token: 'worker', until: 9, runs: [{ id: 'none', seen: 0 }] }), {
      lost: ['none'],
      mail: [],
    });
    assert.equal(await store.load('none'), undefined);
    assert.deepEqual(await store.leases(), []);
  }),

  defineCase('keeps ids, names and tags with odd characters apart', async (store, reopen) => {
    for (const odd of oddStrings) {
      const lease = { token: odd, until: 61_000 };
      assert.equal(
        await store.create(
          heldRun({
            id: odd,
            workflow: odd,
            version: odd,
            tags: [odd],
            labels: { [odd]: odd },
            parent: odd,
            lease,
          }),
        ),
        'created',
      );
      await assertStored(odd);
      assert.equal((await store.send(odd, { at: 1500, body: odd, key: odd })).status, 'stored');
      assert.equal((await store.send(odd, { at: 1500, body: 'again', key: odd })).status, 'duplicate');
      assert.equal(
        await store.record(odd, nextRecording({ token: odd, log: [odd], journal: { [odd]: odd } })),
        true,
      );
    }
    async function assertStored(id: string): Promise<void> {
      assert.equal((await store.send(id, { at: 1500, body: `to ${id}` })).status, 'stored');
    }
    const other = await reopen();
    assert.equal((await other.leases()).length, oddStrings.length);
    assert.equal((await other.open()).size, oddStrings.length);
    for (const odd of oddStrings) {
      const run = await other.load(odd);
      assert.deepEqual(
        {
          id: run?.id,
          workflow: run?.workflow,
          version: run?.version,
          tags: run?.tags,
          labels: Object.entries(run?.labels ?? {}),
          parent: run?.parent,
          token: run?.lease?.token,
        },
        {
          id: odd,
          workflow: odd,
          version: odd,
          tags: [odd],
          labels: [[odd, odd]],
          parent: odd,
          token: odd,
        },
      );
      assert.deepEqual(
        (await other.inbox(odd, 0)).map(({ body, key }) => [body, key]),
        [
          [`to ${odd}`, undefined],
          [odd, odd],
        ],
      );
      assert.deepEqual(await other.history(odd, 1, 10), [odd]);
      for (const query of [
        { workflow: odd },
        { tag: odd },
        { labels: { [odd]: odd } },
        { parent: odd },
        { workflow: odd, tag: odd, status: 'running' as const },
      ]) {
        const { runs } = await other.list({ ...query, limit: 10 });
        assert.deepEqual(
          runs.map(({ id }) => id),
          [odd],
        );
      }
      assert.deepEqual(await other.due({ workflows: [`${odd}@${odd}`], now: 61_000, limit: 10 }), [odd]);
      const acquired = await other.acquire(odd, { token: odd, until: 99_000, now: 1 });
      assert.ok(typeof acquired === 'object');
      assert.deepEqual([...acquired.journal], [[odd, odd]]);
    }
  }),

  defineCase('refuses names that are not well-formed Unicode, so that no two become one', async (store) => {
    const cut = ['run \ud83d', '\ude82 run', 'a\udc00b'];
    await store.create(heldRun({ id: 'run \ufffd' }));
    for (const odd of cut) {
      const refused: Array<() => Promise<unknown>> = [
        () => store.create(newRun({ id: odd })),
        () => store.create(newRun({ id: 'a', workflow: odd })),
        () => store.create(newRun({ id: 'a', tags: [odd] })),
        () => store.create(newRun({ id: 'a', labels: { tenant: odd } })),
        () => store.create(newRun({ id: 'a', labels: { [odd]: 'acme' } })),
        () => store.create(newRun({ id: 'a', parent: odd })),
        () => store.load(odd),
        () => store.acquire(odd, { token: 'worker', until: 61_000, now: 1000 }),
        () => store.send(odd, { at: 1500, body: 'x' }),
        () => store.send('run \ufffd', { at: 1500, body: 'x', key: odd }),
        () => store.commit(odd, nextCommit(1)),
        () => store.commit('run \ufffd', nextCommit(1, { tags: [odd] })),
        () => store.record('run \ufffd', nextRecording({ journal: { [odd]: '1' } })),
        () => store.delete(odd, { seq: 1, token: 'worker' }),
        () => store.history(odd, 0, 1),
        () => store.list({ labels: { tenant: odd }, limit: 1 }),
      ];
      for (const call of refused) await assert.rejects(call(), InvalidOption, String(call));
    }
    assert.equal((await store.load('run \ufffd'))?.seq, 1);
    assert.equal((await store.list({ limit: 10 })).runs.length, 1);
  }),

  defineCase('carries any text unchanged, 200 KB of it too', async (store, reopen) => {
    const run = heldRun({
      input: hugeText,
      state: hugeText,
      value: hugeText,
      log: [hugeText, '', '\0', hugeText],
    });
    await store.create(run);
    await store.send('run-1', { at: 1500, body: hugeText });
    await store.send('run-1', { at: 1500, body: '' });
    await store.record('run-1', nextRecording({ log: [hugeText], journal: { huge: hugeText, empty: '' } }));
    const other = await reopen();
    const stored = await other.load('run-1');
    assert.ok(stored?.input === hugeText && stored.state === hugeText && stored.value === hugeText);
    const log = await other.history('run-1', 0, 10);
    assert.ok(
      log.length === 5 && [0, 3, 4].every((at) => log[at] === hugeText) && log[1] === '' && log[2] === '\0',
    );
    const acquired = await other.acquire('run-1', { token: 'worker', until: 62_000, now: 1 });
    assert.ok(typeof acquired === 'object');
    assert.ok(acquired.journal.get('huge') === hugeText && acquired.journal.get('empty') === '');
    assert.ok(acquired.inbox[0]?.body === hugeText && acquired.inbox[1]?.body === '');
    const changed = `${hugeText}, changed`;
    await assertCommitted(other.commit('run-1', nextCommit(1, { state: changed, log: [changed], seen: 2 })));
    assert.ok((await store.load('run-1'))?.state === changed);
    assert.ok((await store.history('run-1', 5, 1))[0] === changed);
  }),

  defineCase('carries empty strings, empty logs and many tags', async (store) => {
    const tags = Array.from({ length: 50 }, (_, n) => `tag ${n}`);
    await store.create(newRun({ input: '', state: '', value: '', log: [], tags: ['', ...tags] }));
    const run = await store.load('run-1');
    assert.deepEqual([run?.input, run?.state, run?.value, run?.tags], ['', '', '', ['', ...tags]]);
    assert.deepEqual(await store.history('run-1', 0, 10), []);
    assert.equal((await store.list({ tag: '', limit: 10 })).runs.length, 1);
    assert.equal((await store.list({ tag: 'tag 49', limit: 10 })).runs.length, 1);
  }),

  defineCase('carries a history of many entries in one write', async (store) => {
    const log = Array.from({ length: 10_000 }, (_, n) => `entry ${n}`);
    await store.create(heldRun({ log }));
    await assertCommitted(store.commit('run-1', nextCommit(1, { log })));
    assert.equal(await store.record('run-1', nextRecording({ log })), true);
    assert.deepEqual(await store.history('run-1', 0, 40_000), [...log, ...log, ...log]);
  }),
];
