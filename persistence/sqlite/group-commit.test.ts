import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { StoreUnavailable } from '../../src/errors.ts';
import { createConnection, type Connection } from './connection.ts';
import { openDriver } from './driver.ts';
import { createGroupCommit } from './group-commit.ts';

let folder: string;
let connection: Connection;
let executed: string[];
let failNext: ((sql: string) => void) | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'signalbox-group-'));
  const path = join(folder, 'group.db');
  executed = [];
  failNext = undefined;
  const real = createConnection(openDriver(path, 100), path);
  connection = {
    ...real,
    run(sql, ...parameters) {
      if (!/^(BEGIN|COMMIT)/.test(sql)) return real.run(sql, ...parameters);
      failNext?.(sql);
      executed.push(sql);
      return real.run(sql);
    },
  };
  connection.exec('CREATE TABLE notes (note TEXT NOT NULL UNIQUE)');
  executed = [];
});

afterEach(() => {
  connection.close();
  rmSync(folder, { recursive: true });
});

function add(note: string): string {
  connection.run('INSERT INTO notes VALUES (?)', note);
  return note;
}

function readNotes(): unknown[] {
  return connection.all('SELECT note FROM notes ORDER BY note').map(({ note }) => note);
}

describe('group commit', () => {
  it('makes one transaction of all that is asked for in one turn, in order', async () => {
    const group = createGroupCommit(connection, 1000, { before() {}, after() {} });
    const notes = Array.from({ length: 20 }, (_, n) => `note ${String(n).padStart(2, '0')}`);
    const order: string[] = [];
    const results = await Promise.all(notes.map((note) => group.write(() => (order.push(note), add(note)))));
    expect(results).toEqual(notes);
    expect(order).toEqual(notes);
    expect(executed).toEqual(['BEGIN IMMEDIATE', 'COMMIT']);
  });

  it('resolves nothing before the commit', async () => {
    const group = createGroupCommit(connection, 1000, { before() {}, after() {} });
    let isCommitted = false;
    failNext = (sql) => (isCommitted = sql === 'COMMIT');
    await Promise.all([
      group.write(() => add('a')).then(() => expect(isCommitted).toBe(true)),
      group.write(() => expect(isCommitted).toBe(false)),
    ]);
  });

  it('undoes a write that throws, and does the others', async () => {
    const group = createGroupCommit(connection, 1000, { before() {}, after() {} });
    const results = await Promise.allSettled([
      group.write(() => add('a')),
      group.write(() => {
        add('half');
        throw new TypeError('a defect');
      }),
      group.write(() => add('b')),
      group.write(() => {
        add('other half');
        connection.run('INSERT INTO notes VALUES (?)', 'a');
      }),
      group.write(() => add('c')),
    ]);
    expect(readNotes()).toEqual(['a', 'b', 'c']);
    expect(results.map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
      'rejected',
      'fulfilled',
    ]);
    expect(results[1]).toMatchObject({ reason: new TypeError('a defect') });
    expect(results[3]).toHaveProperty('reason', expect.any(StoreUnavailable));
  });

  it('fails all of a transaction that cannot be committed, and nothing after it', async () => {
    const group = createGroupCommit(connection, 1000, { before() {}, after() {} });
    failNext = (sql) => {
      if (sql !== 'COMMIT') return;
      failNext = undefined;
      throw Object.assign(new Error('disk I/O error'), { errcode: 10 });
    };
    const results = await Promise.allSettled([group.write(() => add('a')), group.write(() => add('b'))]);
    for (const result of results) expect(result).toHaveProperty('reason', expect.any(StoreUnavailable));
    expect(readNotes()).toEqual([]);
    expect(await group.write(() => add('c'))).toBe('c');
    expect(readNotes()).toEqual(['c']);
  });

  it('loses nothing while the database is busy, and keeps the order', async () => {
    const group = createGroupCommit(connection, 10_000, { before() {}, after() {} });
    let busy = 3;
    failNext = (sql) => {
      if (sql === 'BEGIN IMMEDIATE' && busy-- > 0) throw Object.assign(new Error('locked'), { errcode: 5 });
    };
    const order: string[] = [];
    const first = group.write(() => (order.push('a'), add('a')));
    await new Promise((resolve) => setImmediate(resolve));
    const second = group.write(() => (order.push('b'), add('b')));
    await group.idle();
    expect(await Promise.all([first, second])).toEqual(['a', 'b']);
    expect(order).toEqual(['a', 'b']);
  });
});
