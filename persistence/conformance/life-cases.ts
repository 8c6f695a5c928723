/** What becomes of runs: found by labels, parent and problem, brought back, listed as ended, deleted. */
import assert from 'node:assert/strict';

import type { ListQuery, NewRun, Store } from '../store.ts';
import {
  assertCommitted,
  assertDueFrom,
  assertNeverDue,
  assertStored,
  defineCase,
  everAfter,
  heldRun,
  kind,
  newRun,
  nextCommit,
  nextRecording,
} from './case.ts';

/** All ids of a query, read in pages of two. */
async function listIds(store: Store, query: Omit<ListQuery, 'limit'>): Promise<string[]> {
  const ids: string[] = [];
  let cursor: string | undefined;
  for (let pages = 0; pages < 100; pages++) {
    const page = await store.list({ ...query, limit: 2, ...(cursor !== undefined && { cursor }) });
    ids.push(...page.runs.map(({ id }) => id));
    cursor = page.cursor;
    if (cursor === undefined) break;
  }
  return ids;
}

export const lifeCases = [
  defineCase('gives back labels and parent, which never change', async (store, reopen) => {
    const labels = { tenant: 'acme', '': '', __proto__x: '🚂' };
    await store.create(heldRun({ labels, parent: 'run-0' }));
    await assertCommitted(store.commit('run-1', nextCommit(1, { status: 'done', lease: 'release' })));
    const other = await reopen();
    const { runs } = await other.list({ limit: 1 });
    for (const run of [await other.load('run-1'), runs[0]]) {
      assert.deepEqual({ labels: run?.labels, parent: run?.parent }, { labels, parent: 'run-0' });
    }
    await store.create(newRun({ id: 'outside' }));
    assert.ok(!('parent' in ((await store.load('outside')) ?? {})));
  }),

  defineCase('filters a list by labels, parent and problem, alone and with all else', async (store) => {
    const problem = { code: 'X', message: 'x' };
    const all: Array<NewRun & { readonly stuck: boolean }> = [];
    for (const [a, tenant] of ['acme', 'other'].entries()) {
      for (const [b, tier] of [undefined, 'gold'].entries()) {
        for (const [c, parent] of [undefined, 'p1', 'p2'].entries()) {
          for (const stuck of [false, true]) {
            const n = all.length;
            const run = heldRun({
              id: `run-${String(n).padStart(2, '0')}`,
              createdAt: 1000 + (n % 5),
              workflow: (a + c) % 2 ? 'a' : 'b',
              status: (b + c) % 2 ? 'waiting' : 'running',
              tags: n % 3 ? ['x'] : [],
              labels: { tenant, ...(tier !== undefined && { tier }) },
              ...(parent !== undefined && { parent }),
            });
            all.push({ ...run, stuck });
            await store.create(run);
            const release = { token: 'worker', wakeAt: null, seen: 0 };
            await store.release(run.id, { ...release, ...(stuck && { problem }) });
          }
        }
      }
    }
    all.sort((x, y) => y.createdAt - x.createdAt || (x.id < y.id ? 1 : -1));
    for (const labels of [
      undefined,
      {},
      { tenant: 'acme' },
      { tenant: 'acme', tier: 'gold' },
      { tier: 'none' },
    ]) {
      for (const parent of [undefined, null, 'p1', 'none']) {
        for (const stuck of [undefined, true] as const) {
          for (const rest of [{}, { workflow: 'a' }, { tag: 'x', status: 'waiting' }] as const) {
            const query: Omit<ListQuery, 'limit'> = {
              ...rest,
              ...(labels && { labels }),
              ...(parent !== undefined && { parent }),
              ...(stuck && { stuck }),
            };
            const expected = all.filter(
              (run) =>
                Object.entries(labels ?? {}).every(([name, value]) => run.labels[name] === value) &&
                (parent === undefined || (run.parent ?? null) === parent) &&
                (!stuck || run.stuck) &&
                (!('workflow' in rest) || run.workflow === rest.workflow) &&
                (!('tag' in rest) || (run.tags.includes(rest.tag) && run.status === rest.status)),
            );
            assert.deepEqual(
              await listIds(store, query),
              expected.map(({ id }) => id),
              JSON.stringify(query),
            );
          }
        }
      }
    }
  }),

  defineCase('keeps labels apart that read alike', async (store) => {
    await store.create(newRun({ id: 'a', labels: { a: 'b=c' } }));
    await store.create(newRun({ id: 'b', labels: { 'a=b': 'c' } }));
    await store.create(newRun({ id: 'c', tags: ['a=b=c', 'stuck'], parent: '' }));
    assert.deepEqual(await listIds(store, { labels: { a: 'b=c' } }), ['a']);
    assert.deepEqual(await listIds(store, { labels: { 'a=b': 'c' } }), ['b']);
    assert.deepEqual(await listIds(store, { stuck: true }), []);
    assert.deepEqual(await listIds(store, { parent: '' }), ['c']);
    assert.deepEqual(await listIds(store, { parent: null }), ['b', 'a']);
  }),

  defineCase('brings back a run that has ended, with a commit', async (store) => {
    await store.create(heldRun({ tags: ['t'] }));
    const end = nextCommit(1, { status: 'failed', lease: 'release', tags: ['t'] });
    await assertCommitted(store.commit('run-1', end));
    assert.equal((await store.open()).get(kind) ?? 0, 0);
    assert.equal((await store.ended({ status: 'failed', before: everAfter, limit: 10 })).length, 1);
    const options = { token: 'worker', until: 61_000, now: 3000 };
    assert.equal(typeof (await store.acquire('run-1', options)), 'object');
    await assertNeverDue(store);
    const back = nextCommit(2, { status: 'running', lease: 'keep', tags: ['t'] });
    await assertCommitted(store.commit('run-1', back));
    await assertDueFrom(store, 61_000);
    assert.equal((await store.open()).get(kind), 1);
    assert.deepEqual(await store.ended({ status: 'failed', before: everAfter, limit: 10 }), []);
    assert.deepEqual(await listIds(store, { status: 'failed' }), []);
    assert.deepEqual(await listIds(store, { status: 'running', tag: 't' }), ['run-1']);
    assert.equal((await store.send('run-1', { at: 1500, body: 'a' })).status, 'stored');
    const release = nextCommit(3, {
      status: 'waiting',
      lease: 'release',
      consumed: [1],
      seen: 1,
      wakeAt: 5000,
    });
    assert.equal((await assertCommitted(store.commit('run-1', release))).released, true);
    await assertDueFrom(store, 5000);
  }),

  defineCase(
    'names ended runs longest unchanged first, of one status, before a time',
    async (store, reopen) => {
      const times = [5000, 3000, 4000, 1500];
      for (const at of times) {
        await store.create(heldRun({ id: `at-${at}` }));
        await assertCommitted(
          store.commit(`at-${at}`, nextCommit(1, { status: 'done', lease: 'release', now: at })),
        );
      }
      await store.create(newRun({ id: 'open', wakeAt: null }));
      await store.create(newRun({ id: 'failed', status: 'failed' }));
      const ask = async (before: number, limit = 10, status: 'done' | 'failed' | 'cancelled' = 'done') =>
        (await reopen()).ended({ status, before, limit });
      assert.deepEqual(await ask(5001), ['at-1500', 'at-3000', 'at-4000', 'at-5000']);
      assert.deepEqual(await ask(5000), ['at-1500', 'at-3000', 'at-4000']);
      assert.deepEqual(await ask(everAfter, 2), ['at-1500', 'at-3000']);
      assert.deepEqual(await ask(1000, 10, 'failed'), []);
      assert.deepEqual(await ask(1001, 10, 'failed'), ['failed']);
      assert.deepEqual(await ask(everAfter, 10, 'cancelled'), []);
    },
  ),

  defineCase('deletes a run with all that it had, and leaves nothing behind (I9)', async (store, reopen) => {
    const other = await reopen();
    const rich = { tags: ['t'], labels: { tenant: 'acme' }, parent: 'p' };
    await store.create(newRun({ id: 'neighbour', ...rich }));
    await store.create(heldRun(rich));
    await store.record('run-1', nextRecording({ id: 'first', log: ['x'], journal: { a: '1' } }));
    await store.send('run-1', { at: 1500, body: 'hello', key: 'k' });
    const problem = { code: 'X', message: 'x' };
    await store.release('run-1', { token: 'worker', wakeAt: 1000, seen: 0, problem });
    assert.equal(await other.delete('run-1', { seq: 1 }), 'deleted');
    assert.equal(await store.load('run-1'), undefined);
    assert.deepEqual(await store.history('run-1', 0, 10), []);
    assert.deepEqual(await store.inbox('run-1', 0), []);
    assert.deepEqual(await store.send('run-1', { at: 1500, body: 'late', key: 'k' }), { status: 'missing' });
    assert.equal(await store.acquire('run-1', { token: 'worker', until: 2, now: 1 }), 'missing');
    await assertNeverDue(store);
    assert.equal((await store.open()).get(kind), 1);
    for (const query of [
      {},
      { tag: 't' },
      { labels: rich.labels },
      { parent: 'p' },
      { workflow: 'ticket' },
    ]) {
      assert.deepEqual(await listIds(store, query), ['neighbour']);
    }
    assert.deepEqual(await listIds(store, { stuck: true }), []);
    assert.equal(await store.delete('run-1', { seq: 1 }), 'missing');

    // The id is free for another run, which knows nothing of the first.
    assert.equal(await store.create(heldRun({ log: [] })), 'created');
    assert.deepEqual(await store.history('run-1', 0, 10), []);
    const sent = await store.send('run-1', { at: 1500, body: 'hello', key: 'k' });
    assert.deepEqual(sent, { status: 'stored', messageId: 1, logLength: 0 });
    const acquired = await store.acquire('run-1', { token: 'worker', until: 61_000, now: 2000 });
    assert.ok(typeof acquired === 'object');
    assert.deepEqual(
      { journal: acquired.journal.size, takeovers: acquired.run.takeovers },
      { journal: 0, takeovers: 0 },
    );
    assert.equal(await store.record('run-1', nextRecording({ id: 'first', log: ['y'] })), true);
    assert.deepEqual(await store.history('run-1', 0, 10), ['y']);
  }),

  defineCase('deletes no run that another holds, run out or not', async (store) => {
    await store.create(heldRun({ lease: { token: 'worker', until: 1 } }));
    assert.equal(await store.delete('run-1', { seq: 1 }), 'held');
    assert.equal(await store.delete('run-1', { seq: 1, token: 'other' }), 'held');
    assert.equal(await store.delete('run-1', { seq: 1, token: 'worker' }), 'deleted');
    assert.deepEqual(await store.leases(), []);
    assert.deepEqual(await store.commit('run-1', nextCommit(1)), { status: 'missing' });
    assert.equal(await store.record('run-1', nextRecording()), false);
    const renewed = await store.renew({ token: 'worker', until: 9, runs: [{ id: 'run-1', seen: 0 }] });
    assert.deepEqual(renewed, { lost: ['run-1'], mail: [] });
  }),

  defineCase('deletes no run that its caller has not seen as it is', async (store) => {
    await store.create(heldRun());
    await assertCommitted(store.commit('run-1', nextCommit(1, { status: 'done', lease: 'release' })));
    assert.equal(await store.delete('run-1', { seq: 1 }), 'sequence');
    assert.equal(await store.delete('run-1', { seq: 3 }), 'sequence');
    assert.equal((await store.load('run-1'))?.seq, 2);
    assert.equal(await store.delete('run-1', { seq: 2 }), 'deleted');
    assert.deepEqual(await store.ended({ status: 'done', before: everAfter, limit: 10 }), []);
  }),

  defineCase('deletes a run for one of many that delete it at the same time', async (store, reopen) => {
    await store.create(newRun());
    const stores = [store, await reopen()];
    const results = await Promise.all(
      Array.from({ length: 10 }, (_, n) => (stores[n % 2] ?? store).delete('run-1', { seq: 1 })),
    );
    assert.equal(results.filter((result) => result === 'deleted').length, 1);
    assert.equal(results.filter((result) => result === 'missing').length, 9);
    assert.equal((await store.open()).get(kind) ?? 0, 0);
  }),

  defineCase('tells watchers and inboxes nothing of a run that was deleted before', async (store) => {
    await store.create(newRun());
    await assertStored(store, 'run-1', 'old');
    await store.delete('run-1', { seq: 1 });
    await store.create(heldRun());
    assert.deepEqual(await store.inbox('run-1', 0), []);
    assert.equal(await assertStored(store, 'run-1', 'new'), 1);
  }),
];
