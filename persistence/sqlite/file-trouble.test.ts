import { copyFileSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { InvalidOption, StoreForeign, StoreUnavailable } from '../../src/errors.ts';
import { heldRun, newRun, nextRecording } from '../conformance/case.ts';
import type { Store } from '../store.ts';
import { type Cell, openDriver } from './driver.ts';
import { sqliteStore } from './index.ts';

let folder: string;
let path: string;
const opened: Store[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'signalbox-trouble-'));
  path = join(folder, 'runs.db');
});

afterEach(async () => {
  await Promise.all(opened.splice(0).map((store) => store.close()));
  rmSync(folder, { recursive: true });
});

function open(): Store {
  const store = sqliteStore(path, { pollMs: 5 });
  opened.push(store);
  return store;
}

describe('a file that is not where it was', () => {
  it.each([
    ['deleted', '', () => rmSync(path)],
    ['deleted', '-wal', () => rmSync(`${path}-wal`)],
    ['replaced', '', () => (writeFileSync(`${path}.new`, ''), renameSync(`${path}.new`, path))],
  ])('was %s (%s): nothing more is acknowledged, and it is told', async (happened, suffix, change) => {
    const store = open();
    const problems: Error[] = [];
    store.onProblem((problem) => problems.push(problem));
    await store.create(newRun());
    change();
    const file = path + suffix;
    const refused = { code: 'STORE_UNAVAILABLE', details: { path, file, happened } };
    await expect(store.create(newRun({ id: 'late' }))).rejects.toMatchObject(refused);
    expect(problems).toMatchObject([refused]);
  });

  it('is told to those who only listen', async () => {
    const store = open();
    const problems: Error[] = [];
    store.onProblem((problem) => problems.push(problem));
    rmSync(path);
    await vi.waitFor(() => expect(problems).toMatchObject([{ code: 'STORE_UNAVAILABLE' }]), 20_000);
    await expect(store.load('run-1')).rejects.toThrow(StoreUnavailable);
  });

  it('goes on once it is back', async () => {
    const store = open();
    await store.create(newRun());
    renameSync(path, `${path}.away`);
    await expect(store.create(newRun({ id: 'b' }))).rejects.toThrow(StoreUnavailable);
    renameSync(`${path}.away`, path);
    expect(await store.create(newRun({ id: 'c' }))).toBe('created');
  });

  it('is no device, nor below one', () => {
    for (const odd of ['/dev/full', '/dev/null/x.db']) expect(() => sqliteStore(odd)).toThrow(InvalidOption);
  });
});

describe('damaged text', () => {
  const id = 'run-1';
  it.each([
    ['runs', 'value', (store: Store) => store.load(id)],
    ['states', 'state', (store: Store) => store.load(id)],
    ['inputs', 'input', (store: Store) => store.load(id)],
    ['log', 'entry', (store: Store) => store.history(id, 0, 10)],
    ['inbox', 'body', (store: Store) => store.inbox(id, 0)],
    ['inbox', 'key', (store: Store) => store.inbox(id, 0)],
    ['journal', 'value', (store: Store) => store.acquire(id, { token: 'worker', until: 9, now: 1 })],
    ['journal', 'name', (store: Store) => store.acquire(id, { token: 'worker', until: 9, now: 1 })],
  ])('in %s.%s is found by the call that reads it', async (table, column, read) => {
    const store = open();
    await store.create(heldRun());
    await store.send(id, { at: 1, body: 'hello', key: 'k' });
    await store.record(id, nextRecording({ journal: { a: '1' } }));
    await read(store);
    const driver = openDriver(path, 1000);
    driver.exec(`UPDATE ${table} SET ${column} = 'X' || substr(${column}, 2)`);
    driver.close();
    await expect(read(store)).rejects.toMatchObject({ code: 'STORE_FOREIGN', details: { path, run: id } });
  });

  it('is found in every column of a head', async () => {
    const store = open();
    await store.create(heldRun());
    const driver = openDriver(path, 1000);
    const unchecked = new Set(['run', 'id', 'kind', 'sum']);
    const columns = driver
      .prepare('PRAGMA table_info(runs)')
      .all()
      .map((row) => String((row as { name: unknown }).name))
      .filter((column) => !unchecked.has(column));
    expect(columns.length).toBeGreaterThan(15);
    for (const column of columns) {
      const { cell } = driver.prepare(`SELECT ${column} AS cell FROM runs`).get() as { cell: Cell };
      const damaged = typeof cell === 'number' ? cell + 1 : `${String(cell ?? '')}X`;
      driver.prepare(`UPDATE runs SET ${column} = ?`).run(damaged);
      await expect(store.load(id), column).rejects.toThrow(StoreForeign);
      driver.prepare(`UPDATE runs SET ${column} = ?`).run(cell);
    }
    driver.close();
    expect(await store.load(id)).toMatchObject({ id });
  });

  it('and rows that are gone are found', async () => {
    const store = open();
    await store.create(heldRun({ log: ['a', 'b', 'c'] }));
    await store.send(id, { at: 1, body: 'hello' });
    const driver = openDriver(path, 1000);
    driver.exec('DELETE FROM log WHERE n = 1; DELETE FROM inbox');
    driver.close();
    await expect(store.history(id, 0, 10)).rejects.toThrow(StoreForeign);
    await expect(store.inbox(id, 0)).rejects.toThrow(StoreForeign);
    expect(await store.history(id, 2, 1)).toEqual(['c']);
  });

  it('of bits that flip anywhere gives no run that is not what was written', async () => {
    const ids = Array.from({ length: 20 }, (_, n) => `run-${n}`);
    const store = sqliteStore(path);
    for (const each of ids)
      await store.create(heldRun({ id: each, state: each.repeat(60), log: [each.repeat(20)] }));
    const written = new Map<string, unknown>();
    for (const each of ids) written.set(each, [await store.load(each), await store.history(each, 0, 10)]);
    await store.close();
    const sound = readFileSync(path);
    for (let trial = 0; trial < 20; trial++) {
      const bytes = Buffer.from(sound);
      for (let bit = 0; bit < 20; bit++) {
        const at = 4096 + (((trial * 7919 + bit * 104_729) * 31) % (bytes.length - 4096));
        bytes[at] = (bytes[at] ?? 0) ^ (1 << ((trial + bit) % 8));
      }
      path = join(folder, `flipped-${trial}.db`);
      writeFileSync(path, bytes);
      let flipped: Store;
      try {
        flipped = open();
      } catch (error) {
        expect(error).toBeInstanceOf(StoreForeign);
        continue;
      }
      for (const each of ids) {
        try {
          const run = await flipped.load(each);
          if (run) expect([run, await flipped.history(each, 0, 10)]).toEqual(written.get(each));
        } catch (error) {
          if (!(error instanceof StoreForeign)) throw error;
        }
      }
    }
  });
});

it('is opened again after a process that did not close it', async () => {
  const store = open();
  await store.create(newRun());
  const copy = join(folder, 'crashed.db');
  for (const suffix of ['', '-wal']) copyFileSync(path + suffix, copy + suffix);
  path = copy;
  expect(await open().load('run-1')).toMatchObject({ id: 'run-1' });
});
