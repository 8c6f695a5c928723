/**
 * The ledger of everything that cannot be taken back, in its own SQLite file.
 *
 * I1. Under one key there is at most one entry of a kind; whoever asks again with the same body gets the same answer,
 *     and with another body is refused.
 * I2. An entry is on disk before anyone hears of it.
 * I3. No customer gets back more than was charged. The check and the entry are one transaction.
 * I4. Several processes may have the file open.
 */
import { openDatabase } from 'signalbox/sqlite';

import { customerOf } from './records.ts';

export type Kind = 'refunds' | 'mails' | 'outcomes';

export interface Entry {
  readonly key: string;
  /** How often it was asked for; it was made once. */
  readonly asked: number;
  readonly madeAt: string;
  readonly body: Record<string, unknown>;
  readonly answer: Record<string, unknown>;
}

export type FaultKind = 'fail' | 'hang' | 'die-after-charging' | 'hang-after-charging';

export interface FaultOrder {
  readonly target: 'refunds' | 'mails';
  readonly kind: FaultKind;
  readonly times: number;
  /** Only calls with this idempotency key. Default: any call. */
  readonly key?: string | undefined;
}

export interface RefundRequest {
  readonly customer: string;
  readonly amount: number;
  readonly currency: string;
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

export type Ledger = ReturnType<typeof openLedger>;

const schema = `
  CREATE TABLE IF NOT EXISTS entries (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    customer TEXT,
    hundredths INTEGER NOT NULL,
    body TEXT NOT NULL,
    answer TEXT NOT NULL,
    asked INTEGER NOT NULL,
    made_at TEXT NOT NULL,
    UNIQUE (kind, key)
  ) STRICT;
  CREATE INDEX IF NOT EXISTS entries_of_customer ON entries (customer) WHERE customer IS NOT NULL;
  CREATE TABLE IF NOT EXISTS faults (
    id INTEGER PRIMARY KEY,
    target TEXT NOT NULL,
    kind TEXT NOT NULL,
    key TEXT,
    times INTEGER NOT NULL
  ) STRICT;
`;

export function openLedger(path: string) {
  const database = openDatabase(path, { timeoutMs: 10_000 });
  database.exec('PRAGMA journal_mode = WAL');
  database.exec('PRAGMA synchronous = FULL');
  inTransaction(() => database.exec(schema));

  const find = database.prepare('SELECT id, body, answer FROM entries WHERE kind = ? AND key = ?');
  const count = database.prepare('UPDATE entries SET asked = asked + 1 WHERE id = ?');
  const insert = database.prepare(
    'INSERT INTO entries (kind, key, customer, hundredths, body, answer, asked, made_at) VALUES (?, ?, ?, ?, ?, ?, 1, ?)',
  );
  const nextId = database.prepare('SELECT coalesce(max(id), 0) + 1 AS id FROM entries');
  const list = database.prepare(
    'SELECT key, asked, made_at, body, answer FROM entries WHERE kind = ? ORDER BY id',
  );
  const refunds = database.prepare(
    "SELECT answer FROM entries WHERE kind = 'refunds' AND customer = ? ORDER BY id",
  );
  const refunded = database.prepare(
    "SELECT coalesce(sum(hundredths), 0) AS total FROM entries WHERE kind = 'refunds' AND customer = ?",
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

  interface New {
    readonly body: object;
    readonly customer?: string;
    readonly hundredths?: number;
    /** Throws `Refused`, or gives what is answered from now on. */
    answer(id: number): object;
  }

  function once(kind: Kind, key: string, { body, customer, hundredths, answer }: New): unknown {
    return inTransaction(() => {
      const text = JSON.stringify(body);
      const known = find.get(kind, key) as { id: number; body: string; answer: string } | undefined;
      if (known) {
        if (known.body !== text) throw new Refused(422, `The key ${key} was used for something else.`);
        count.run(known.id);
        return JSON.parse(known.answer);
      }
      const { id } = nextId.get() as { id: number };
      const answered = answer(id);
      const now = new Date().toISOString();
      insert.run(kind, key, customer ?? null, hundredths ?? 0, text, JSON.stringify(answered), now);
      return answered;
    });
  }

  /** What a customer can still get back, in hundredths. */
  function refundable(customer: string): number {
    const charges = customerOf(customer)?.charges ?? [];
    const charged = charges.reduce((sum, { amount }) => sum + Math.round(amount * 100), 0);
    return charged - (refunded.get(customer) as { total: number }).total;
  }

  return {
    refund(key: string, body: RefundRequest): unknown {
      const { customer, amount, currency } = body;
      const hundredths = Math.round(amount * 100);
      return once('refunds', key, {
        body,
        customer,
        hundredths,
        answer: (id) => {
          const account = customerOf(customer);
          if (!account) throw new Refused(409, `There is no customer ${customer}.`);
          if (account.currency !== currency) {
            throw new Refused(409, `${customer} was charged in ${account.currency}, not in ${currency}.`);
          }
          if (hundredths > refundable(customer)) {
            throw new Refused(409, `${amount} ${currency} is more than ${customer} can get back.`);
          }
          return { status: 'refunded', reference: `rf-${id}`, amount, currency };
        },
      });
    },

    mail(key: string, body: object): unknown {
      return once('mails', key, { body, answer: (id) => ({ status: 'sent', id: `mail-${id}` }) });
    },

    outcome(key: string, body: object): unknown {
      return once('outcomes', key, { body, answer: () => ({ recorded: true }) });
    },

    refundable,

    refundsOf(customer: string): Array<{ reference: string; amount: number }> {
      const rows = refunds.all(customer) as Array<{ answer: string }>;
      return rows.map(({ answer }) => {
        const { reference, amount } = JSON.parse(answer) as { reference: string; amount: number };
        return { reference, amount };
      });
    },

    entries(kind: Kind): Entry[] {
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

    orderFault({ target, kind, times, key }: FaultOrder): void {
      order.run(target, kind, key ?? null, times);
    },

    /** The fault that this call was ordered to meet, if any. Orders outlive the process: one of them kills it. */
    takeFault(target: FaultOrder['target'], key: string): FaultKind | undefined {
      return inTransaction(() => {
        const fault = nextFault.get(target, key) as { id: number; kind: FaultKind } | undefined;
        if (fault) useFault.run(fault.id);
        return fault?.kind;
      });
    },

    close(): void {
      database.close();
    },
  };
}
