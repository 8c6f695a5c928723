/** Runs of every kind, left in one process and found again in another, from each store: in exactly the state they were in. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, inject, it, onTestFinished } from 'vitest';

import { startChild } from '../fixtures/child.ts';
import { described } from '../fixtures/described.mjs';
import { runs } from '../fixtures/varied-runs.mjs';

const stores = {
  'memory, through JSON': (folder: string) => ({ kind: 'memory', path: join(folder, 'data.json') }),
  SQLite: (folder: string) => ({ kind: 'sqlite', path: join(folder, 'runs.db') }),
  Redis: () => ({ kind: 'redis', url: inject('redisUrl'), prefix: `restore:${randomUUID()}` }),
};

describe.each(Object.entries(stores))('in a new process, from %s', (_name, storeIn) => {
  it(`finds ${runs.length} runs in exactly the state that they were left in, and goes on with each`, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'signalbox-restore-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const store = storeIn(folder);

    const first = startChild('leave-runs.mjs', { store });
    const { left, problems } = (await first.hears('left')) as {
      left: Record<string, unknown>;
      problems: string[];
    };
    first.signal('SIGKILL');
    await first.ended;
    expect(problems).toEqual([]);
    expect(Object.keys(left)).toHaveLength(runs.length);

    const second = startChild('restore-runs.mjs', { store });
    const { found } = (await second.hears('found')) as { found: Record<string, unknown> };
    for (const { id } of runs) expect(found[id], id).toEqual(left[id]);

    second.tell({ type: 'go on' });
    const gone = (await second.hears('gone on')) as { ends: Record<string, unknown>; problems: string[] };
    expect(gone.problems).toEqual([]);
    for (const run of runs) {
      if ('output' in run) expect(gone.ends[run.id], run.id).toEqual({ output: described(run.output) });
      if (run.value) expect(gone.ends[run.id], run.id).toEqual({ value: described(run.value) });
    }
    expect(gone.ends).toMatchObject({
      'a failed end': { code: 'RUN_FAILED' },
      'a cancelled end': { code: 'RUN_CANCELLED' },
    });
    expect(await second.ended).toMatchObject({ code: 0 });
  });
});

it('told apart are all values that differ in any part', () => {
  const values = [
    0,
    -0,
    NaN,
    '0',
    0n,
    null,
    undefined,
    [undefined],
    Array(1),
    [],
    {},
    { a: undefined },
    new Map(),
    new Set(),
    new Date(0),
  ];
  const errors = [
    new Error('a'),
    new Error('b'),
    new TypeError('a'),
    Object.assign(new Error('a'), { code: 1 }),
    new Error('a', { cause: undefined }),
  ];
  for (const error of errors) error.stack = 'the same';
  const all = [...values, ...errors].map((value) => JSON.stringify(described(value)));
  expect(new Set(all).size).toBe(all.length);
});
