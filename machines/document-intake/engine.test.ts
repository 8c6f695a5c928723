/** The document intake as a workflow: on the engine, with real files, real services over MCP and stand-in models. */
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { createEngine, type Engine, EventNotAccepted, type ModelProvider, spendOf } from 'signalbox';
import { memoryStore } from 'signalbox/memory';
import { sqliteStore } from 'signalbox/sqlite';
import { createMessagesServer, createVirtualClock, type ScriptedAnswer } from 'signalbox/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import type { Entry } from '../services/ledger.ts';
import { type Server, startServer } from '../services/start-server.ts';
import { createDocumentIntake } from './index.ts';
import { Document, type Entities, Outcome } from './schemas.ts';
import { intakeService } from './services/app.ts';
import type { DocumentIntakeOptions } from './setup.ts';
import { intakeStandIn } from './stand-in.ts';

const samples = join(import.meta.dirname, 'samples');
const hourMs = 3_600_000;

let folder: string;
let server: Server;
let engines: Engine[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'signalbox-intake-'));
  engines = [];
  server = await startServer(intakeService, { database: join(folder, 'ledger.db') });
  vi.stubEnv('INTAKE_SERVICES_URL', server.url);
});

afterEach(async () => {
  await Promise.all(engines.map((engine) => engine.stop()));
  vi.unstubAllEnvs();
  await server.close();
  rmSync(folder, { recursive: true });
});

// ---- Helpers -------------------------------------------------------------------------------------------------------

function intake(options: DocumentIntakeOptions = {}) {
  return createDocumentIntake({
    provider: intakeStandIn,
    ...options,
    times: { retryMs: 1, longestRetryMs: 1, ...options.times },
  });
}

function engineOn(
  workflow: ReturnType<typeof intake>,
  options: Omit<Parameters<typeof createEngine>[0], 'workflows'> = { store: memoryStore() },
): Engine {
  const engine = createEngine({ workflows: [workflow], check: false, ...options });
  engines.push(engine);
  return engine;
}

/** A run of a sample, at its end or at a person, and which models were asked. */
async function taken(name: string, options: DocumentIntakeOptions = {}, change: Partial<Document> = {}) {
  const asked: string[] = [];
  const provider: ModelProvider = {
    ...intakeStandIn,
    complete: (request, call) => {
      asked.push(request.actor);
      return intakeStandIn.complete(request, call);
    },
  };
  const workflow = intake({ provider, ...options });
  const engine = engineOn(workflow);
  const run = await engine.start(workflow, { input: { ...sample(name), ...change } });
  return { run, rest: await run.waitFor(atRest), asked };
}

const atRest = ({ status, tags }: { status: string; tags: readonly string[] }): boolean =>
  status === 'done' || tags.includes('person');

function sample(name: string): Document {
  const file = readdirSync(samples).find((one) => one.slice(3) === `${name}.json`);
  return Document.parse(JSON.parse(readFileSync(join(samples, file ?? name), 'utf8')));
}

type Ledger = Record<'notifications' | 'drafts' | 'reminders', Entry[]>;

async function ledger(): Promise<Ledger> {
  return (await (await fetch(`${server.url}/ledger`)).json()) as Ledger;
}

async function orderFault(target: string, kind: string, times = 1): Promise<void> {
  const body = JSON.stringify({ target, kind, times });
  expect((await fetch(`${server.url}/faults`, { method: 'POST', body })).status).toBe(200);
}

// ---- All samples ---------------------------------------------------------------------------------------------------

/** Where each sample comes to rest by itself: its end, or the state in which a person is asked. */
const rests: Readonly<Record<string, string>> = {
  'scanned-only': 'awaitingEntities',
  'scan-with-text-layer': 'awaitingEntities',
  encrypted: 'awaitingEntities',
  'cut-off': 'awaitingEntities',
  'too-many-pages': 'awaitingEntities',
  handwritten: 'awaitingEntities',
  'not-a-pdf': 'unreadable',
  empty: 'unreadable',
  'not-base64': 'unreadable',
  'blank-page': 'unreadable',
  'same-file-again': 'duplicate',
  'unknown-customer': 'awaitingCustomer',
  'customer-twice': 'awaitingCustomer',
  'nothing-to-go-by': 'awaitingCustomer',
  'number-of-another': 'awaitingCustomer',
  'manager-has-left': 'awaitingNotice',
  cancellation: 'awaitingReply',
};

describe.each([
  ['memory', () => memoryStore()],
  ['sqlite', () => sqliteStore(join(folder, 'runs.db'))],
] as const)('on the engine, with %s', (_, open) => {
  it('takes every sample to its end or to a person, and with nobody there to an end all the same', async () => {
    const workflow = intake();
    const clock = createVirtualClock();
    const engine = engineOn(workflow, { store: open(), clock });
    const names = readdirSync(samples).map((file) => file.slice(3).replace(/\.json$/, ''));
    expect(names.length).toBeGreaterThanOrEqual(26);
    const ends: Record<string, unknown> = {};
    const started = [];
    for (const name of names) {
      const run = await engine.start(workflow, { id: name, input: sample(name) });
      started.push([name, run] as const);
      // The first of two copies is the one that came first.
      if (name === 'an-order') await run.waitFor(atRest);
    }
    for (const [name, run] of started) {
      const rest = await run.waitFor(atRest);
      expect(rest.problem).toBeUndefined();
      const state = typeof rest.value === 'string' ? rest.value : Object.keys(rest.value ?? {})[0];
      if (state !== 'handled') ends[name] = state;
    }
    expect(ends).toEqual(rests);

    const before = await ledger();
    const handled = names.filter((name) => !(name in rests));
    expect(before.notifications.map(({ key }) => key).sort()).toEqual(
      [...handled, 'cancellation'].map((name) => sample(name).id).sort(),
    );
    expect(before.drafts.map(({ key }) => key).sort()).toEqual(handled.map((name) => sample(name).id).sort());

    await clock.advance(24 * hourMs);
    await clock.advance(48 * hourMs);
    for (const [name, run] of started) {
      const output = Outcome.parse(await run.result());
      const state = rests[name] ?? 'handled';
      const expected =
        state === 'awaitingEntities' || state === 'awaitingCustomer'
          ? 'rejected'
          : state === 'awaitingNotice' || state === 'awaitingReply'
            ? 'incomplete'
            : state;
      expect([name, output.status]).toEqual([name, expected]);
      // What nobody was told of can come again; the rest stays a duplicate.
      expect([name, output.released]).toEqual([name, expected === 'rejected' ? true : null]);
    }
    const after = await ledger();
    expect(after.notifications).toHaveLength(before.notifications.length);
    // The manager has left, and the reply is saved all the same.
    expect(after.drafts).toHaveLength(before.drafts.length + 1);
  });
});

// ---- What is read and said -----------------------------------------------------------------------------------------

describe('what a document says', () => {
  it('passes if it stands in the text, over hyphens, columns and pages', async () => {
    const { rest } = await taken('hyphenated-names');
    expect(rest.output).toMatchObject({
      status: 'handled',
      checkedBy: 'document',
      customer: { number: 'C-1001' },
      entities: { customerNumber: { value: 'C-1001' }, amounts: [{ value: 1234.5, currency: 'EUR' }] },
    });
  });

  it('is mended by the model once it is told what is wrong', async () => {
    const { run, rest, asked } = await taken('contradicting-totals');
    expect(rest.output?.entities?.amounts.map(({ value }) => value)).toEqual([1200, 1020, 980]);
    expect(asked).toEqual(['extractEntities', 'extractEntities', 'draftReply']);
    expect(JSON.stringify(await run.history())).toContain('The figure 3200 does not stand in the source.');
  });

  it('goes to the better model if the cheap one cannot get it right', async () => {
    const { rest, asked } = await taken('rough-figures');
    expect(rest.output?.entities?.amounts).toMatchObject([{ value: 1234.56, currency: 'GBP' }]);
    expect(asked).toEqual(['extractEntities', 'extractEntities', 'extractEntitiesBetter', 'draftReply']);
  });

  it('goes to a person if neither can, who is shown what was wrong and whose edits are on record', async () => {
    const { run, rest } = await taken('handwritten');
    expect(rest.questions).toMatchObject([
      {
        title: 'Say what the document is about',
        proposed: { entities: { references: [{ value: 'K-00000' }] } },
        dueAt: expect.any(Number) as number,
        remindAt: expect.any(Number) as number,
      },
    ]);
    expect(JSON.stringify(rest.questions)).toContain('does not stand in the source');
    expect(JSON.stringify(rest.questions)).not.toContain(sample('handwritten').pdf.slice(0, 80));
    const { entities } = rest.questions[0]?.proposed as { entities: Entities };
    const [contract] = entities.references;
    await run.send({
      type: 'CORRECT_ENTITIES',
      by: 'dana',
      entities: { ...entities, references: [{ ...contract!, value: 'K-30551' }] },
    });
    const output = await run.result();
    expect(output).toMatchObject({ status: 'handled', checkedBy: 'person' });
    expect(output.corrections).toEqual([
      {
        by: 'dana',
        of: 'entities',
        changes: [{ path: ['references', 0, 'value'], from: 'K-00000', to: 'K-30551' }],
      },
    ]);
  });

  it('is for a person to type where the file is locked; there is nothing to confirm', async () => {
    const { run, rest } = await taken('encrypted');
    expect(rest.context.doubts).toEqual(['The file is locked with a password.']);
    await expect(run.send({ type: 'CONFIRM_ENTITIES', by: 'dana' })).rejects.toThrow(EventNotAccepted);
    await expect(run.send({ type: 'TRY_AGAIN', by: 'dana' })).rejects.toThrow(EventNotAccepted);
    await run.send({ type: 'CORRECT_ENTITIES', by: 'dana', entities: typed('Nordbahn AS', 'C-1004') });
    expect(await run.result()).toMatchObject({
      status: 'handled',
      problem: 'encrypted',
      checkedBy: 'person',
      corrections: [],
      decisions: [{ by: 'dana', decided: 'what the document says' }],
    });
  });

  it('is read from a scan by a model, and confirmed by a person all the same', async () => {
    const { run, rest } = await taken('scanned-only');
    expect(rest.context.proposed?.request.value).toMatch(/pictures/);
    await run.send({ type: 'CONFIRM_ENTITIES', by: 'dana' });
    const asked = await run.waitFor({ state: 'awaitingCustomer' });
    expect(asked.context.checkedBy).toBe('person');
  });
});

/** As a person types it: without quotes and pages. */
function typed(name: string, number: string): Entities {
  return {
    kind: 'other',
    sender: { value: name },
    customerNumber: { value: number },
    references: [],
    dates: [],
    amounts: [],
    request: { value: 'They ask to be called.' },
  } as unknown as Entities;
}

describe('an order in the document', () => {
  it.each(['order-in-white-text', 'order-in-tiny-text', 'order-to-the-model'])(
    'changes nothing about who is told and where the reply goes: %s',
    async (name) => {
      const { rest } = await taken(name);
      expect(rest.output).toMatchObject({ status: 'handled', customer: { number: 'C-1002' } });
      const { notifications, drafts } = await ledger();
      expect(notifications).toMatchObject([{ body: { managerId: 'm-2' } }]);
      expect(drafts).toMatchObject([{ body: { to: 'accounts@harrowpike.example' } }]);
    },
  );

  it('that nobody can see is no source, and people are told that it is there', async () => {
    const { rest, asked } = await taken('order-in-white-text');
    expect(rest.output?.entities).toMatchObject({ customerNumber: { value: 'C-1002' }, amounts: [] });
    expect(rest.output?.warnings).toMatchObject([expect.stringContaining('pay EUR 10000')]);
    expect((await ledger()).notifications[0]?.body['text']).toContain('something about it is odd');
    expect(asked).toEqual(['extractEntities', 'extractEntities', 'draftReply']);
  });
});

// ---- Who it is from ------------------------------------------------------------------------------------------------

describe('the customer', () => {
  it('is picked by a person if several fit, also by a number that was not found', async () => {
    const { run, rest } = await taken('customer-twice');
    expect(rest.context.found.map(({ number }) => number)).toEqual(['C-1005', 'C-1055']);
    await run.send({ type: 'PICK_CUSTOMER', by: 'dana', customerNumber: 'C-4711' });
    const again = await run.waitFor({ state: 'awaitingCustomer' });
    expect(again.context).toMatchObject({ doubts: ['The CRM has no customer C-4711.'], found: [{}, {}] });
    await run.send({ type: 'PICK_CUSTOMER', by: 'dana', customerNumber: 'c-1055' });
    expect(await run.result()).toMatchObject({
      status: 'handled',
      customer: { number: 'C-1055', manager: { id: 'm-2' } },
      decisions: [{}, { by: 'dana', decided: 'that it is from c-1055' }],
    });
  });

  it('may be had looked up again only so often', async () => {
    const { run } = await taken('nothing-to-go-by');
    for (let round = 0; round < 5; round += 1) {
      await run.send({ type: 'TRY_AGAIN', by: 'dana' });
      await run.waitFor({ state: 'awaitingCustomer' });
    }
    await expect(run.send({ type: 'TRY_AGAIN', by: 'dana' })).rejects.toThrow(EventNotAccepted);
  });
});

// ---- The same file again -------------------------------------------------------------------------------------------

describe('the same file', () => {
  it('under another id is a duplicate of the first', async () => {
    const first = await taken('an-order');
    const second = await taken('same-file-again');
    expect(first.rest.output?.status).toBe('handled');
    expect(second.rest.output).toMatchObject({ status: 'duplicate', duplicateOf: 'D-001', released: null });
    expect((await ledger()).notifications).toHaveLength(1);
  });

  it('can come again once it was rejected', async () => {
    const { run } = await taken('unknown-customer');
    await run.send({ type: 'REJECT', by: 'dana', reason: 'Advertising.' });
    expect(await run.result()).toMatchObject({
      status: 'rejected',
      closed: { by: 'dana', reason: 'Advertising.' },
      released: true,
    });
    const again = await taken('unknown-customer', {}, { id: 'D-900' });
    expect(again.rest.value).toEqual({ awaitingCustomer: 'waiting' });
  });

  it('can come again under its own id after a run that failed, and nobody is told twice', async () => {
    const { run } = await taken('manager-has-left');
    await run.cancel('The process was taken out of service.');
    const again = await taken('manager-has-left');
    expect(again.rest.value).toEqual({ awaitingNotice: 'waiting' });
    await taken('an-order');
    expect((await taken('an-order')).rest.output?.status).toBe('handled');
    expect((await ledger()).notifications).toMatchObject([{ key: 'D-001', asked: 2 }]);
  });

  it('is refused if its id was used for another file, which stays registered', async () => {
    await taken('an-order');
    const other = await taken('complaint', {}, { id: 'D-001' });
    expect(other.rest.output).toMatchObject({ status: 'rejected', closed: { by: 'crm' }, released: null });
    expect((await taken('same-file-again')).rest.output?.status).toBe('duplicate');
  });
});

// ---- When services fail --------------------------------------------------------------------------------------------

describe('when services fail', () => {
  it.each(
    ['notifications', 'drafts'].flatMap((target) =>
      ['fail', 'hang', 'hang-after'].map((kind) => [target, kind] as const),
    ),
  )('%s %s: the manager is told once, and one reply is saved', async (target, kind) => {
    await orderFault(target, kind, 2);
    const { rest } = await taken('an-order', {
      times: { toolMs: 150 },
      retries: { reading: 20, effects: 20 },
    });
    expect(rest.output).toMatchObject({ status: 'handled', notified: { status: 'sent' } });
    const { notifications, drafts } = await ledger();
    expect(notifications).toHaveLength(1);
    expect(drafts).toHaveLength(1);
  });

  it('asks a person where nobody knows whether the manager was told, and again under the same key', async () => {
    await orderFault('notifications', 'hang-after', 2);
    const { run, rest } = await taken('an-order', { times: { toolMs: 1_000 }, retries: { effects: 1 } });
    expect(rest.value).toEqual({ awaitingNotice: 'waiting' });
    expect(rest.context.notified).toEqual({ status: 'unknown', id: null });
    await run.send({ type: 'TRY_AGAIN', by: 'dana' });
    expect(await run.result()).toMatchObject({
      status: 'handled',
      notified: { status: 'sent', id: 'note-1' },
    });
    expect((await ledger()).notifications).toMatchObject([{ asked: 3 }]);
  });

  it('takes the word of a person for what was done', async () => {
    await orderFault('notifications', 'fail', 9);
    await orderFault('drafts', 'fail', 9);
    const { run } = await taken('an-order', { retries: { effects: 0 } });
    await run.send({ type: 'CONFIRM_DONE', by: 'dana', reference: 'by phone' });
    await run.waitFor({ state: 'awaitingSaving' });
    await run.send({ type: 'CONFIRM_DONE', by: 'dana', reference: 'draft-x' });
    expect(await run.result()).toMatchObject({
      status: 'handled',
      notified: { status: 'confirmed', id: 'by phone' },
      draftId: 'draft-x',
    });
  });

  it('does not hide that something was left out', async () => {
    const { run } = await taken('manager-has-left');
    await run.send({ type: 'GO_ON', by: 'dana', reason: 'Her successor is told by hand.' });
    expect(await run.result()).toMatchObject({
      status: 'incomplete',
      notified: { status: 'skipped', id: null },
      draftId: 'draft-1',
      decisions: [{ by: 'dana', decided: 'to go on: Her successor is told by hand.' }],
    });
  });

  it('asks a person when the register is away, and goes on once it is back', async () => {
    vi.stubEnv('INTAKE_SERVICES_URL', 'http://127.0.0.1:9');
    const { run, rest } = await taken('an-order');
    expect(rest.value).toEqual({ awaitingIntake: 'waiting' });
    expect(rest.context.doubts[0]).toMatch(/^The document could not be registered\. .*crm/);
    vi.stubEnv('INTAKE_SERVICES_URL', server.url);
    await run.send({ type: 'TRY_AGAIN', by: 'dana' });
    expect((await run.result()).status).toBe('handled');
  });

  it('says what to set where no address is set', async () => {
    vi.stubEnv('INTAKE_SERVICES_URL', '');
    const { rest } = await taken('an-order');
    expect(rest.context.doubts[0]).toMatch(
      /Expected INTAKE_SERVICES_URL to hold the address of the intake services/,
    );
  });

  it('goes on with servers that were killed in between and came back elsewhere', async () => {
    const { run, rest } = await taken('customer-twice');
    expect(rest.value).toEqual({ awaitingCustomer: 'waiting' });
    await server.close();
    server = await startServer(intakeService, { database: join(folder, 'ledger.db') });
    vi.stubEnv('INTAKE_SERVICES_URL', server.url);
    await run.send({ type: 'PICK_CUSTOMER', by: 'dana', customerNumber: 'C-1005' });
    expect((await run.result()).status).toBe('handled');
    expect((await ledger()).notifications).toHaveLength(1);
  });
});

// ---- Over the real SDK ---------------------------------------------------------------------------------------------

describe('over the real SDK', () => {
  const good = {
    kind: 'order',
    sender: { value: 'Harrow & Pike Ltd', quote: 'From: Harrow & Pike Ltd', page: 1 },
    customerNumber: { value: 'C-1002', quote: 'Customer number: C-1002', page: 1 },
    references: [],
    dates: [],
    amounts: [{ value: 49.5, quote: 'GBP 49.50 each', page: 1, currency: 'GBP', meaning: 'price of one' }],
    request: { value: 'To confirm the order.', quote: 'Please confirm the order', page: 1 },
  };
  const summed = { ...good, amounts: [{ ...good.amounts[0], value: 594 }] };
  const reply = { subject: 'Your order', body: 'Dear Harrow & Pike Ltd, your order has arrived.' };

  async function answered(answers: ScriptedAnswer[], name = 'an-order') {
    const messages = await createMessagesServer({ answers });
    try {
      vi.stubEnv('ANTHROPIC_API_KEY', 'any');
      vi.stubEnv('ANTHROPIC_BASE_URL', messages.url);
      const workflow = createDocumentIntake({ times: { retryMs: 1, longestRetryMs: 1 } });
      const run = await engineOn(workflow).start(workflow, { input: sample(name) });
      const rest = await run.waitFor(atRest);
      expect(messages.unexpected).toEqual([]);
      const asked = messages.requests.map(({ body }) => body);
      return { run, rest, asked, spent: spendOf(await run.history()) };
    } finally {
      await Promise.all(engines.splice(0).map((engine) => engine.stop()));
      await messages.close();
    }
  }

  it('shows the cheap model what is wrong, then asks the better one, and has the draft written once more', async () => {
    const promised = { ...reply, body: 'Dear Harrow & Pike Ltd, we promise 12 relays.' };
    const { rest, asked, spent } = await answered([
      { status: 529 },
      { json: summed },
      { json: summed },
      { json: good },
      { json: promised },
      { json: reply },
    ]);
    expect(rest.output).toMatchObject({ status: 'handled', checkedBy: 'document', repliedBy: 'model' });
    expect(rest.output?.entities?.amounts).toMatchObject([{ value: 49.5 }]);
    expect(asked.map(({ model }) => model.split('-')[1])).toEqual([
      'haiku',
      'haiku',
      'haiku',
      'sonnet',
      'sonnet',
      'sonnet',
    ]);
    const told = asked.map(({ messages }) => JSON.stringify(messages.slice(1)));
    expect(told.map((text) => text.includes('The figure 594 does not stand in the source'))).toEqual([
      false,
      false,
      true,
      false,
      false,
      false,
    ]);
    expect(told[5]).toContain('It promises what only the account manager can decide.');
    expect(spent).toMatchObject({ calls: 5, unpriced: 0 });
    expect(spent.costUsd).toBeGreaterThan(0);
    expect((await ledger()).drafts).toMatchObject([
      { body: { ...reply, to: 'accounts@harrowpike.example' } },
    ]);
  });

  it('sends the file itself as a document, with its text in a fence', async () => {
    const { asked } = await answered([{ json: good }, { json: reply }]);
    const content = asked[0]?.messages[0]?.content;
    expect(content).toMatchObject([
      {
        type: 'document',
        source: { type: 'base64', media_type: 'application/pdf', data: sample('an-order').pdf },
        title: 'an-order.pdf',
      },
      {
        type: 'text',
        text: expect.stringMatching(/<document_text>[^]*Customer number: C-1002[^]*<\/document_text>$/),
      },
    ]);
    expect(asked[0]?.output_config?.format?.schema).toMatchObject({
      properties: { kind: { enum: expect.arrayContaining(['order']) as string[] } },
    });
  });

  it('takes nobody at their word who was told by the document what to say', async () => {
    const obeyed = {
      ...good,
      customerNumber: { value: 'C-1001', quote: 'Customer number: C-1001', page: 1 },
      request: { value: 'Pay EUR 10000 today.', quote: 'please pay EUR 10000 to us today', page: 1 },
      amounts: [{ value: 10_000, quote: 'EUR 10000', page: 1, currency: 'EUR', meaning: 'to pay' }],
    };
    const { rest } = await answered(
      Array.from({ length: 4 }, () => ({ json: obeyed })),
      'order-in-white-text',
    );
    expect(rest.value).toEqual({ awaitingEntities: 'waiting' });
    expect(rest.context.proposed).toMatchObject({ customerNumber: { value: 'C-1001' } });
    expect(await ledger()).toMatchObject({ notifications: [], drafts: [] });
  });

  it('has a person type what a model refuses to read', async () => {
    const { rest } = await answered([{ text: 'I would rather not.', stopReason: 'refusal' }], 'scanned-only');
    expect(rest.value).toEqual({ awaitingEntities: 'waiting' });
    expect(rest.context).toMatchObject({ proposed: null, problem: 'no-text' });
  });
});

// ---- People and time -----------------------------------------------------------------------------------------------

describe('a question', () => {
  it('goes on in another process, where the answer comes', async () => {
    const workflow = intake();
    const path = join(folder, 'runs.db');
    const first = engineOn(workflow, { store: sqliteStore(path) });
    const { id } = await first.start(workflow, { input: sample('cancellation') });
    const before = await first.run(id).waitFor({ state: 'awaitingReply' });
    expect(before.questions[0]?.proposed).toMatchObject({ subject: 'Your letter K-30551' });
    await first.stop();

    const second = engineOn(workflow, { store: sqliteStore(path) });
    const run = second.run<typeof workflow.machine>(id);
    const body = 'Dear Harrow & Pike Ltd, your letter has arrived. Tomás Herrera has it.';
    await run.send({ type: 'WRITE_REPLY', by: 'dana', subject: 'Your letter K-30551', body });
    const output = await run.result();
    expect(output).toMatchObject({ status: 'handled', repliedBy: 'dana' });
    expect(output.corrections).toMatchObject([{ by: 'dana', of: 'reply', changes: [{ path: ['body'] }] }]);
    expect((await ledger()).drafts).toMatchObject([{ body: { body } }]);
  });

  it('is repeated to the clerk until it is due, then goes to a supervisor, then to an end', async () => {
    const clock = createVirtualClock();
    const workflow = intake({ clerks: { ids: ['dana'] }, supervisors: { roles: ['lead'] } });
    const engine = engineOn(workflow, { store: memoryStore(), clock });
    const run = await engine.start(workflow, { input: sample('unknown-customer') });
    const first = await run.waitFor(atRest);
    expect(first.questions[0]?.who).toEqual({ ids: ['dana'] });
    for (let reminder = 1; reminder <= 2; reminder += 1) {
      await clock.advance(4 * hourMs);
      await vi.waitUntil(async () => (await ledger()).reminders.length === reminder);
      await run.waitFor(({ value }) => JSON.stringify(value) === '{"awaitingCustomer":"waiting"}');
    }
    await clock.advance(16 * hourMs);
    const escalated = await run.waitFor({ state: 'customerEscalated' });
    expect(escalated.questions).toMatchObject([
      { title: 'Supervisor: say which customer it is from', who: { roles: ['lead'] } },
    ]);
    await clock.advance(48 * hourMs);
    expect(await run.result()).toMatchObject({
      status: 'rejected',
      closed: { by: 'nobody', reason: 'Nobody said in time which customer the document is from.' },
      released: true,
    });
  });
});

it('keeps the bytes of the file out of what it stores once they are not needed', async () => {
  const { rest } = await taken('customer-twice');
  expect(rest.context.document.pdf).toBe('');
});
