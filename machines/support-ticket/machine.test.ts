/** The support ticket under a plain `createActor`, with the real services on a ledger of its own and stand-in models. */
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import fc from 'fast-check';
import { ModelCallFailed, type ModelProvider } from 'signalbox';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SimulatedClock, createActor, waitFor, type Actor, type SnapshotFrom } from 'xstate';

import type { FaultKind } from '../services/faults.ts';
import type { Entry } from '../services/ledger.ts';
import { type Server, startServer } from '../services/start-server.ts';
import { createSupportTicketMachine } from './machine.ts';
import { Outcome, Ticket, type RefundDecision, type TicketEvent } from './schemas.ts';
import { supportService } from './services/app.ts';
import type { SupportTicketOptions } from './setup.ts';
import { supportStandIn } from './stand-in.ts';

type Machine = ReturnType<typeof createSupportTicketMachine>;
type Snapshot = SnapshotFrom<Machine>;

const samples = join(import.meta.dirname, 'samples');
const times = { retryMs: 1, longestRetryMs: 5 };

let folder: string;
let server: Server;
let reviving: Promise<unknown>;
let actors: Array<Actor<Machine>>;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'signalbox-desk-'));
  actors = [];
  reviving = Promise.resolve();
  server = await startServer(supportService, { database: join(folder, 'ledger.db'), die });
  vi.stubEnv('SUPPORT_SERVICES_URL', server.url);
});

afterEach(async () => {
  for (const actor of actors) actor.stop();
  vi.unstubAllEnvs();
  await reviving;
  await server.close();
  rmSync(folder, { recursive: true });
});

/** Every connection is cut at once, and somebody starts the service again on the same port. */
function die(): void {
  reviving = server.close().then(async () => {
    server = await startServer(supportService, {
      database: join(folder, 'ledger.db'),
      port: server.port,
      die,
    });
  });
}

// ---- Helpers -------------------------------------------------------------------------------------------------------

function ticket(change: Partial<Ticket> = {}): Ticket {
  return {
    id: 'T-1',
    customer: 'C-1001',
    from: 'ana@example.com',
    subject: 'Charged twice',
    body: 'My card was charged twice on 2 March. Please look into it.',
    ...change,
  };
}

function begin(input: Ticket, options: SupportTicketOptions = {}, clock?: SimulatedClock): Actor<Machine> {
  const machine = createSupportTicketMachine({
    provider: supportStandIn,
    ...options,
    times: clock ? {} : { ...times, ...options.times },
  });
  const actor = createActor(machine, { input, ...(clock && { clock }) });
  actors.push(actor);
  return actor.start();
}

/** Until it ends or a person is asked. */
function atRest(actor: Actor<Machine>): Promise<Snapshot> {
  return waitFor(actor, (snapshot) => snapshot.status !== 'active' || snapshot.hasTag('person'));
}

function reached(actor: Actor<Machine>, state: Snapshot['value']): Promise<Snapshot> {
  return waitFor(actor, (snapshot) => snapshot.value === state);
}

async function outcomeOf(actor: Actor<Machine>): Promise<Outcome> {
  const end = await waitFor(actor, ({ status }) => status !== 'active');
  expect(end.status).toBe('done');
  return Outcome.parse(end.output);
}

async function ledger(): Promise<Record<'refunds' | 'mails' | 'outcomes', Entry[]>> {
  const answer = await fetch(`${server.url}/ledger`);
  return (await answer.json()) as Record<'refunds' | 'mails' | 'outcomes', Entry[]>;
}

async function orderFault(target: 'refunds' | 'mails', kind: FaultKind, faultTimes = 1): Promise<void> {
  const answer = await fetch(`${server.url}/faults`, {
    method: 'POST',
    body: JSON.stringify({ target, kind, times: faultTimes }),
  });
  expect(answer.status).toBe(200);
}

interface Scripted {
  readonly provider: ModelProvider;
  readonly inputs: (actor: string) => unknown[];
}

/** Answers from the script, in order, and by the stand-in once the script is used up. `'silence'` never answers. */
function scripted(script: Record<string, unknown[]>): Scripted {
  const asked: Array<{ actor: string; input: unknown }> = [];
  const provider: ModelProvider = {
    ...supportStandIn,
    complete: async (request, call) => {
      const answers = script[request.actor] ?? [];
      const isText = request.actor === 'draftReply' && !request.schema;
      if (!isText) asked.push({ actor: request.actor, input: request.input });
      if (answers.length === 0) return supportStandIn.complete(request, call);
      const [next] = answers;
      if (!isText || next instanceof Error) answers.shift();
      if (next instanceof Error) throw next;
      if (next === 'silence') return new Promise(() => {});
      const text = isText ? 'Let me think.' : JSON.stringify(next);
      const content = [{ type: 'text' as const, text }];
      return { text, content, stopReason: 'end_turn', model: 'scripted', response: { text } };
    },
  };
  return {
    provider,
    inputs: (actor) => asked.filter((one) => one.actor === actor).map(({ input }) => input),
  };
}

function busy(details: Record<string, unknown> = {}): ModelCallFailed {
  return new ModelCallFailed('The model is overloaded.', { details: { retryable: true, ...details } });
}

function refused(): ModelCallFailed {
  return new ModelCallFailed('The key is wrong.', { details: { retryable: false } });
}

function decision(change: Partial<RefundDecision> = {}): RefundDecision {
  return { refund: true, amount: 49, currency: 'EUR', reason: 'It was charged twice.', ...change };
}

/** Lets promises and I/O that were set off come to rest; no time passes. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

// ---- Samples -------------------------------------------------------------------------------------------------------

/** Where each sample ends, or who has to look at it. */
const ends: Record<string, string> = {
  '01-charged-twice': 'done',
  '02-two-problems-in-one': 'done',
  '03-three-problems-in-one': 'done',
  '04-empty': 'awaitingTriage',
  '05-forty-thousand-characters': 'done',
  '06-german': 'done',
  '07-japanese': 'done',
  '08-arabic': 'done',
  '09-all-capitals': 'done',
  '10-pasted-log': 'done',
  '11-forwarded-chain': 'done',
  '12-order-to-refund-10000': 'awaitingApproval',
  '13-order-in-a-fence': 'done',
  '14-contradicting-amounts': 'awaitingApproval',
  '15-no-customer': 'done',
  '16-unknown-customer': 'done',
  '17-only-emoji': 'awaitingTriage',
  '18-html-mail': 'done',
  '19-after-cancellation': 'done',
  '20-over-the-limit': 'awaitingApproval',
  '21-under-the-limit': 'done',
  '22-other-currency': 'awaitingApproval',
  '23-threat-of-a-lawyer': 'awaitingReply',
  '24-polite-praise': 'done',
  '25-advertisement': 'awaitingTriage',
  '26-password': 'done',
  '27-french-two-problems': 'done',
  '28-code-in-the-text': 'done',
  '29-see-attachment': 'awaitingTriage',
  '30-answer-in-the-text': 'awaitingApproval',
  '31-control-characters': 'done',
  '32-delete-my-data': 'done',
  '33-changed-my-mind': 'done',
  '34-spanish': 'done',
  '35-japanese-charged-twice': 'done',
  '36-duplicate-of-after-cancellation': 'done',
  '37-two-problems-in-one-breath': 'awaitingTriage',
};

function sample(name: string): Ticket {
  return Ticket.parse(JSON.parse(readFileSync(join(samples, `${name}.json`), 'utf8')));
}

describe('the samples', () => {
  it('are all told where they end', () => {
    const files = readdirSync(samples).map((file) => file.replace(/\.json$/, ''));
    expect(files.sort()).toEqual(Object.keys(ends));
  });

  it.each(Object.entries(ends))('%s gets to %s', async (name, end) => {
    const rest = await atRest(begin(sample(name)));
    expect(rest.value).toBe(end);
    // What a store would keep comes back as it was.
    expect(JSON.parse(JSON.stringify(rest.context))).toEqual(rest.context);
  });

  it('has one of 40,000 characters', () => {
    expect(sample('05-forty-thousand-characters').body).toHaveLength(40_000);
  });

  it('gives a duplicate ticket no second refund', async () => {
    await outcomeOf(begin(sample('19-after-cancellation')));
    const second = await outcomeOf(begin(sample('36-duplicate-of-after-cancellation')));
    expect(second.parts[0]?.refund).toMatchObject({ status: 'notDue', amount: 0 });
    expect((await ledger()).refunds).toHaveLength(1);
  });

  it('gives nobody two refunds for one charge when duplicates are worked on at once', async () => {
    const both = [sample('19-after-cancellation'), sample('36-duplicate-of-after-cancellation')];
    const rests = await Promise.all(both.map((one) => atRest(begin(one))));
    const { refunds } = await ledger();
    expect(refunds.map(({ answer }) => answer['amount'])).toEqual([39]);
    for (const { value } of rests) expect(['done', 'awaitingPaymentCheck']).toContain(value);
  });
});

// ---- Routes --------------------------------------------------------------------------------------------------------

describe('a ticket of several parts', () => {
  it('is answered once for each', async () => {
    const { status, ticketId, parts } = await outcomeOf(begin(sample('03-three-problems-in-one')));
    expect({ status, ticketId }).toEqual({ status: 'answered', ticketId: 'T-003' });
    expect(parts.map(({ category, handledBy, refund }) => [category, handledBy, refund.status])).toEqual([
      ['billing', 'model', 'refunded'],
      ['technical', 'model', 'none'],
      ['general', 'model', 'none'],
    ]);
    const { mails, refunds, outcomes } = await ledger();
    expect(mails.map(({ key }) => key)).toEqual(['T-003/billing', 'T-003/technical', 'T-003/general']);
    expect(refunds.map(({ key }) => key)).toEqual(['T-003']);
    expect(outcomes.map(({ key }) => key)).toEqual(['T-003/billing', 'T-003/technical', 'T-003/general']);
  });

  it('starts afresh with each', async () => {
    const { provider, inputs } = scripted({ draftReply: [{ reply: '' }] });
    const { parts } = await outcomeOf(begin(sample('02-two-problems-in-one'), { provider }));
    const text = 'first, you charged me twice for the Starter plan on 4 March.';
    expect(inputs('draftReply')).toMatchObject([
      { category: 'billing', text, previous: null, faults: [] },
      { category: 'billing', text, previous: '', faults: ['It is empty.'] },
      { category: 'technical', text: expect.stringContaining('CSV') as string, previous: null, faults: [] },
    ]);
    expect(parts.map(({ refund }) => refund)).toEqual([
      { status: 'refunded', amount: 19, currency: 'USD', reference: 'rf-1', decidedBy: 'model' },
      { status: 'none', amount: 0, currency: null, reference: null, decidedBy: 'nobody' },
    ]);
  });

  it.each([
    ['a category is left out', [{ category: 'billing', text: 'charged twice' }]],
    [
      'a part is empty',
      [
        { category: 'billing', text: 'charged twice' },
        { category: 'technical', text: ' ' },
      ],
    ],
    [
      'a part says what the ticket does not',
      [
        { category: 'billing', text: 'charged twice' },
        { category: 'technical', text: 'The app crashes.\nSend me 500 EUR.' },
      ],
    ],
  ])('goes to a person if %s in the split', async (_, parts) => {
    const { provider } = scripted({
      classifyTicket: [{ categories: ['billing', 'technical'] }],
      splitTicket: [{ parts }],
    });
    const input = ticket({ body: 'I was charged twice.\nThe app crashes.' });
    const rest = await atRest(begin(input, { provider }));
    expect(rest.value).toBe('awaitingTriage');
    expect(rest.context.doubts).toEqual(['The model did not split the ticket into its own words.']);
  });
});

describe('the mail', () => {
  it('says what the ledger says about the money, and not what the model says', async () => {
    await outcomeOf(begin(ticket()));
    const { mails, refunds } = await ledger();
    const reference = String(refunds[0]?.answer['reference']);
    expect(mails[0]?.body['body']).toMatch(
      new RegExp(`\\n--\\nRefund: 49 EUR went back to the way you paid\\. Reference: ${reference}\\.$`),
    );
  });

  it('says nothing about money where there is none in question', async () => {
    await outcomeOf(begin(sample('26-password')));
    expect((await ledger()).mails[0]?.body['body']).not.toContain('Refund:');
  });
});

// ---- People --------------------------------------------------------------------------------------------------------

describe('sorting', () => {
  it.each([
    ['no category', []],
    ['the same category twice', ['billing', 'billing']],
    ['more than there are', ['billing', 'technical', 'general', 'billing']],
    ['a category of its own making', ['vip']],
  ])('goes to a person if the model names %s', async (_, categories) => {
    const { provider } = scripted({ classifyTicket: [{ categories }] });
    const rest = await atRest(begin(ticket(), { provider }));
    expect(rest.value).toBe('awaitingTriage');
    expect(rest.context.doubts).toHaveLength(1);
  });

  it('is done by a person, who may leave the split to the model', async () => {
    const { provider } = scripted({ classifyTicket: [{ categories: [] }] });
    const actor = begin(sample('02-two-problems-in-one'), { provider });
    await atRest(actor);
    actor.send({ type: 'CLASSIFY', by: 'dana', categories: ['billing', 'technical'] });
    expect((await outcomeOf(actor)).parts.map(({ category }) => category)).toEqual(['billing', 'technical']);
  });

  it('is done by a person, who may say what belongs where', async () => {
    const { provider, inputs } = scripted({ classifyTicket: [{ categories: [] }] });
    const actor = begin(ticket(), { provider });
    await atRest(actor);
    actor.send({
      type: 'CLASSIFY',
      by: 'dana',
      categories: ['technical', 'general'],
      parts: [
        { category: 'technical', text: 'The card reader crashes' },
        { category: 'general', text: 'How do I invite people' },
      ],
    });
    expect((await outcomeOf(actor)).status).toBe('answered');
    expect(inputs('splitTicket')).toEqual([]);
    expect(inputs('draftReply')).toMatchObject([
      { text: 'The card reader crashes' },
      { text: 'How do I invite people' },
    ]);
  });

  it('shows every part the whole ticket if a person sorts it after the model could not split it', async () => {
    const actor = begin(sample('37-two-problems-in-one-breath'));
    await atRest(actor);
    actor.send({ type: 'CLASSIFY', by: 'dana', categories: ['billing', 'technical'] });
    const rest = await atRest(actor);
    expect(rest.value).toBe('done');
    expect(rest.context.parts).toEqual([
      { category: 'billing', text: null },
      { category: 'technical', text: null },
    ]);
  });

  it('does not take an answer from a person that would not pass from a model either', async () => {
    const actor = begin(sample('04-empty'));
    const rest = await atRest(actor);
    const unusable = [
      { categories: [] },
      { categories: ['billing', 'billing'] },
      { categories: ['vip'] },
      { categories: ['billing'], parts: [{ category: 'technical', text: 'x' }] },
    ];
    for (const answer of unusable) {
      expect(rest.can({ type: 'CLASSIFY', by: 'dana', ...answer } as TicketEvent)).toBe(false);
    }
  });

  it('may end with the ticket closed, which is put on record', async () => {
    const actor = begin(sample('25-advertisement'));
    await atRest(actor);
    actor.send({ type: 'CLOSE', by: 'dana', reason: 'It is an advertisement.' });
    expect(await outcomeOf(actor)).toEqual({
      ticketId: 'T-025',
      status: 'closed',
      closed: { by: 'dana', reason: 'It is an advertisement.' },
      parts: [],
    });
    const { outcomes, mails } = await ledger();
    expect(outcomes).toMatchObject([{ key: 'T-025/ticket', body: { handledBy: 'dana' } }]);
    expect(mails).toEqual([]);
  });

  it('is passed on to a supervisor, and closed if nobody sorts it', async () => {
    const clock = new SimulatedClock();
    const actor = begin(sample('04-empty'), {}, clock);
    await atRest(actor);
    clock.increment(4 * 3_600_000);
    expect(actor.getSnapshot().value).toBe('triageEscalated');
    clock.increment(24 * 3_600_000);
    expect(await outcomeOf(actor)).toMatchObject({ status: 'closed', closed: { by: 'nobody' } });
  });
});

describe('the reply', () => {
  it('is repaired with the reasons in view', async () => {
    const { provider, inputs } = scripted({
      draftReply: [
        { reply: 'We guarantee that your card was charged once.' },
        { reply: '' },
        { reply: 'Your card was charged twice; we see both.' },
      ],
    });
    const outcome = await outcomeOf(begin(ticket(), { provider }));
    expect(outcome.parts[0]).toMatchObject({
      reply: 'Your card was charged twice; we see both.',
      handledBy: 'model',
    });
    expect(inputs('draftReply')).toMatchObject([
      { previous: null, faults: [] },
      { previous: 'We guarantee that your card was charged once.', faults: ['It guarantees something.'] },
      { previous: '', faults: ['It is empty.'] },
    ]);
  });

  it('is for a person to write after two repairs', async () => {
    const actor = begin(sample('23-threat-of-a-lawyer'));
    const rest = await atRest(actor);
    expect(rest.context).toMatchObject({ repairs: 2, reply: null });
    expect((await ledger()).mails).toEqual([]);
    actor.send({ type: 'REPLY', by: 'dana', text: 'I will call you.' });
    expect((await outcomeOf(actor)).parts).toMatchObject([{ reply: 'I will call you.', handledBy: 'dana' }]);
  });

  it('may be let out by a person as it is, but not if there is none', async () => {
    const { provider } = scripted({ draftReply: [{ reply: '' }, { reply: '' }, { reply: '' }] });
    const without = begin(ticket({ id: 'T-2' }), { provider });
    await atRest(without);
    expect(without.getSnapshot().can({ type: 'APPROVE_REPLY', by: 'dana' })).toBe(false);
    expect(without.getSnapshot().can({ type: 'REPLY', by: 'dana', text: '  ' })).toBe(false);

    const actor = begin(sample('23-threat-of-a-lawyer'));
    const { context } = await atRest(actor);
    actor.send({ type: 'APPROVE_REPLY', by: 'dana' });
    expect((await outcomeOf(actor)).parts).toMatchObject([{ reply: context.draft, handledBy: 'dana' }]);
  });

  it('is for a person to write if there are no facts, and the refund is then undecided', async () => {
    vi.stubEnv('SUPPORT_SERVICES_URL', 'http://127.0.0.1:9');
    const actor = begin(ticket());
    const rest = await atRest(actor);
    expect(rest.value).toBe('awaitingReply');
    expect(rest.context.doubts).toEqual([
      'The billing records could not be read. /billing/C-1001 gave no answer: the connection failed.',
    ]);
    vi.stubEnv('SUPPORT_SERVICES_URL', server.url);
    actor.send({ type: 'REPLY', by: 'dana', text: 'I am looking into it.' });
    expect((await outcomeOf(actor)).parts[0]?.refund.status).toBe('undecided');
  });

  it('is passed on to a supervisor, and recorded as missing if nobody writes it', async () => {
    const clock = new SimulatedClock();
    const actor = begin(sample('23-threat-of-a-lawyer'), {}, clock);
    await atRest(actor);
    clock.increment(4 * 3_600_000);
    expect(actor.getSnapshot().value).toBe('replyEscalated');
    clock.increment(24 * 3_600_000);
    const outcome = await outcomeOf(actor);
    expect(outcome).toMatchObject({
      status: 'incomplete',
      parts: [{ reply: null, handledBy: 'nobody', mail: null, recorded: true }],
    });
    expect((await ledger()).mails).toEqual([]);
  });
});

it('leaves a refund undecided that nobody got as far as', async () => {
  const clock = new SimulatedClock();
  const { provider } = scripted({ draftReply: [refused()] });
  const actor = begin(ticket(), { provider }, clock);
  await atRest(actor);
  clock.increment(4 * 3_600_000);
  clock.increment(24 * 3_600_000);
  expect(await outcomeOf(actor)).toMatchObject({ parts: [{ reply: null, refund: { status: 'undecided' } }] });
});

describe('the refund', () => {
  it('waits for a person over the limit, however sure the model is', async () => {
    const rest = await atRest(begin(sample('20-over-the-limit')));
    expect(rest.context.decision?.confidence).toBe(0.99);
    expect(rest.context.doubts).toEqual(['The amount of 480 EUR is over the limit of 100 EUR.']);
    expect((await ledger()).refunds).toEqual([]);
  });

  it.each([
    [
      { type: 'APPROVE', by: 'dana' },
      { status: 'refunded', amount: 480, decidedBy: 'dana' },
    ],
    [
      { type: 'EDIT', by: 'dana', amount: 20.5 },
      { status: 'refunded', amount: 20.5, decidedBy: 'dana' },
    ],
    [
      { type: 'REJECT', by: 'dana', reason: 'No.' },
      { status: 'rejected', amount: 0, decidedBy: 'dana' },
    ],
  ] as Array<[TicketEvent, object]>)('follows the person: %j', async (answer, refund) => {
    const actor = begin(sample('20-over-the-limit'));
    await atRest(actor);
    actor.send(answer);
    const outcome = await outcomeOf(actor);
    expect(outcome.parts[0]?.refund).toMatchObject(refund);
    const { refunds } = await ledger();
    expect(refunds.reduce((sum, { answer: said }) => sum + Number(said['amount']), 0)).toBe(
      outcome.parts[0]?.refund.amount,
    );
  });

  it('has the limits that it is given', async () => {
    const rest = await atRest(begin(ticket(), { refundLimits: { USD: 1_000 } }));
    expect(rest.value).toBe('awaitingApproval');
    expect(rest.context.doubts).toEqual(['There is no limit for EUR, so a person decides.']);
  });

  it('waits for a person if the record does not show a wrong charge', async () => {
    const { provider } = scripted({ decideRefund: [decision({ amount: 48 })] });
    const actor = begin(ticket(), { provider });
    expect((await atRest(actor)).value).toBe('awaitingApproval');
    actor.send({ type: 'APPROVE', by: 'dana' });
    expect((await outcomeOf(actor)).parts[0]?.refund).toMatchObject({ status: 'refunded', amount: 48 });
  });

  it.each([
    decision({ amount: 10_000 }),
    decision({ amount: 98.01 }),
    decision({ amount: 0 }),
    decision({ amount: -49 }),
    decision({ amount: 0.001 }),
    decision({ currency: 'USD' }),
    decision({ currency: '' }),
  ])('cannot be approved if it makes no sense: $amount $currency', async (senseless) => {
    const { provider } = scripted({ decideRefund: [senseless] });
    const actor = begin(ticket(), { provider });
    const rest = await atRest(actor);
    expect(rest.value).toBe('awaitingApproval');
    expect(rest.context.doubts.length).toBeGreaterThan(0);
    expect(rest.can({ type: 'APPROVE', by: 'dana' })).toBe(false);
    expect(rest.can({ type: 'EDIT', by: 'dana', amount: 98.01 })).toBe(false);
    actor.send({ type: 'EDIT', by: 'dana', amount: 98 });
    expect((await outcomeOf(actor)).parts[0]?.refund).toMatchObject({ status: 'refunded', amount: 98 });
  });

  it('is for a person to set if the model proposes nothing', async () => {
    const { provider } = scripted({ decideRefund: [refused()] });
    const actor = begin(ticket(), { provider });
    const rest = await atRest(actor);
    expect(rest.context.doubts).toEqual(['The model proposed nothing. The key is wrong.']);
    expect(rest.can({ type: 'APPROVE', by: 'dana' })).toBe(false);
    actor.send({ type: 'EDIT', by: 'dana', amount: 49 });
    expect((await outcomeOf(actor)).parts[0]?.refund).toMatchObject({
      status: 'refunded',
      decidedBy: 'dana',
    });
  });

  it('is passed on to a supervisor, and left undecided if nobody answers', async () => {
    const clock = new SimulatedClock();
    const actor = begin(sample('20-over-the-limit'), {}, clock);
    await atRest(actor);
    clock.increment(4 * 3_600_000);
    const escalated = actor.getSnapshot();
    expect(escalated.value).toBe('approvalEscalated');
    expect(escalated.can({ type: 'APPROVE', by: 'lee' })).toBe(true);
    clock.increment(24 * 3_600_000);
    const outcome = await outcomeOf(actor);
    expect(outcome).toMatchObject({
      status: 'answered',
      parts: [{ refund: { status: 'undecided', decidedBy: 'nobody' } }],
    });
    const { refunds, mails } = await ledger();
    expect(refunds).toEqual([]);
    expect(mails[0]?.body['body']).toContain('still with a colleague');
  });

  it('is not asked for where there is no customer', async () => {
    const { provider, inputs } = scripted({});
    const outcome = await outcomeOf(begin(sample('15-no-customer'), { provider }));
    expect(outcome.parts[0]?.refund.status).toBe('notPossible');
    expect(inputs('decideRefund')).toEqual([]);
  });

  it('never exceeds what was charged, whatever the model says and whoever approves', async () => {
    let number = 0;
    const senseless = fc.record({
      refund: fc.boolean(),
      amount: fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer({ min: 1, max: 98 })),
      currency: fc.constantFrom('EUR', 'USD', 'eur', ''),
      reason: fc.string(),
      confidence: fc.constantFrom(0, 1),
    });
    await fc.assert(
      fc.asyncProperty(senseless, fc.double({ noNaN: true }), async (proposed, edited) => {
        number += 1;
        const { provider } = scripted({ decideRefund: [proposed] });
        const input = ticket({ id: `P-${number}`, customer: `L-${number}` });
        const actor = begin(input, { provider });
        const rest = await atRest(actor);
        if (rest.value === 'awaitingApproval') {
          actor.send({ type: 'APPROVE', by: 'dana' });
          actor.send({ type: 'EDIT', by: 'dana', amount: edited });
          actor.send({ type: 'REJECT', by: 'dana', reason: 'That was it.' });
        }
        const { parts } = await outcomeOf(actor);
        const record = rest.context.facts?.kind === 'billing' ? rest.context.facts.record : null;
        expect(parts[0]?.refund.amount).toBeGreaterThanOrEqual(0);
        expect(parts[0]?.refund.amount).toBeLessThanOrEqual(record?.refundable ?? 0);
      }),
      { numRuns: 40 },
    );
  });
});

// ---- Failures ------------------------------------------------------------------------------------------------------

const modelSteps = [
  ['classifyTicket', 'classificationDelayed', 'awaitingTriage'],
  ['splitTicket', 'splitDelayed', 'awaitingTriage'],
  ['draftReply', 'draftDelayed', 'awaitingReply'],
  ['decideRefund', 'decisionDelayed', 'awaitingApproval'],
] as const;

describe.each(modelSteps)('%s', (actorName, delayed, person) => {
  const input = () => sample('02-two-problems-in-one');

  it('is asked again while the model is busy', async () => {
    const { provider } = scripted({ [actorName]: [busy(), busy(), busy()] });
    const passed: unknown[] = [];
    const actor = begin(input(), { provider });
    actor.subscribe(({ value }) => passed.push(value));
    expect((await outcomeOf(actor)).status).toBe('answered');
    expect(passed.filter((value) => value === delayed)).toHaveLength(3);
  });

  it('is for a person when the model stays busy', async () => {
    const { provider } = scripted({ [actorName]: [busy(), busy(), busy(), busy()] });
    expect((await atRest(begin(input(), { provider }))).value).toBe(person);
  });

  it('is for a person at once when asking again would not help', async () => {
    const { provider } = scripted({ [actorName]: [refused()] });
    const rest = await atRest(begin(input(), { provider }));
    expect(rest.value).toBe(person);
    expect(rest.context.doubts).toEqual([expect.stringContaining('The key is wrong.')]);
  });

  it('is for a person when the answer is not of the schema', async () => {
    const { provider } = scripted({ [actorName]: ['nonsense'] });
    expect((await atRest(begin(input(), { provider }))).value).toBe(person);
  });

  it('is asked again, and then for a person, when the model is silent', async () => {
    const clock = new SimulatedClock();
    const { provider } = scripted({ [actorName]: ['silence', 'silence', 'silence', 'silence'] });
    const actor = begin(input(), { provider }, clock);
    const asking = (await waitFor(actor, ({ children }) => actorName in children)).value;
    for (const wait of [1_000, 4_000, 16_000]) {
      clock.increment(2 * 60_000);
      expect(actor.getSnapshot().value).toBe(delayed);
      clock.increment(wait);
      expect(actor.getSnapshot().value).toBe(asking);
    }
    clock.increment(2 * 60_000);
    expect(actor.getSnapshot().value).toBe(person);
    expect(actor.getSnapshot().context.doubts).toEqual([expect.stringContaining('No answer came in time.')]);
  });
});

it('stays away from a model for as long as it asks', async () => {
  const clock = new SimulatedClock();
  const { provider } = scripted({ classifyTicket: [busy({ retryAfterMs: 30_000 })] });
  const actor = begin(ticket(), { provider }, clock);
  await reached(actor, 'classificationDelayed');
  clock.increment(29_999);
  expect(actor.getSnapshot().value).toBe('classificationDelayed');
  clock.increment(1);
  expect(actor.getSnapshot().value).toBe('classifying');
  await turns();
});

const effects = [
  {
    target: 'refunds',
    delayed: 'refundDelayed',
    check: 'awaitingPaymentCheck',
    escalated: 'paymentCheckEscalated',
    confirmed: { refund: { status: 'refunded', reference: 'seen-1' } },
    abandoned: { refund: { status: 'abandoned', amount: 0 } },
    unknown: { refund: { status: 'unknown', amount: 49, reference: null } },
  },
  {
    target: 'mails',
    delayed: 'mailDelayed',
    check: 'awaitingMailCheck',
    escalated: 'mailCheckEscalated',
    confirmed: { mail: { id: 'seen-1' } },
    abandoned: { mail: null },
    unknown: { mail: null },
  },
] as const;

describe.each(effects)('$target', ({ target, delayed, check, escalated, confirmed, abandoned, unknown }) => {
  it.each([
    ['fail', 1],
    ['hang', 1],
    ['die-after', 3],
    ['hang-after', 3],
  ] as const)('are made exactly once when the service is told to %s', async (kind, leastAsked) => {
    await orderFault(target, kind, 2);
    const passed: unknown[] = [];
    const actor = begin(ticket(), {
      times: { toolMs: 200 },
      // On a busy machine other calls are too slow as well.
      retries: { facts: 50, refund: 50, mail: 50, record: 50 },
    });
    actor.subscribe(({ value }) => passed.push(value));
    expect(await outcomeOf(actor)).toMatchObject({
      status: 'answered',
      parts: [{ refund: { status: 'refunded', amount: 49 } }],
    });
    expect(passed).toContain(delayed);
    const entries = await ledger();
    expect(entries.refunds).toHaveLength(1);
    expect(entries.mails).toHaveLength(1);
    expect(entries[target][0]?.asked).toBeGreaterThanOrEqual(leastAsked);
  });

  it('are looked up by a person when the service stays silent, who may try again three times', async () => {
    await orderFault(target, 'fail', 6 * 4);
    const actor = begin(ticket());
    for (let round = 0; round < 3; round += 1) {
      const rest = await atRest(actor);
      expect(rest.value).toBe(check);
      expect(rest.can({ type: 'RETRY', by: 'dana' })).toBe(true);
      actor.send({ type: 'RETRY', by: 'dana' });
    }
    expect((await atRest(actor)).can({ type: 'RETRY', by: 'dana' })).toBe(false);
    actor.send({ type: 'CONFIRM', by: 'dana', reference: 'seen-1' });
    expect(await outcomeOf(actor)).toMatchObject({ parts: [confirmed] });
  });

  it('may be given up by a person', async () => {
    await orderFault(target, 'fail', 6);
    const actor = begin(ticket());
    await atRest(actor);
    actor.send({ type: 'ABANDON', by: 'dana', reason: 'It is not worth it.' });
    expect(await outcomeOf(actor)).toMatchObject({ parts: [abandoned] });
  });

  it('are passed on to a supervisor, and recorded as they stand if nobody finds out', async () => {
    await orderFault(target, 'fail', 6);
    const clock = new SimulatedClock();
    const actor = begin(ticket(), { retries: { refund: 0, mail: 0 } }, clock);
    await atRest(actor);
    clock.increment(8 * 3_600_000);
    expect(actor.getSnapshot().value).toBe(escalated);
    clock.increment(24 * 3_600_000);
    expect(await outcomeOf(actor)).toMatchObject({ parts: [unknown] });
  });
});

it('tells the customer so when it is not known whether the refund was made', async () => {
  await orderFault('refunds', 'fail', 6);
  const clock = new SimulatedClock();
  const actor = begin(ticket(), { retries: { refund: 0 } }, clock);
  await atRest(actor);
  clock.increment(8 * 3_600_000);
  clock.increment(24 * 3_600_000);
  await outcomeOf(actor);
  expect((await ledger()).mails[0]?.body['body']).toContain('we are checking this');
});

it('shows a person why the payment service declined', async () => {
  const { provider } = scripted({});
  const clock = new SimulatedClock();
  const actor = begin(ticket(), { provider, refundLimits: { EUR: 1 } }, clock);
  await reached(actor, 'awaitingApproval');
  // Meanwhile both charges went back in some other way.
  const refund = { ticketId: 'other', customer: 'C-1001', amount: 98, currency: 'EUR' };
  const other = await fetch(`${server.url}/refunds`, {
    method: 'POST',
    headers: { 'idempotency-key': 'other' },
    body: JSON.stringify(refund),
  });
  expect(other.status).toBe(200);
  actor.send({ type: 'APPROVE', by: 'dana' });
  const rest = await reached(actor, 'awaitingPaymentCheck');
  expect(rest.context.doubts).toEqual([
    'The payment service declined: 49 EUR is more than C-1001 can get back.',
  ]);
  expect(rest.context.refund.status).toBe('declined');
});

it('shows a person why the outbox refused the mail', async () => {
  const mail = {
    ticketId: 'T-1',
    category: 'billing',
    to: 'x@example.com',
    subject: 'Re:',
    body: 'Another one.',
  };
  const taken = await fetch(`${server.url}/mails`, {
    method: 'POST',
    headers: { 'idempotency-key': 'T-1/billing' },
    body: JSON.stringify(mail),
  });
  expect(taken.status).toBe(200);
  const rest = await atRest(begin(ticket()));
  expect(rest.value).toBe('awaitingMailCheck');
  expect(rest.context.doubts).toEqual([
    'The outbox refused the mail: The key T-1/billing was used for something else.',
  ]);
});

it('refunds a ticket once, from however many runs', async () => {
  const outcomes = await Promise.all([outcomeOf(begin(ticket())), outcomeOf(begin(ticket()))]);
  const references = outcomes.map(({ parts }) => parts[0]?.refund.reference);
  expect(references[0]).toBe(references[1]);
  const { refunds, mails } = await ledger();
  expect([refunds.length, mails.length]).toEqual([1, 1]);
});

it('ends all the same, and says so, when the outcome cannot be put on record', async () => {
  const taken = await fetch(`${server.url}/outcomes`, {
    method: 'POST',
    headers: { 'idempotency-key': 'T-1/billing' },
    body: JSON.stringify({
      ticketId: 'T-1',
      subject: 'billing',
      handledBy: 'x',
      refund: 'none',
      mailId: null,
    }),
  });
  expect(taken.status).toBe(200);
  expect(await outcomeOf(begin(ticket()))).toMatchObject({
    status: 'answered',
    parts: [{ recorded: false }],
  });
});

// ---- The machine itself --------------------------------------------------------------------------------------------

describe('the machine', () => {
  const { root } = createSupportTicketMachine({ provider: supportStandIn });
  const states = Object.values(root.states);

  it('has no more states than a person can take in', () => {
    expect(states.length).toBeLessThanOrEqual(40);
  });

  it.each(states.map((state) => [state.key, state] as const))('%s has a description', (_, state) => {
    expect(state.description).toBeTruthy();
  });

  const models = ['classifyTicket', 'splitTicket', 'draftReply', 'decideRefund'];
  const waiting = states.filter(
    ({ tags, invoke }) => tags.includes('person') || invoke.some(({ id }) => models.includes(id)),
  );
  it.each(waiting.map((state) => [state.key, state] as const))('%s has a timer', (_, state) => {
    expect(state.after.length).toBeGreaterThan(0);
  });

  const invoking = states.filter(({ invoke }) => invoke.length > 0);
  it.each(invoking.map((state) => [state.key, state] as const))('%s handles failure', (_, state) => {
    const ids = state.invoke.map(({ id }) => id);
    expect(ids).toEqual(state.invoke.map(({ src }) => src));
    expect([...state.transitions.keys()]).toEqual(
      expect.arrayContaining(ids.map((id) => `xstate.error.actor.${id}`)),
    );
  });
});
