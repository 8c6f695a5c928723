/**
 * The same as every-commit.test.ts, with real processes: each is killed by SIGKILL at the n-th write of its ticket, and
 * the next one finishes it before it starts, and dies over, one of its own.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';

import { readyWorkflows } from '../../machines/index.ts';
import twoProblems from '../../machines/support-ticket/samples/02-two-problems-in-one.json' with { type: 'json' };
import { sqliteStore } from '../../persistence/sqlite/index.ts';
import type { Store } from '../../persistence/store.ts';
import { decode } from '../../src/engine/codec.ts';
import type { HistoryEntry } from '../../src/engine/history.ts';
import { startChild } from '../fixtures/child.ts';

/** Customer L-60, L-120, … were all charged the same, twice. */
function ticketOf(number: number) {
  return { ...twoProblems, id: `killed-${number}`, customer: `L-${60 * (number + 1)}` };
}

it.each(['before', 'after'] as const)(
  'a ticket whose process is killed just %s any of its writes ends as if it had not been',
  async (when) => {
    const folder = mkdtempSync(join(tmpdir(), 'signalbox-every-kill-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const services = await readyWorkflows[0]!.startServices!({ dataFolder: folder });
    onTestFinished(() => services.close());
    vi.stubEnv('SUPPORT_SERVICES_URL', services.url);
    onTestFinished(() => void vi.unstubAllEnvs());
    const store = { kind: 'sqlite', path: join(folder, 'runs.db') };

    const whole = startChild('ticket-life.mjs', { store, ticket: ticketOf(0) });
    const { writes } = (await whole.hears('done')) as { writes: string[] };
    expect(await whole.ended).toMatchObject({ code: 0 });
    expect(writes.length).toBeGreaterThan(15);

    for (const at of writes.keys()) {
      const life = startChild('ticket-life.mjs', {
        store,
        ...(at > 0 && { unfinished: ticketOf(at) }),
        ticket: ticketOf(at + 1),
        at: at + 1,
        when,
      });
      expect(await life.ended, `life ${at + 1}`).toMatchObject({ signal: 'SIGKILL' });
    }
    const last = startChild('ticket-life.mjs', { store, unfinished: ticketOf(writes.length) });
    expect(await last.ended).toMatchObject({ code: 0 });

    const reader = sqliteStore(store.path);
    onTestFinished(() => reader.close());
    const ledger = (await (await fetch(`${services.url}/ledger`)).json()) as Ledger;
    const expected = await endOf(reader, ledger, 0);
    expect(expected).toMatchObject({
      output: { status: 'answered' },
      refunds: [{}],
      mails: [{}, {}],
      outcomes: [{}, {}],
    });
    for (const at of writes.keys()) {
      expect(await endOf(reader, ledger, at + 1), `killed ${when} write ${at + 1} (${writes[at]})`).toEqual(
        expected,
      );
    }
  },
);

type Entry = { readonly key: string; readonly body: { readonly ticketId: string }; readonly answer: object };
type Ledger = Readonly<Record<'refunds' | 'mails' | 'outcomes', readonly Entry[]>>;

/** All that the ticket came to, in words that are the same for each. */
async function endOf(store: Store, ledger: Ledger, number: number): Promise<Record<string, unknown>> {
  const { id, customer } = ticketOf(number);
  const stored = await store.load(id);
  const entries = (await store.history(id, 0, 1_000)).map((text) => decode(text) as HistoryEntry);
  const of = (kind: keyof Ledger): unknown =>
    ledger[kind]
      .filter(({ body }) => body.ticketId === id)
      .map(({ key, body, answer }) => ({ key, body, answer }));
  const { snapshot, ...state } = decode(stored?.state ?? '') as { snapshot: { output: unknown } };
  const end = {
    status: stored?.status,
    output: snapshot.output,
    snapshot,
    state,
    inbox: await store.inbox(id, 0),
    route: entries.flatMap((entry) =>
      entry.type === 'message' ? [`${entry.message.type} ${JSON.stringify(entry.value)}`] : [],
    ),
    refunds: of('refunds'),
    mails: of('mails'),
    outcomes: of('outcomes'),
  };
  const text = JSON.stringify(end)
    .replaceAll(id, '(ticket)')
    .replaceAll(customer, '(customer)')
    .replaceAll(/\b(rf|mail)-\d+/g, '$1-(number)');
  return JSON.parse(text) as Record<string, unknown>;
}
