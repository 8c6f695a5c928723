import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, inject, it, vi } from 'vitest';

import { closeAfterEach, connectClient, openStore } from '../../test/stores-redis-server.ts';
import type { Store } from '../store.ts';

closeAfterEach();

describe('what workers share', () => {
  const allowance = { limit: 100, windowMs: 60_000 };

  /** As many clients as there are workers, some the store's own and some given. */
  function openWorkers(prefix: string, count: number): readonly Store[] {
    return Array.from({ length: count }, (_, n) =>
      openStore(
        n % 2 ? { client: connectClient(inject('redisUrl')), prefix } : { url: inject('redisUrl'), prefix },
      ),
    );
  }

  it('is never taken beyond its limit by many workers at once, whatever is given back meanwhile', async () => {
    const workers = openWorkers(`shared-${randomUUID()}`, 8);
    let held = 0;
    let most = 0;
    let taken = 0;
    await Promise.all(
      workers.map(async ({ shared }, worker) => {
        for (let round = 0; round < 100; round++) {
          const points = 1 + ((worker + round) % 7);
          if ((await shared.take('api', points, allowance)) > 0) continue;
          taken++;
          most = Math.max(most, (held += points));
          if (round % 10 === 9) continue;
          held -= points;
          await shared.giveBack('api', points, allowance);
        }
      }),
    );
    expect(taken).toBeGreaterThan(20);
    expect(most).toBeLessThanOrEqual(100);
    const { shared } = workers[0] ?? expect.unreachable();
    let left = 0;
    while ((await shared.take('api', 1, allowance)) === 0) left++;
    expect(held + left).toBe(100);
  });

  it('is taken once in each window, by one of the workers', async () => {
    const workers = openWorkers(`shared-${randomUUID()}`, 4);
    const brief = { limit: 1, windowMs: 50 };
    const began = performance.now();
    let taken = 0;
    let answered = began;
    await Promise.all(
      workers.map(async ({ shared }) => {
        while (taken < 5) {
          const waitMs = await shared.take('api', 1, brief);
          if (waitMs > 0) await delay(waitMs);
          else [taken, answered] = [taken + 1, performance.now()];
        }
      }),
    );
    // The server tells times to the millisecond.
    expect(answered - began).toBeGreaterThanOrEqual((taken - 1) * 49);
  });

  it('is held by as many as there are slots, in all workers together', async () => {
    const workers = openWorkers(`shared-${randomUUID()}`, 6);
    let held = 0;
    let most = 0;
    await Promise.all(
      workers.map(async ({ shared }, worker) => {
        const slot = { holder: `worker-${worker}`, slots: 2, ttlMs: 60_000 };
        for (let turns = 0; turns < 20;) {
          if (!(await shared.occupy('crm', slot))) continue;
          turns++;
          most = Math.max(most, ++held);
          await delay(0);
          held--;
          await shared.vacate('crm', slot.holder);
        }
      }),
    );
    expect(most).toBe(2);
  });

  it('leaves nothing behind but what stays in the cache', async () => {
    const prefix = `shared-${randomUUID()}`;
    const client = connectClient(inject('redisUrl'));
    const { shared } = openStore({ url: inject('redisUrl'), prefix });
    await shared.take('api', 1, { limit: 1, windowMs: 50 });
    await shared.giveBack('api', 1, { limit: 1, windowMs: 50 });
    await shared.occupy('crm', { holder: 'a', slots: 2, ttlMs: 50 });
    await shared.occupy('crm', { holder: 'b', slots: 2, ttlMs: 20 });
    await shared.cache('brief', 'answer', 50);
    await shared.cache('q', 'answer');
    const expected = [`${prefix}:cache:{q}`, `${prefix}:format`];
    await vi.waitFor(async () => expect((await client.keys(`${prefix}:*`)).toSorted()).toEqual(expected));
  });
});
