import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, inject, it } from 'vitest';

import { damageState, removeBehindIndex } from '../test/stores-damaged-sqlite.ts';
import { storeConformance, type OpenStore } from './conformance.ts';
import { createMemoryData, memoryStore } from './memory.ts';
import { redisStore } from './redis/index.ts';
import { sqliteStore } from './sqlite/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'signalbox-conformance-'));
let opened = 0;

afterAll(() => rmSync(folder, { recursive: true }));

const adapters: Readonly<Record<string, OpenStore>> = {
  memory: async () => {
    const data = createMemoryData();
    return { store: memoryStore({ data }), reopen: async () => memoryStore({ data }) };
  },
  sqlite: async () => {
    const path = join(folder, `${++opened}.db`);
    return {
      store: sqliteStore(path),
      reopen: async () => sqliteStore(path),
      damage: async (runId) => damageState(path, runId),
      orphan: async (runId) => removeBehindIndex(path, runId),
    };
  },
  redis: async () => {
    const options = { url: inject('redisUrl'), prefix: `conformance:${randomUUID()}` };
    return { store: redisStore(options), reopen: async () => redisStore(options) };
  },
};

describe.each(Object.entries(adapters))('the %s store', (_name, open) => {
  for (const { name, run } of storeConformance) it(name, () => run(open));
});
