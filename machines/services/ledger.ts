/**
 * The ledger of a service: everything that cannot be taken back, in a SQLite file.
 *
 * I1. Under one key there is at most one entry of a kind; whoever asks again with the same body gets the same answer,
 *     and with another body is refused.
 * I2. An entry is on disk before anyone hears of it.
 * I3. Several processes may have the file open.
 */
import { type Database, openDatabase } from 'signalbox/sqlite';

import type { FaultKind, FaultOrder } from './faults.ts';

export interface Entry {
  readonly key: string;
  /** How often it was asked for; it was made once. */
  readonly asked: number;
  readonly madeAt: string;
  readonly body: Record<string, unknown>;
  readonly answer: Record<string, unknown>;
}

export interface NewEntry {
  readonly body: object;
  /** Is given the entry's number. Throws `Refused`, or gives what is answered from now on. */
  answer(id: number): object;
}

export interface Ledger {
  /** For tables and questions of the service's own. */
  readonly database: Database;
  inTransaction<T>(body: () => T): T;
  /** Make an entry, or give the answer of the one that is there. */
  once(kind: string, key: string, entry: NewEntry): object;
  /** In the order they were made. */
  entries(kind: string): Entry[];
  orderFault(order: FaultOrder): void;
  /** The fault that this call was ordered to meet, if any. Orders outlive the process: one of them kills it. */
  takeFault(target: string, key: string): FaultKind | undefined;
  close(): void;
}

/** Asked for and understood, but not to be done. */
export class Refused extends Error {
  readonly status: 409 | 422;

  constructor(status: 409 | 422, message: string) {
    super(message);
    this.name = 'Refused';
    this.status = status;
  }
}

const schema = `
  CREATE TABLE IF NOT EXISTS entries (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    body TEXT NOT NULL,
    answer TEXT NOT NULL,
    asked INTEGER NOT NULL,
    made_at TEXT NOT NULL,
    UNIQUE (kind, key)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS faults (
    id INTEGER PRIMARY KEY,
    target TEXT NOT NULL,
    kind TEXT NOT NULL,
    key TEXT,
    times INTEGER NOT NULL
  ) STRICT;
`;

export function openLedger(path: string): Ledger {
  const database = openDatabase(path, { timeoutMs: 10_000 });
  database.exec('PRAGMA journal_mode = WAL');
  database.exec('PRAGMA synchronous = FULL');
  inTransaction(() => database.exec(schema));

  const find = database.prepare('SELECT id, body, answer FROM entries WHERE kind = ? AND key = ?');
  const count = database.prepare('UPDATE entries SET asked = asked + 1 WHERE id = ?');
  const insert = database.prepare(
    'INSERT INTO entries (kind, key, body, answer, asked, made_at) VALUES (?, ?, ?, ?, 1, ?)',
  );
  const nextId = database.prepare('SELECT coalesce(max(id), 0) + 1 AS id FROM entries');
  const list = database.prepare(
    'SELECT key, asked, made_at, body, answer FROM entries WHERE kind = ? ORDER BY id',
  );
  const order = database.prepare('INSERT INTO faults (target, kind, key, times) VALUES (?, ?, ?, ?)');
  const nextFault = database.prepare(
    'SELECT id, kind FROM faults WHERE target = ? AND times > 0 AND (key IS NULL OR key = ?) ORDER BY id LIMIT 1',
  );
  const useFault = database.prepare('UPDATE faults SET times = times - 1 WHERE id = ?');

  function inTransaction<T>(body: () => T): T {
    database.exec('BEGIN IMMEDIATE');
    try {
      const result = body();
      database.exec('COMMIT');
      return result;
    } catch (error) {
      database.exec('ROLLBACK');
      throw error;
    }
  }

  return {
    database,
    inTransaction,

    once(kind, key, { body, answer }) {
      return inTransaction(() => {
        const text = JSON.stringify(body);
        const known = find.get(kind, key) as { id: number; body: string; answer: string } | undefined;
        if (known) {
          if (known.body !== text) throw new Refused(422, `The key ${key} was used for something else.`);
          count.run(known.id);
          return JSON.parse(known.answer) as object;
        }
        const { id } = nextId.get() as { id: number };
        const answered = answer(id);
        insert.run(kind, key, text, JSON.stringify(answered), new Date().toISOString());
        return answered;
      });
    },

    entries(kind) {
      const rows = list.all(kind) as Array<{
        key: string;
        asked: number;
        made_at: string;
        body: string;
        answer: string;
      }>;
      return rows.map(({ key, asked, made_at, body, answer }) => ({
        key,
        asked,
        madeAt: made_at,
        body: JSON.parse(body) as Record<string, unknown>,
        answer: JSON.parse(answer) as Record<string, unknown>,
      }));
    },

    orderFault({ target, kind, times, key }) {
      order.run(target, kind, key ?? null, times);
    },

    takeFault(target, key) {
      return inTransaction(() => {
        const fault = nextFault.get(target, key) as { id: number; kind: FaultKind } | undefined;
        if (fault) useFault.run(fault.id);
        return fault?.kind;
      });
    },

    close: () => database.close(),
  };
}
