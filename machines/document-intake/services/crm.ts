/**
 * The CRM: customers with their contracts and account managers, and the register of documents, in SQLite.
 *
 * I1. Of files with the same bytes at most one is registered at a time, and under one id at most one file.
 */
import type { Ledger } from '../../services/ledger.ts';
import { customers, managers } from './records.ts';

export interface CrmQuery {
  readonly customerNumber: string | null;
  readonly name: string | null;
  readonly contracts: readonly string[];
}

export interface CrmCustomer {
  readonly number: string;
  readonly name: string;
  readonly city: string;
  readonly email: string;
  readonly contacts: string[];
  readonly contracts: Array<{ number: string; product: string; cancelledOn: string | null }>;
  readonly manager: { id: string; name: string; email: string };
}

export interface Registered {
  readonly status: 'registered' | 'duplicate' | 'refused';
  readonly of: string | null;
  readonly reason: string | null;
}

export interface Crm {
  /** Those that fit any of what is asked for, in the order of their numbers, the first few of them. A name may have more around it. */
  find(query: CrmQuery): { customers: CrmCustomer[]; total: number };
  /** Whether mail to this account manager is taken; `undefined` if there is none with this id. */
  takesMail(managerId: string): boolean | undefined;
  register(document: { documentId: string; sha256: string; fileName: string }): Registered;
  /** Have the same file taken again under another id. Another file under this id stays as it is. */
  release(document: { documentId: string; sha256: string }): void;
}

const mostFound = 10;

const schema = `
  CREATE TABLE IF NOT EXISTS managers (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL, takes_mail INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS customers (
    number TEXT PRIMARY KEY, name TEXT NOT NULL, name_key TEXT NOT NULL, city TEXT NOT NULL, email TEXT NOT NULL,
    manager TEXT NOT NULL REFERENCES managers
  ) STRICT;
  CREATE TABLE IF NOT EXISTS contacts (
    customer TEXT NOT NULL REFERENCES customers, name TEXT NOT NULL, name_key TEXT NOT NULL,
    PRIMARY KEY (customer, name)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS contracts (
    customer TEXT NOT NULL REFERENCES customers, number TEXT NOT NULL, product TEXT NOT NULL, cancelled_on TEXT,
    PRIMARY KEY (customer, number)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS documents (
    id TEXT PRIMARY KEY, sha256 TEXT NOT NULL UNIQUE, file_name TEXT NOT NULL
  ) STRICT;
`;

export function openCrm({ database, inTransaction }: Ledger): Crm {
  inTransaction(() => {
    database.exec(schema);
    seed();
  });

  const matching = database.prepare(`
    SELECT number FROM customers WHERE upper(number) = upper(?1) OR instr(?2, name_key) > 0
    UNION SELECT customer FROM contacts WHERE instr(?2, name_key) > 0
    UNION SELECT customer FROM contracts WHERE upper(number) IN (SELECT upper(value) FROM json_each(?3))
    ORDER BY 1`);
  const customerOf = database.prepare(`
    SELECT customers.number, customers.name, city, customers.email, managers.id AS manager_id,
           managers.name AS manager_name, managers.email AS manager_email
    FROM customers JOIN managers ON managers.id = manager WHERE number = ?`);
  const contactsOf = database.prepare('SELECT name FROM contacts WHERE customer = ? ORDER BY name');
  const contractsOf = database.prepare(
    'SELECT number, product, cancelled_on FROM contracts WHERE customer = ? ORDER BY number',
  );
  const managerOf = database.prepare('SELECT takes_mail FROM managers WHERE id = ?');
  const documentOf = database.prepare('SELECT sha256 FROM documents WHERE id = ?');
  const documentWith = database.prepare('SELECT id FROM documents WHERE sha256 = ?');
  const insert = database.prepare('INSERT INTO documents (id, sha256, file_name) VALUES (?, ?, ?)');
  const remove = database.prepare('DELETE FROM documents WHERE id = ? AND sha256 = ?');

  function seed(): void {
    const putManager = database.prepare('INSERT OR IGNORE INTO managers VALUES (?, ?, ?, ?)');
    const putCustomer = database.prepare('INSERT OR IGNORE INTO customers VALUES (?, ?, ?, ?, ?, ?)');
    const putContact = database.prepare('INSERT OR IGNORE INTO contacts VALUES (?, ?, ?)');
    const putContract = database.prepare('INSERT OR IGNORE INTO contracts VALUES (?, ?, ?, ?)');
    for (const { id, name, email, left } of managers) putManager.run(id, name, email, left ? 0 : 1);
    for (const { number, name, city, email, contacts, contracts, manager } of customers) {
      putCustomer.run(number, name, nameKey(name), city, email, manager);
      for (const contact of contacts) putContact.run(number, contact, nameKey(contact));
      for (const one of contracts) putContract.run(number, one.number, one.product, one.cancelledOn ?? null);
    }
  }

  function customer(number: string): CrmCustomer {
    const row = customerOf.get(number) as Record<
      'number' | 'name' | 'city' | 'email' | 'manager_id' | 'manager_name' | 'manager_email',
      string
    >;
    const contracts = contractsOf.all(number) as Array<{
      number: string;
      product: string;
      cancelled_on: string | null;
    }>;
    return {
      number: row.number,
      name: row.name,
      city: row.city,
      email: row.email,
      contacts: (contactsOf.all(number) as Array<{ name: string }>).map(({ name }) => name),
      contracts: contracts.map((one) => ({
        number: one.number,
        product: one.product,
        cancelledOn: one.cancelled_on,
      })),
      manager: { id: row.manager_id, name: row.manager_name, email: row.manager_email },
    };
  }

  return {
    find({ customerNumber, name, contracts }) {
      const rows = matching.all(
        customerNumber?.trim() ?? null,
        name === null ? null : nameKey(name),
        JSON.stringify(contracts.map((number) => number.trim())),
      ) as Array<{ number: string }>;
      return { customers: rows.slice(0, mostFound).map((row) => customer(row.number)), total: rows.length };
    },

    takesMail(managerId) {
      const row = managerOf.get(managerId) as { takes_mail: number } | undefined;
      return row && row.takes_mail === 1;
    },

    register({ documentId, sha256, fileName }) {
      return inTransaction((): Registered => {
        const known = documentOf.get(documentId) as { sha256: string } | undefined;
        if (known && known.sha256 !== sha256) {
          const reason = `The id ${documentId} was used for another file.`;
          return { status: 'refused', of: null, reason };
        }
        if (known) return { status: 'registered', of: null, reason: null };
        const same = documentWith.get(sha256) as { id: string } | undefined;
        if (same) return { status: 'duplicate', of: same.id, reason: null };
        insert.run(documentId, sha256, fileName);
        return { status: 'registered', of: null, reason: null };
      });
    },

    release({ documentId, sha256 }) {
      remove.run(documentId, sha256);
    },
  };
}

/** A name as it is looked up: without case, accents and punctuation. */
function nameKey(name: string): string {
  return name
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .toLowerCase()
    .replaceAll('ß', 'ss')
    .replaceAll(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();
}
