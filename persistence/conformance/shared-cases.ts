/** `shared`: allowances, slots and cached answers. They go by real time, so times here are long or very short. */
import assert from 'node:assert/strict';

import { StoreUnavailable } from '../../src/errors.ts';
import { defineCase, eventually } from './case.ts';

const minute = { limit: 10, windowMs: 60_000 };

export const sharedCases = [
  defineCase('lets an allowance be taken up to its limit, and says how long to wait', async ({ shared }) => {
    assert.equal(await shared.take('api', 6, minute), 0);
    assert.equal(await shared.take('api', 4, minute), 0);
    const waitMs = await shared.take('api', 1, minute);
    assert.ok(waitMs > 0 && waitMs <= 60_000, `got ${waitMs}`);
  }),

  defineCase('takes nothing of an allowance when it refuses', async ({ shared }) => {
    await shared.take('api', 6, minute);
    const waits = await Promise.all([shared.take('api', 5, minute), shared.take('api', 4, minute)]);
    assert.ok((waits[0] ?? 0) > 0);
    assert.equal(waits[1], 0);
    assert.notEqual(await shared.take('api', 1, minute), 0);
  }),

  defineCase('takes points that were given back, and no more than were taken', async ({ shared }) => {
    await shared.giveBack('api', 5, minute);
    await shared.take('api', 10, minute);
    assert.notEqual(await shared.take('api', 1, minute), 0);
    await shared.giveBack('api', 4, minute);
    assert.notEqual(await shared.take('api', 5, minute), 0);
    assert.equal(await shared.take('api', 4, minute), 0);
    await shared.giveBack('api', 1000, minute);
    assert.equal(await shared.take('api', 10, minute), 0);
    assert.notEqual(await shared.take('api', 1, minute), 0);
  }),

  defineCase('takes more than the limit from an untouched allowance only', async ({ shared }) => {
    assert.equal(await shared.take('api', 25, minute), 0);
    assert.notEqual(await shared.take('api', 1, minute), 0);
    await shared.giveBack('api', 16, minute);
    assert.equal(await shared.take('api', 1, minute), 0);
    assert.notEqual(await shared.take('api', 1, minute), 0);
    await shared.take('other', 1, minute);
    assert.notEqual(await shared.take('other', 25, minute), 0);
    await shared.giveBack('other', 1, minute);
    assert.equal(await shared.take('other', 25, minute), 0);
  }),

  defineCase('makes an allowance whole again when its window is over', async ({ shared }) => {
    const brief = { limit: 2, windowMs: 20 };
    for (let windows = 0; windows < 3; windows++) {
      await eventually(async () => (await shared.take('api', 2, brief)) === 0, 'another window begins');
    }
    await eventually(async () => (await shared.take('api', 25, brief)) === 0, 'another window begins');
    await eventually(
      async () => (await shared.take('api', 1, brief)) === 0,
      'a window ends in spite of that',
    );
  }),

  defineCase('keeps keys apart, and the allowances of one key', async ({ shared }) => {
    await shared.take('api', 10, minute);
    for (const key of ['api 2', 'API', 'a{p}i', '', 'ünï🚂\0'])
      assert.equal(await shared.take(key, 10, minute), 0);
    assert.equal(await shared.take('api', 10, { limit: 10, windowMs: 30_000 }), 0);
    assert.equal(await shared.take('api', 11, { limit: 11, windowMs: 60_000 }), 0);
    assert.notEqual(await shared.take('api', 1, minute), 0);
  }),

  defineCase('never lets many that ask at once take more than there is', async ({ shared }) => {
    const waits = await Promise.all(Array.from({ length: 50 }, () => shared.take('api', 1, minute)));
    assert.equal(waits.filter((wait) => wait === 0).length, 10);
  }),

  defineCase('keeps slots occupied until they are vacated', async ({ shared }) => {
    const occupy = (holder: string) => shared.occupy('crm', { holder, slots: 2, ttlMs: 60_000 });
    assert.deepEqual([await occupy('a'), await occupy('b'), await occupy('c')], [true, true, false]);
    assert.equal(await occupy('a'), true);
    await shared.vacate('crm', 'nobody');
    await shared.vacate('no such key', 'a');
    assert.equal(await occupy('c'), false);
    assert.equal(await shared.occupy('erp', { holder: 'c', slots: 1, ttlMs: 60_000 }), true);
    await shared.vacate('crm', 'a');
    assert.equal(await occupy('c'), true);
    assert.equal(await occupy('a'), false);
  }),

  defineCase('never gives out more slots than there are to many that ask at once', async ({ shared }) => {
    const options = { slots: 3, ttlMs: 60_000 };
    const given = await Promise.all(
      Array.from({ length: 30 }, (_, n) => shared.occupy('crm', { ...options, holder: `call-${n}` })),
    );
    assert.equal(given.filter(Boolean).length, 3);
  }),

  defineCase('frees the slot of a holder that died when its time is over', async ({ shared }) => {
    const occupy = (holder: string, ttlMs: number) => shared.occupy('crm', { holder, slots: 1, ttlMs });
    await occupy('dead', 20);
    await eventually(() => occupy('next', 60_000), 'the slot is free');
    assert.equal(await occupy('dead', 20), false);
  }),

  defineCase('begins the time of a slot anew when its holder occupies it again', async ({ shared }) => {
    const occupy = (key: string, holder: string, ttlMs: number) =>
      shared.occupy(key, { holder, slots: 1, ttlMs });
    await occupy('crm', 'alive', 20);
    await occupy('crm', 'alive', 60_000);
    await occupy('erp', 'dead', 20);
    await eventually(() => occupy('erp', 'next', 60_000), 'the first times are over');
    assert.equal(await occupy('crm', 'next', 60_000), false);
  }),

  defineCase('caches an answer until its time is over, or it is replaced', async ({ shared }) => {
    assert.equal(await shared.cached('q'), undefined);
    await shared.cache('q', 'one', 20);
    await shared.cache('q', 'two');
    await shared.cache('brief', 'gone', 20);
    await shared.cache('long', 'there', 60_000);
    assert.equal(await shared.cached('q'), 'two');
    assert.equal(await shared.cached('long'), 'there');
    await eventually(async () => (await shared.cached('brief')) === undefined, 'its time is over');
    assert.equal(await shared.cached('q'), 'two');
    assert.equal(await shared.cached('long'), 'there');
  }),

  defineCase('caches answers of any text for other connections', async ({ shared }, reopen) => {
    const other = await reopen();
    for (const text of ['', 'one\0two 🚂', 'x'.repeat(200_000)]) {
      await shared.cache('q\0', text);
      assert.equal(await other.shared.cached('q\0'), text);
    }
  }),

  defineCase('shares nothing more once it is closed', async (store, reopen) => {
    const other = await reopen();
    const { shared } = other;
    await shared.cache('q', 'one');
    await other.close();
    await assert.rejects(shared.take('api', 1, minute), StoreUnavailable);
    await assert.rejects(shared.giveBack('api', 1, minute), StoreUnavailable);
    await assert.rejects(shared.occupy('crm', { holder: 'a', slots: 1, ttlMs: 1000 }), StoreUnavailable);
    await assert.rejects(shared.vacate('crm', 'a'), StoreUnavailable);
    await assert.rejects(shared.cached('q'), StoreUnavailable);
    await assert.rejects(shared.cache('q', 'two'), StoreUnavailable);
    assert.equal(await store.shared.cached('q'), 'one');
  }),
];
