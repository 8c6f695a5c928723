/** `due`, `list`, `open` and `close`. */
import assert from 'node:assert/strict';

import { InvalidOption, StoreUnavailable } from '../../src/errors.ts';
import type { ListQuery, RunSummary, Store } from '../store.ts';
import {
  assertCommitted,
  assertDueFrom,
  defineCase,
  everAfter,
  heldRun,
  kind,
  newRun,
  nextCommit,
  nextRecording,
} from './case.ts';

async function listIds(store: Store, query: Partial<ListQuery> = {}): Promise<string[]> {
  return (await store.list({ limit: 1000, ...query })).runs.map(({ id }) => id);
}

/** All pages of a query, read to the end. */
async function listPages(store: Store, query: ListQuery): Promise<string[][]> {
  const pages: string[][] = [];
  let cursor: string | undefined;
  do {
    const page: { readonly runs: readonly RunSummary[]; readonly cursor?: string } = await store.list({
      ...query,
      ...(cursor !== undefined && { cursor }),
    });
    pages.push(page.runs.map(({ id }) => id));
    cursor = page.cursor;
  } while (cursor !== undefined && pages.length < 1000);
  return pages;
}

export const queryCases = [
  defineCase('names due runs longest due first, up to the limit', async (store) => {
    const times = [5000, 3000, 9000, 1000, 7000, 3500, 8000, 2000];
    for (const at of times) await store.create(newRun({ id: `at-${at}`, wakeAt: at }));
    const inOrder = times.toSorted((a, b) => a - b).map((at) => `at-${at}`);
    assert.deepEqual(await store.due({ workflows: [kind], now: 10_000, limit: 100 }), inOrder);
    assert.deepEqual(await store.due({ workflows: [kind], now: 10_000, limit: 3 }), inOrder.slice(0, 3));
    assert.deepEqual(await store.due({ workflows: [kind], now: 3500, limit: 100 }), inOrder.slice(0, 4));
    assert.deepEqual(await store.due({ workflows: [kind], now: 999, limit: 100 }), []);
  }),

  defineCase('names the longest due and the newest of many runs, whatever their ids', async (store) => {
    const runs = Array.from({ length: 300 }, (_, n) => ({ id: `run-${n}`, createdAt: (n * 7919) % 300 }));
    await Promise.all(
      runs.map(({ id, createdAt }) => store.create(newRun({ id, createdAt, wakeAt: 299 - createdAt }))),
    );
    const newest = runs.toSorted((a, b) => b.createdAt - a.createdAt).map(({ id }) => id);
    for (const limit of [1, 2, 5, 17, 40, 150, 299, 300, 500]) {
      assert.deepEqual(await store.due({ workflows: [kind], now: 300, limit }), newest.slice(0, limit));
      assert.deepEqual(await listIds(store, { limit }), newest.slice(0, limit));
    }
    assert.deepEqual((await listPages(store, { limit: 37 })).flat(), newest);
  }),

  defineCase('names due runs of the workflows and versions asked for only', async (store) => {
    await store.create(newRun({ id: 'a1', workflow: 'a', version: '1', wakeAt: 3 }));
    await store.create(newRun({ id: 'a2', workflow: 'a', version: '2', wakeAt: 2 }));
    await store.create(newRun({ id: 'b1', workflow: 'b', version: '1', wakeAt: 1 }));
    const ask = (workflows: string[]) => store.due({ workflows, now: 10, limit: 10 });
    assert.deepEqual(await ask(['a@1']), ['a1']);
    assert.deepEqual(await ask(['a@1', 'b@1', 'c@1']), ['b1', 'a1']);
    assert.deepEqual(await ask(['b@1', 'a@2', 'a@1']), ['b1', 'a2', 'a1']);
    assert.deepEqual(await ask(['a']), []);
    assert.deepEqual(await ask([]), []);
  }),

  defineCase('names a run due at most once, and not after it was taken', async (store) => {
    await store.create(newRun({ wakeAt: 1000 }));
    await store.send('run-1', { at: 900, body: 'a' });
    await store.send('run-1', { at: 1100, body: 'b' });
    assert.deepEqual(await store.due({ workflows: [kind, kind], now: everAfter, limit: 10 }), ['run-1']);
    await store.acquire('run-1', { token: 'worker', until: 61_000, now: 2000 });
    await assertDueFrom(store, 61_000);
  }),

  defineCase('counts the runs that have not ended', async (store, reopen) => {
    assert.deepEqual([...(await store.open())], []);
    for (const id of ['a', 'b', 'c']) await store.create(heldRun({ id }));
    await store.create(newRun({ id: 'd', version: '2.0.0', status: 'waiting' }));
    await assertCommitted(store.commit('a', nextCommit(1, { status: 'waiting' })));
    assert.deepEqual(Object.fromEntries(await (await reopen()).open()), {
      'ticket@1.0.0': 3,
      'ticket@2.0.0': 1,
    });
    await assertCommitted(store.commit('a', nextCommit(2, { status: 'done' })));
    await assertCommitted(store.commit('a', nextCommit(3, { status: 'done' })));
    await assertCommitted(store.commit('b', nextCommit(1, { status: 'failed', lease: 'release' })));
    assert.deepEqual(Object.fromEntries(await store.open()), { 'ticket@1.0.0': 1, 'ticket@2.0.0': 1 });
    await assertCommitted(store.commit('c', nextCommit(1, { status: 'cancelled' })));
    assert.deepEqual(Object.fromEntries(await store.open()), { 'ticket@2.0.0': 1 });
  }),

  defineCase('lists runs newest first', async (store) => {
    assert.deepEqual(await store.list({ limit: 10 }), { runs: [] });
    for (const [id, createdAt] of Object.entries({ b: 2000, a: 1000, d: 3000, c: 2000 })) {
      await store.create(newRun({ id, createdAt }));
    }
    assert.deepEqual(await listIds(store), ['d', 'c', 'b', 'a']);
  }),

  defineCase('orders runs of one time by the bytes of their ids', async (store) => {
    const ids = ['a', 'B', 'b', 'é', '\uffff', '🚂', 'a\0', 'a!', '10', '9', 'ab'];
    for (const id of ids) await store.create(newRun({ id, createdAt: 0 }));
    const byBytes = ids.toSorted((a, b) => Buffer.compare(Buffer.from(b), Buffer.from(a)));
    assert.deepEqual(await listIds(store), byBytes);
    assert.deepEqual((await listPages(store, { limit: 2 })).flat(), byBytes);
  }),

  defineCase('orders runs of one time across workflows and statuses', async (store) => {
    const statuses = ['running', 'waiting', 'done', 'failed', 'cancelled'] as const;
    const ids = Array.from({ length: 200 }, (_, n) => `run-${(n * 7919) % 200}`);
    await Promise.all(
      ids.map((id, n) =>
        store.create(
          newRun({
            id,
            createdAt: 0,
            workflow: `w${n % 3}`,
            status: statuses[n % 5] ?? 'done',
            wakeAt: null,
          }),
        ),
      ),
    );
    const byBytes = ids.toSorted((a, b) => (a < b ? 1 : -1));
    for (const limit of [1, 3, 50]) assert.deepEqual((await listPages(store, { limit })).flat(), byBytes);
  }),

  defineCase('shows summaries, without input and state', async (store) => {
    await store.create(heldRun({ tags: ['x'] }));
    await assertCommitted(
      store.commit('run-1', nextCommit(1, { value: '{"a":"b"}', tags: ['y', 'z'], now: 4321 })),
    );
    assert.deepEqual((await store.list({ limit: 1 })).runs, [
      {
        id: 'run-1',
        workflow: 'ticket',
        version: '1.0.0',
        status: 'running',
        value: '{"a":"b"}',
        tags: ['y', 'z'],
        createdAt: 1000,
        updatedAt: 4321,
        labels: {},
      },
    ]);
  }),

  defineCase('filters a list by workflow, status and tag, alone and together', async (store) => {
    const workflows = ['a', 'b'];
    const statuses = ['running', 'waiting', 'done', 'failed', 'cancelled'] as const;
    const tagSets = [[], ['x'], ['x', 'y']];
    const all: Array<{ id: string; workflow: string; status: (typeof statuses)[number]; tags: string[] }> =
      [];
    for (const workflow of workflows) {
      for (const status of statuses) {
        for (const tags of tagSets) {
          const id = `${workflow}-${status}-${tags.join('')}`;
          all.push({ id, workflow, status, tags });
          await store.create(newRun({ id, workflow, status, tags, createdAt: 1000 + all.length }));
        }
      }
    }
    for (const workflow of [undefined, ...workflows, 'none']) {
      for (const status of [undefined, ...statuses]) {
        for (const tag of [undefined, 'x', 'y', 'none']) {
          const expected = all
            .filter((run) => workflow === undefined || run.workflow === workflow)
            .filter((run) => status === undefined || run.status === status)
            .filter((run) => tag === undefined || run.tags.includes(tag))
            .map(({ id }) => id)
            .reverse();
          const query = {
            ...(workflow !== undefined && { workflow }),
            ...(status !== undefined && { status }),
            ...(tag !== undefined && { tag }),
          };
          assert.deepEqual(await listIds(store, query), expected, JSON.stringify(query));
          const pages = await listPages(store, { ...query, limit: 2 });
          assert.deepEqual(pages.flat(), expected, JSON.stringify(query));
          assert.ok(pages.length === 1 || pages.every((page) => page.length > 0), 'an empty last page');
        }
      }
    }
  }),

  defineCase('follows tags and status as they change', async (store) => {
    await store.create(heldRun({ tags: ['a', 'b'] }));
    await assertCommitted(store.commit('run-1', nextCommit(1, { tags: ['b', 'c', 'c'] })));
    assert.deepEqual(await listIds(store, { tag: 'a' }), []);
    assert.deepEqual(await listIds(store, { tag: 'b' }), ['run-1']);
    assert.deepEqual(await listIds(store, { tag: 'c', status: 'running' }), ['run-1']);
    await assertCommitted(store.commit('run-1', nextCommit(2, { tags: ['c'], status: 'waiting' })));
    assert.deepEqual(await listIds(store, { tag: 'b' }), []);
    assert.deepEqual(await listIds(store, { tag: 'c', status: 'running' }), []);
    assert.deepEqual(await listIds(store, { tag: 'c', status: 'waiting', workflow: 'ticket' }), ['run-1']);
    await assertCommitted(store.commit('run-1', nextCommit(3, { tags: [], status: 'done' })));
    assert.deepEqual(await listIds(store, { tag: 'c' }), []);
    assert.deepEqual(await listIds(store, { status: 'waiting' }), []);
    assert.deepEqual(await listIds(store), ['run-1']);
  }),

  defineCase('pages stably through runs of one time while others come and change', async (store) => {
    const ids = Array.from({ length: 30 }, (_, n) => `run-${String(n).padStart(2, '0')}`);
    for (const id of ids) await store.create(heldRun({ id, createdAt: 1000 }));
    const first = await store.list({ limit: 10 });
    assert.deepEqual(
      first.runs.map(({ id }) => id),
      ids.slice(20).reverse(),
    );
    assert.ok(first.cursor !== undefined);
    // Newer ones come, one sorts before the cursor, and the run that the cursor names changes its status.
    await store.create(newRun({ id: 'newer', createdAt: 2000 }));
    await store.create(newRun({ id: 'run-99', createdAt: 1000 }));
    await assertCommitted(store.commit('run-20', nextCommit(1, { status: 'done', lease: 'release' })));
    const second = await store.list({ limit: 10, cursor: first.cursor });
    assert.deepEqual(
      second.runs.map(({ id }) => id),
      ids.slice(10, 20).reverse(),
    );
    const third = await store.list({ limit: 10, cursor: second.cursor ?? '' });
    assert.deepEqual(
      third.runs.map(({ id }) => id),
      ids.slice(0, 10).reverse(),
    );
    assert.equal(third.cursor, undefined);
    const running = await store.list({ limit: 100, cursor: first.cursor, status: 'running' });
    assert.equal(running.runs.length, 20);
  }),

  defineCase('refuses a cursor that it did not give, and a limit below 1', async (store) => {
    await assert.rejects(store.list({ limit: 1, cursor: 'nonsense' }), InvalidOption);
    await assert.rejects(store.list({ limit: 1, cursor: '' }), InvalidOption);
    await assert.rejects(store.list({ limit: 0 }), InvalidOption);
  }),

  defineCase('keeps what was acknowledged after its store is closed (I2)', async (store, reopen) => {
    await store.create(heldRun());
    await assertCommitted(store.commit('run-1', nextCommit(1)));
    await store.send('run-1', { at: 1500, body: 'hello', key: 'k' });
    await store.close();
    const other = await reopen();
    assert.equal((await other.load('run-1'))?.seq, 2);
    assert.deepEqual(await other.inbox('run-1', 0), [{ id: 1, at: 1500, body: 'hello', key: 'k' }]);
    assert.equal((await other.send('run-1', { at: 1500, body: 'hello', key: 'k' })).status, 'duplicate');
  }),

  defineCase('finishes what is under way when it is closed', async (store, reopen) => {
    const under = Array.from({ length: 20 }, (_, n) => store.create(newRun({ id: `run-${n}` })));
    await store.close();
    assert.deepEqual(new Set(await Promise.all(under)), new Set(['created']));
    assert.equal((await listIds(await reopen())).length, 20);
  }),

  defineCase('rejects every call with StoreUnavailable once it is closed', async (store) => {
    await store.create(heldRun());
    await store.close();
    await store.close();
    const calls: Array<() => Promise<unknown>> = [
      () => store.create(newRun({ id: 'other' })),
      () => store.load('run-1'),
      () => store.acquire('run-1', { token: 'worker', until: 2, now: 1 }),
      () => store.commit('run-1', nextCommit(1)),
      () => store.record('run-1', nextRecording({ log: [] })),
      () => store.renew({ token: 'worker', until: 2, runs: [] }),
      () => store.release('run-1', { token: 'worker', wakeAt: null, seen: 0 }),
      () => store.send('run-1', { at: 1, body: 'hello' }),
      () => store.inbox('run-1', 0),
      () => store.due({ workflows: [kind], now: 1, limit: 1 }),
      () => store.leases(),
      () => store.open(),
      () => store.list({ limit: 1 }),
      () => store.history('run-1', 0, 1),
      () => store.ended({ status: 'done', before: 1, limit: 1 }),
      () => store.delete('run-1', { seq: 1, token: 'worker' }),
      () => store.announce('worker', null),
      () => store.workers(1),
      ...(store.time ? [() => store.time?.() ?? Promise.resolve()] : []),
    ];
    for (const call of calls) await assert.rejects(call(), StoreUnavailable, String(call));
    assert.throws(() => store.watch(() => {}), StoreUnavailable);
    assert.throws(() => store.subscribe('run-1', () => {}), StoreUnavailable);
    assert.throws(() => store.publish('run-1', 'text'), StoreUnavailable);
  }),
];
