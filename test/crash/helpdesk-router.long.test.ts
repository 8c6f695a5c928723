/**
 * The helpdesk router, and processes that are killed by SIGKILL while they work on a request that has everything: an
 * unsure classification, a vote, an incident, a draft that is written again, and a mail.
 *
 * However it is killed, it ends as if it had not been, with one incident and one mail, and pays again for no more than
 * what was under way.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';

import { readyWorkflows } from '../../machines/index.ts';
import { sqliteStore } from '../../persistence/sqlite/index.ts';
import type { Store } from '../../persistence/store.ts';
import { decode } from '../../src/engine/codec.ts';
import type { HistoryEntry } from '../../src/engine/history.ts';
import { exchangesOf } from '../../src/engine/spend.ts';
import { createMessagesServer, type MessagesRequestBody } from '../../src/testing/index.ts';
import { startChild } from '../fixtures/child.ts';

type Kind = 'sort' | 'draft' | 'redraft';
type Entry = { readonly key: string; readonly asked: number; readonly body: object; readonly answer: object };
type Ledger = Readonly<Record<'incidents' | 'mails' | 'reminders', readonly Entry[]>>;

/** What a request asks for if nobody dies: one classification and three ballots, which are asked the same; two drafts. */
const needed: Readonly<Record<Kind, number>> = { sort: 4, draft: 1, redraft: 1 };

function requestOf(number: number) {
  return {
    id: `killed-${number}`,
    from: 'ops@example.org',
    account: 'AC-303',
    subject: 'Down',
    text: `The whole office cannot work since this morning. (killed-${number})`,
  };
}

it('ends the same wherever its process is killed, and pays for nothing twice that is on record', async () => {
  const world = await createWorld();
  const { store } = world;
  const whole = startChild('helpdesk-life.mjs', { store, requests: [requestOf(0)] });
  const { writes } = (await whole.hears('done')) as { writes: string[] };
  expect(await whole.ended).toMatchObject({ code: 0 });
  expect(writes.length).toBeGreaterThan(15);
  expect(world.asked('killed-0')).toEqual(needed);

  // Every second write will do, as every-kill.test.ts has them all.
  const moments = [...writes.keys()].filter((at) => at % 2 === 0);
  for (const at of moments) {
    const request = requestOf(at + 1);
    const when = at % 4 === 0 ? 'before' : 'after';
    const life = startChild('helpdesk-life.mjs', { store, requests: [request], at: at + 1, when });
    expect(await life.ended, `life ${at + 1}`).toMatchObject({ signal: 'SIGKILL' });
    await world.noteDeath(request.id);
  }
  // One process finishes what they have left.
  const left = moments.map((at) => requestOf(at + 1));
  const last = startChild('helpdesk-life.mjs', { store, requests: left });
  expect(await last.ended).toMatchObject({ code: 0 });

  expect(world.unexpected).toEqual([]);
  const expected = await world.endOf('killed-0');
  expect(expected).toMatchObject({
    output: { status: 'answered', route: 'urgent', routedBy: 'vote', votes: { cast: 3 } },
    incidents: [{}],
    mails: [{}],
  });
  for (const at of moments) {
    const where = `killed at write ${at + 1} (${writes[at]})`;
    expect(await world.endOf(`killed-${at + 1}`), where).toEqual(expected);
    expect(world.askedAfterDeath(`killed-${at + 1}`), where).toEqual(world.notOnRecord(`killed-${at + 1}`));
  }
});

it('is killed over each thing that it waits for, in turn, and has each of them once', async () => {
  const world = await createWorld();
  const request = requestOf(0);
  const live = () => startChild('helpdesk-life.mjs', { store: world.store, requests: [request] });
  const deaths: Array<{ over: string; again: Record<Kind, number> }> = [];

  async function killOver(over: string, isReached: () => Promise<boolean>): Promise<void> {
    const before = world.asked(request.id);
    const life = live();
    await vi.waitUntil(isReached);
    life.signal('SIGKILL');
    expect(await life.ended, over).toMatchObject({ signal: 'SIGKILL' });
    const after = world.asked(request.id);
    const again = { ...needed };
    for (const kind of Object.keys(again) as Kind[]) again[kind] = after[kind] - before[kind];
    deaths.push({ over, again });
  }
  const asked = (kind: Kind, times: number) => async () => world.asked(request.id)[kind] === times;
  const made = (kind: keyof Ledger) => async () => (await world.ledger())[kind].length === 1;
  const onRecord = (kind: Kind, times: number) => async () =>
    (await world.recorded(request.id))[kind] === times;

  world.answerNext('sort', ['hang']);
  await killOver('the classification', asked('sort', 1));
  // The classification and one ballot get through; two ballots do not.
  world.answerNext('sort', ['answer', 'answer', 'hang', 'hang']);
  await killOver('the vote', onRecord('sort', 2));
  await world.orderFault('incidents', 'hang-after');
  await killOver('the incident', made('incidents'));
  world.answerNext('draft', ['hang']);
  await killOver('the draft', asked('draft', 1));
  world.answerNext('redraft', ['hang']);
  await killOver('the redraft', asked('redraft', 1));
  await world.orderFault('mails', 'hang-after');
  await killOver('the mail', made('mails'));
  expect(await live().ended).toMatchObject({ code: 0 });

  expect(deaths).toEqual([
    { over: 'the classification', again: { sort: 1, draft: 0, redraft: 0 } },
    { over: 'the vote', again: { sort: 4, draft: 0, redraft: 0 } },
    { over: 'the incident', again: { sort: 2, draft: 0, redraft: 0 } },
    { over: 'the draft', again: { sort: 0, draft: 1, redraft: 0 } },
    { over: 'the redraft', again: { sort: 0, draft: 1, redraft: 1 } },
    { over: 'the mail', again: { sort: 0, draft: 0, redraft: 1 } },
  ]);
  expect(await world.recorded(request.id)).toEqual(needed);
  expect(await world.ledger()).toMatchObject({
    incidents: [{ key: request.id, asked: 2 }],
    mails: [{ key: request.id, asked: 2 }],
  });
  expect(await world.endOf(request.id)).toMatchObject({
    output: { status: 'answered', incident: { status: 'opened' }, mail: { status: 'sent' } },
  });
});

// ---- What the processes find around them ---------------------------------------------------------------------------

async function createWorld() {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-helpdesk-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const ready = readyWorkflows.find(({ workflow }) => workflow.name === 'helpdesk-router');
  const services = await ready!.startServices!({ dataFolder: folder });
  onTestFinished(() => services.close());

  const calls: Array<{ readonly id: string; readonly kind: Kind }> = [];
  const planned: Record<Kind, Array<'answer' | 'hang'>> = { sort: [], draft: [], redraft: [] };
  const server = await createMessagesServer({
    answers: (body) => {
      const call = callOf(body);
      calls.push(call);
      return planned[call.kind].shift() === 'hang' ? { fault: 'hang' } : { json: answers[call.kind] };
    },
  });
  onTestFinished(() => server.close());
  vi.stubEnv('ANTHROPIC_BASE_URL', server.url);
  vi.stubEnv('ANTHROPIC_API_KEY', 'any');
  vi.stubEnv('HELPDESK_SERVICES_URL', services.url);
  onTestFinished(() => void vi.unstubAllEnvs());

  const store = { kind: 'sqlite', path: join(folder, 'runs.db') };
  const reader = sqliteStore(store.path);
  onTestFinished(() => reader.close());

  const asked = (id: string) => counted(calls.filter((call) => call.id === id));
  const ledger = async () => (await (await fetch(`${services.url}/ledger`)).json()) as Ledger;
  async function recorded(id: string): Promise<Record<Kind, number>> {
    const exchanges = (await historyOf(reader, id)).flatMap(exchangesOf);
    return counted(
      exchanges
        .filter(({ kind, response }) => kind === 'model' && response !== undefined)
        .map(({ request }) => callOf(request as MessagesRequestBody)),
    );
  }

  const deaths = new Map<string, { asked: Record<Kind, number>; recorded: Record<Kind, number> }>();
  const difference = (one: Record<Kind, number>, other: Record<Kind, number>): Record<Kind, number> => ({
    sort: one.sort - other.sort,
    draft: one.draft - other.draft,
    redraft: one.redraft - other.redraft,
  });
  const deathOf = (id: string) => deaths.get(id) ?? { asked: needed, recorded: needed };

  return {
    store,
    asked,
    recorded,
    ledger,
    unexpected: server.unexpected,
    answerNext: (kind: Kind, how: Array<'answer' | 'hang'>) => void planned[kind].push(...how),
    async orderFault(target: keyof Ledger, kind: string): Promise<void> {
      const body = JSON.stringify({ target, kind });
      expect((await fetch(`${services.url}/faults`, { method: 'POST', body })).status).toBe(200);
    },
    async noteDeath(id: string): Promise<void> {
      deaths.set(id, { asked: asked(id), recorded: await recorded(id) });
    },
    askedAfterDeath: (id: string) => difference(asked(id), deathOf(id).asked),
    notOnRecord: (id: string) => difference(needed, deathOf(id).recorded),
    endOf: async (id: string) => endOf(reader, await ledger(), id),
  };
}

const answers: Readonly<Record<Kind, object>> = {
  sort: { route: 'urgent', others: ['technical'], quotes: ['The whole office cannot work'] },
  draft: { reply: 'That the whole office cannot work is mended by tomorrow, we guarantee.' },
  redraft: { reply: 'We see that the whole office cannot work: the synchronisation stands still.' },
};

/** Whose request it is about, and what is asked. */
function callOf({ system, messages }: MessagesRequestBody): { id: string; kind: Kind } {
  const prompt = JSON.stringify(messages);
  const id = /\((killed-\d+)\)/.exec(prompt)?.[1] ?? '';
  if (JSON.stringify(system).includes('You sort requests')) return { id, kind: 'sort' };
  return { id, kind: prompt.includes('<last_reply>') ? 'redraft' : 'draft' };
}

function counted(calls: ReadonlyArray<{ readonly kind: Kind }>): Record<Kind, number> {
  const count = (kind: Kind): number => calls.filter((call) => call.kind === kind).length;
  return { sort: count('sort'), draft: count('draft'), redraft: count('redraft') };
}

async function historyOf(store: Store, id: string): Promise<HistoryEntry[]> {
  return (await store.history(id, 0, 1_000)).map((text) => decode(text) as HistoryEntry);
}

/** All that the request came to, in words that are the same for each. */
async function endOf(store: Store, ledger: Ledger, id: string): Promise<Record<string, unknown>> {
  const stored = await store.load(id);
  const { snapshot } = decode(stored?.state ?? '') as { snapshot: { output: unknown } };
  const of = (kind: keyof Ledger): unknown =>
    ledger[kind].filter(({ key }) => key === id).map(({ body, answer }) => ({ body, answer }));
  const end = {
    status: stored?.status,
    output: snapshot.output,
    snapshot,
    route: (await historyOf(store, id)).flatMap((entry) =>
      entry.type === 'message' ? [`${entry.message.type} ${JSON.stringify(entry.value)}`] : [],
    ),
    incidents: of('incidents'),
    mails: of('mails'),
  };
  const text = JSON.stringify(end)
    .replaceAll(id, '(request)')
    .replaceAll(/\b(INC|mail)-\d+/g, '$1-(number)');
  return JSON.parse(text) as Record<string, unknown>;
}
