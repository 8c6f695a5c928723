import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';

import { InvalidOption, StoreForeign, StoreUnavailable } from '../../src/errors.ts';
import { heldRun, newRun, nextCommit } from '../conformance/case.ts';
import type { Store } from '../store.ts';
import { openDriver, type Driver } from './driver.ts';
import { sqliteStore, type SqliteStoreOptions } from './index.ts';

const root = mkdtempSync(join(tmpdir(), 'signalbox-sqlite-'));
const opened: Store[] = [];
let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(root, 'case-'));
  path = join(folder, 'runs.db');
});

afterEach(async () => {
  await Promise.all(opened.splice(0).map((store) => store.close()));
});

afterAll(() => rmSync(root, { recursive: true }));

function open(options?: SqliteStoreOptions): Store {
  const store = sqliteStore(path, options);
  opened.push(store);
  return store;
}

async function writeStore(runs = 1): Promise<void> {
  const store = sqliteStore(path);
  await Promise.all(
    Array.from({ length: runs }, (_, n) =>
      store.create(newRun({ id: `run-${n + 1}`, state: 's'.repeat(2000) })),
    ),
  );
  await store.close();
}

function writeForeign(mode: string): void {
  const driver = openDriver(path, 1000);
  driver.exec(
    `PRAGMA journal_mode = ${mode}; CREATE TABLE runs (mine); INSERT INTO runs VALUES ('precious')`,
  );
  driver.close();
}

function patchHeader(at: number, value: number): void {
  const bytes = readFileSync(path);
  bytes.writeUInt32BE(value, at);
  writeFileSync(path, bytes);
}

describe('a file', () => {
  it.each([
    ['text', 'not an SQLite database', async () => writeFileSync(path, 'hello\n'.repeat(1000))],
    ['a few bytes', 'not an SQLite database', async () => writeFileSync(path, 'SQLite')],
    ['a database of another program', 'another program', async () => writeForeign('DELETE')],
    ["another program's in write-ahead mode", 'another program', async () => writeForeign('WAL')],
    [
      'a store of a later format',
      'Update Signalbox',
      async () => {
        await writeStore();
        patchHeader(60, 3);
      },
    ],
    [
      'a store that was cut off',
      'damaged',
      async () => {
        await writeStore(100);
        truncateSync(path, 8192);
      },
    ],
  ])('of %s is refused when it is opened, and left as it was', async (_what, reason, write) => {
    await write();
    // Away from what SQLite may have left beside it.
    const alone = join(mkdtempSync(join(root, 'alone-')), 'runs.db');
    copyFileSync(path, alone);
    path = alone;
    const before = readFileSync(path);
    expect(() => open()).toThrow(StoreForeign);
    expect(() => open()).toThrow(reason);
    expect(() => open()).toThrow(path);
    expect(readFileSync(path).equals(before)).toBe(true);
    const left = readdirSync(dirname(path));
    expect(left.filter((file) => reason !== 'damaged' || file === 'runs.db')).toEqual(['runs.db']);
  });

  it('that is damaged inside is refused by the calls that come upon it', async () => {
    await writeStore(200);
    const bytes = readFileSync(path);
    const page = Math.floor(bytes.lastIndexOf('ssss') / 4096) * 4096;
    writeFileSync(path, bytes.fill(0xff, page, page + 16));
    const store = open();
    const ids = Array.from({ length: 200 }, (_, n) => `run-${n + 1}`);
    const results = await Promise.allSettled(ids.map((id) => store.load(id)));
    const errors: unknown[] = results.flatMap((result) =>
      result.status === 'rejected' ? [result.reason] : [],
    );
    expect(errors.length).toBeGreaterThan(0);
    for (const error of errors) expect(error).toBeInstanceOf(StoreForeign);
  });

  it('of size 0 is a new store', async () => {
    writeFileSync(path, '');
    expect(await open().create(newRun())).toBe('created');
  });

  it('is found again under the same path', async () => {
    await writeStore();
    expect(await open().load('run-1')).toMatchObject({ id: 'run-1' });
  });

  it('keeps cached answers, and drops those whose time is over when others come', async () => {
    const before = open();
    await before.shared.cache('stays', 'answer');
    await before.shared.cache('long', 'answer', 60_000);
    await Promise.all(Array.from({ length: 150 }, (_, n) => before.shared.cache(`brief-${n}`, 'answer', 1)));
    await before.close();
    const { shared } = open();
    expect(await shared.cached('stays')).toBe('answer');
    expect(await shared.cached('long')).toBe('answer');
    const driver = openDriver(path, 1000);
    const keys = () => driver.prepare("SELECT key FROM cache WHERE key LIKE 'brief%'").all();
    await vi.waitFor(async () => {
      await shared.cache('another', 'answer');
      expect(keys()).toEqual([]);
    });
    driver.close();
    expect(await shared.cached('long')).toBe('answer');
  });

  it('has everything in it once it is closed', async () => {
    await writeStore(20);
    const copy = join(folder, 'copy.db');
    copyFileSync(path, copy);
    path = copy;
    expect(await open().load('run-20')).toMatchObject({ id: 'run-20' });
  });

  it('is not made in a folder that does not exist', () => {
    path = join(folder, 'none', 'runs.db');
    expect(() => open()).toThrow(InvalidOption);
    expect(() => open()).toThrow(join(folder, 'none'));
    expect(existsSync(join(folder, 'none'))).toBe(false);
  });

  it('is not a folder, memory or nothing', () => {
    mkdirSync(path);
    for (const given of [path, ':memory:', '']) expect(() => sqliteStore(given)).toThrow(InvalidOption);
  });

  it('is asked for with sound options', () => {
    expect(() => open({ pollMs: 0 })).toThrow('Expected `pollMs`');
    expect(() => open({ patienceMs: NaN })).toThrow('Expected `patienceMs`');
  });
});

describe('a file that another process is writing to', () => {
  let other: Driver;

  beforeEach(async () => {
    await writeStore();
    other = openDriver(path, 1000);
    other.exec('BEGIN IMMEDIATE');
  });

  afterEach(() => other.close());

  it('is waited for without stopping the event loop', async () => {
    const store = open();
    let isDone = false;
    const created = Promise.all([store.create(newRun({ id: 'a' })), store.create(newRun({ id: 'b' }))]);
    void created.then(() => (isDone = true));
    let longest = 0;
    for (let turn = 0, last = performance.now(); turn < 40; turn++) {
      await delay(1);
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
    }
    // A loop that stands still does so for `patienceMs`, which is 30 seconds.
    expect(longest).toBeLessThan(10_000);
    expect(isDone).toBe(false);
    expect(await store.load('run-1')).toMatchObject({ id: 'run-1' });
    other.exec('COMMIT');
    expect(await created).toEqual(['created', 'created']);
    expect(await store.load('b')).toMatchObject({ id: 'b' });
  });

  it('is given up on after the time that was allowed, with nothing written', async () => {
    const store = open({ patienceMs: 50 });
    await expect(store.create(newRun({ id: 'late' }))).rejects.toThrow(StoreUnavailable);
    other.exec('COMMIT');
    expect(await store.load('late')).toBeUndefined();
    expect(await store.create(newRun({ id: 'late' }))).toBe('created');
  });

  it('is closed after what was asked for has been written', async () => {
    const store = open();
    const created = store.create(newRun({ id: 'last' }));
    const closed = store.close();
    other.exec('COMMIT');
    await closed;
    expect(await created).toBe('created');
    expect(await open().load('last')).toMatchObject({ id: 'last' });
  });
});

describe('several processes on one file', () => {
  const built = new URL('../../dist/persistence/sqlite/index.js', import.meta.url);

  beforeAll(() => {
    if (!existsSync(built)) throw new Error('Expected the project to be built: run `npm run build` first.');
  });

  /** Commits to every run, whatever its place, and prints each commit that was acknowledged. */
  const hammer = `
    const [path, name, count] = process.argv.slice(1);
    const { sqliteStore } = await import(${JSON.stringify(built.href)});
    const store = sqliteStore(path);
    await Promise.all(['run-1', 'run-2', 'run-3', 'run-4'].map(async (id) => {
      for (let won = 0; won < Number(count); ) {
        const { seq } = await store.load(id);
        const result = await store.commit(id, {
          token: 'worker', seq, now: 2000, state: name, status: 'running', value: '', tags: [], log: [name + ' ' + seq],
          consumed: [], freeKeys: [], forget: [], seen: 0, lease: 'keep', wakeAt: null,
        });
        if (result.status !== 'committed') continue;
        won++;
        process.stdout.write(id + ' ' + name + ' ' + seq + '\\n');
      }
    }));
    await store.close();
  `;

  async function createRuns(): Promise<Store> {
    const store = open();
    for (const id of ['run-1', 'run-2', 'run-3', 'run-4']) await store.create(heldRun({ id, log: [] }));
    return store;
  }

  function run(name: string, count: number) {
    const child = spawn(process.execPath, [
      '--input-type=module',
      '-e',
      hammer,
      '--',
      path,
      name,
      String(count),
    ]);
    const output = { acknowledged: '', errors: '' };
    child.stdout.on('data', (data) => (output.acknowledged += String(data)));
    child.stderr.on('data', (data) => (output.errors += String(data)));
    return { child, output, closed: once(child, 'close') };
  }

  it('each win their commits, and none is lost or applied twice', async () => {
    const store = await createRuns();
    const children = ['a', 'b', 'c'].map((name) => run(name, 100));
    for (const { closed, output } of children) {
      const [exitCode] = (await closed) as [number];
      expect({ exitCode, errors: output.errors }).toEqual({ exitCode: 0, errors: expect.any(String) });
    }
    const acknowledged = children.flatMap(({ output }) => output.acknowledged.trim().split('\n'));
    expect(acknowledged).toHaveLength(3 * 4 * 100);
    for (const id of ['run-1', 'run-2', 'run-3', 'run-4']) {
      expect((await store.load(id))?.seq).toBe(301);
      const log = await store.history(id, 0, 1000);
      expect(log.map((entry) => Number(entry.split(' ')[1]))).toEqual(
        Array.from({ length: 300 }, (_, n) => n + 1),
      );
      const expected = acknowledged
        .filter((line) => line.startsWith(id))
        .map((line) => line.slice(id.length + 1));
      expect(log.toSorted()).toEqual(expected.toSorted());
    }
  });

  it('lose nothing that was acknowledged when one is killed', async () => {
    const store = await createRuns();
    const { child, output, closed } = run('a', 1_000_000);
    while (output.acknowledged.length < 20_000) await delay(1);
    child.kill('SIGKILL');
    await closed;
    const lines = output.acknowledged.slice(0, output.acknowledged.lastIndexOf('\n')).split('\n');
    for (const id of ['run-1', 'run-2', 'run-3', 'run-4']) {
      const log = new Set(await store.history(id, 0, 1_000_000));
      const own = lines.filter((line) => line.startsWith(id)).map((line) => line.slice(id.length + 1));
      expect(own.filter((entry) => !log.has(entry))).toEqual([]);
      const seq = (await store.load(id))?.seq ?? 0;
      expect(seq).toBe(log.size + 1);
      expect(await store.commit(id, nextCommit(seq))).toMatchObject({ status: 'committed' });
    }
  });

  it('may open a new file at the same time', async () => {
    const children = Array.from({ length: 4 }, () =>
      spawn(process.execPath, [
        '--input-type=module',
        '-e',
        `const { sqliteStore } = await import(${JSON.stringify(built.href)});
         await sqliteStore(process.argv[1]).close();`,
        '--',
        path,
      ]),
    );
    expect(await Promise.all(children.map((child) => once(child, 'close')))).toEqual(
      children.map(() => [0, null]),
    );
    expect(await open().create(newRun())).toBe('created');
  });
});
