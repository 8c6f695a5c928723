/** One run that ends or blocks its worker takes down a bounded number of them; all others are done. */
import { randomUUID } from 'node:crypto';
import { inject, describe, expect, it, onTestFinished } from 'vitest';

import { redisStore } from '../../persistence/redis/index.ts';
import type { Store } from '../../persistence/store.ts';
import { createEngine, type Engine } from '../../src/engine/engine.ts';
import { type Child, startChild } from '../fixtures/child.ts';
import { deadlyWorkflows } from '../fixtures/deadly-workflows.mjs';

const maxTakeovers = 2;
const leaseMs = 3_000;
const harmless = ['h1', 'h2', 'h3', 'h4'];

interface World {
  readonly client: Engine;
  /** Start workers one after another, each when the one before has died, until the bad run is parked. */
  workUntilParked(maxStallMs?: number): Promise<Awaited<Child['ended']>[]>;
}

function createWorld(): World {
  const options = { url: inject('redisUrl'), prefix: `bad-run:${randomUUID()}` };
  const store: Store = redisStore(options);
  onTestFinished(() => store.close());
  const client = createEngine({ workflows: deadlyWorkflows, store, work: 'none', onProblem: () => {} });
  onTestFinished(() => client.stop());
  return {
    client,
    async workUntilParked(maxStallMs) {
      const deaths: Awaited<Child['ended']>[] = [];
      for (;;) {
        const worker = startChild('deadly-worker.mjs', {
          store: { kind: 'redis', ...options },
          leaseMs,
          pollMs: 20,
          maxTakeovers,
          ...(maxStallMs === undefined ? {} : { maxStallMs }),
        });
        const died = worker.ended.then((end) => (deaths.push(end), 'died' as const));
        const parked = client
          .run('bad')
          .result()
          .catch((error: { code: string }) => error.code);
        const first = await Promise.race([died, parked]);
        if (first === 'died') continue;
        expect(first).toBe('RUN_STUCK');
        for (const id of harmless) await client.run(id).result();
        worker.signal('SIGKILL');
        return deaths;
      }
    },
  };
}

describe('a run that ends its worker', () => {
  it('is parked after a bounded number of deaths', async () => {
    const world = createWorld();
    const { client } = world;
    await client.start('exit', { id: 'bad' });
    for (const id of harmless) await client.start('harmless', { id });
    const deaths = await world.workUntilParked();
    // The first is no takeover.
    expect(deaths).toHaveLength(maxTakeovers + 1);
    await expect(client.list({ stuck: true })).resolves.toMatchObject({
      runs: [{ id: 'bad', problem: { code: 'RUN_PARKED' } }],
    });
    await expect(client.run('bad').cancel()).resolves.toMatchObject({ status: 'cancelled' });
  });
});

describe('a run that blocks its worker', () => {
  it('has its worker end itself and name it, and is parked then', async () => {
    const world = createWorld();
    const { client } = world;
    await client.start('loop', { id: 'bad' });
    for (const id of harmless) await client.start('harmless', { id });
    const deaths = await world.workUntilParked(2_000);
    expect(deaths).toHaveLength(maxTakeovers + 1);
    for (const { signal, stderr } of deaths) {
      expect(signal).toBe('SIGKILL');
      expect(stderr).toMatch(/event loop has stood still.*bad/);
    }
  });
});
