/**
 * Machines and walks made at random: on an engine, and on one that ends after every message, on each store, they go as they do
 * in plain XState.
 *
 *     npm run fuzz [-- --machines 3000] [--seed 1] [--stores memory,sqlite,redis]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, inject, it, vi } from 'vitest';

import { memoryStore } from '../../persistence/memory.ts';
import { redisStore } from '../../persistence/redis/index.ts';
import { sqliteStore } from '../../persistence/sqlite/index.ts';
import type { Store } from '../../persistence/store.ts';
import { ways } from '../support/drive.ts';
import { takeEscaped } from '../support/plain-driver.ts';
import type { Seen } from '../support/seen.ts';
import { engineDriver } from './engine-driver.ts';
import { playOut, type Scenario, scenarios } from './random-machine.ts';

const asked = process.env['SIGNALBOX_FUZZ_MACHINES'];
const seed = Number(process.env['SIGNALBOX_FUZZ_SEED'] ?? Date.now() % 1_000_000);
const wanted = process.env['SIGNALBOX_FUZZ_STORES']?.split(',');

const folder = mkdtempSync(join(tmpdir(), 'signalbox-fuzz-'));
afterAll(() => rmSync(folder, { recursive: true }));

const stores: Record<string, { readonly sample: number; open(): Store }> = {
  memory: { sample: 25, open: () => memoryStore() },
  sqlite: { sample: 10, open: () => sqliteStore(join(folder, 'runs.db')) },
  redis: {
    sample: 10,
    open: () => redisStore({ url: inject('redisUrl'), prefix: `fuzz-${process.pid}-${seed}` }),
  },
};

/** What plain XState makes of it; where a machine throws, XState leaves behind what it had begun, and `advance` does not. */
async function expected({
  machine,
  steps,
  seen,
}: Awaited<ReturnType<typeof playOut>>): Promise<readonly Seen[]> {
  if (seen.at(-1)?.status === 'error') return seen;
  const driver = ways.plain()(machine);
  const plain = [await driver.start(undefined)];
  for (const step of steps) plain.push(await driver.step(step));
  return plain;
}

describe.each(Object.entries(stores).filter(([name]) => wanted?.includes(name) ?? true))(
  'on %s',
  (_, { sample, open }) => {
    it('a machine goes on an engine as in plain XState, also on one that ends after every message', async () => {
      // XState warns of events to actors that have stopped, in its development build.
      vi.spyOn(console, 'warn').mockImplementation(() => {});
      const store = open();
      const compare = async (scenario: Scenario): Promise<void> => {
        // What other tests have let run is none of this machine's.
        takeEscaped();
        const played = await playOut(scenario);
        // A machine that fails at its start is no run.
        if (played.seen[0]?.status === 'error') return;
        const plain = await expected(played);
        for (const isKilled of [false, true]) {
          const driver = engineDriver(played.machine, store, isKilled);
          try {
            for (const [index, seen] of plain.entries()) {
              const step = played.steps[index - 1];
              const found = step ? await driver.step(step) : await driver.start(undefined);
              const after = `${isKilled ? 'an engine for every step' : 'one engine'}, after ${JSON.stringify(step ?? 'the start')}`;
              expect(found, after).toEqual(seen);
            }
            expect(driver.problems).toEqual([]);
          } finally {
            await driver.close();
          }
        }
        expect(takeEscaped()).toEqual([]);
      };
      try {
        await fc.assert(fc.asyncProperty(scenarios, compare), {
          seed,
          numRuns: asked === undefined ? sample : Number(asked),
          // A difference is made small where time is given for it.
          ...(asked === undefined ? { endOnFailure: true } : {}),
        });
      } finally {
        await store.close();
      }
    });
  },
);
