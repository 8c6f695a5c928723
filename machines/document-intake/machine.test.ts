/** The document intake as a plain machine: what holds for all of its states, and that it runs without an engine. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { createEngine, fromTool } from 'signalbox';
import { memoryStore } from 'signalbox/memory';
import { createMessagesServer } from 'signalbox/testing';
import { expect, it, onTestFinished, vi } from 'vitest';
import { createActor, toPromise, waitFor } from 'xstate';

import { startServer } from '../services/start-server.ts';
import { createDocumentIntake } from './index.ts';
import { createDocumentIntakeMachine } from './machine.ts';
import { Document, Draft, DraftInput, Extraction, ExtractInput, Outcome } from './schemas.ts';
import { intakeService } from './services/app.ts';
import { intakeStandIn } from './stand-in.ts';

const machine = createDocumentIntakeMachine({ provider: intakeStandIn });
const states = Object.entries(machine.states);
const asking = states.filter(([, { tags }]) => tags.includes('person'));

async function services(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-intake-machine-'));
  const server = await startServer(intakeService, { database: join(folder, 'ledger.db') });
  vi.stubEnv('INTAKE_SERVICES_URL', server.url);
  onTestFinished(async () => {
    vi.unstubAllEnvs();
    await server.close();
    rmSync(folder, { recursive: true });
  });
}

function sample(file: string): Document {
  return Document.parse(JSON.parse(readFileSync(join(import.meta.dirname, 'samples', file), 'utf8')));
}

it('says of each state what it is', () => {
  expect(states.filter(([, { description }]) => !description).map(([name]) => name)).toEqual([]);
});

it('asks nobody without a due time, and everybody but supervisors with a reminder', () => {
  expect(asking).toHaveLength(12);
  for (const [name, { config, meta }] of asking) {
    const { due, remind } = (meta as { person: { due?: string; remind?: string } }).person;
    const isClerk = name.startsWith('awaiting');
    expect([name, due, remind]).toEqual([
      name,
      isClerk ? 'answerTime' : 'supervisorTime',
      isClerk ? 'reminderTime' : undefined,
    ]);
    expect(Object.keys(config.after ?? {})).toEqual([due]);
  }
});

it('passes each question on to a supervisor who may answer the same, and from there to no other question', () => {
  const byName = new Map(states);
  const targetOf = (name: string): string =>
    byName.get(name)?.after.flatMap(({ target }) => target?.map(({ key }) => key) ?? [])[0] ?? '';
  const answersOf = (name: string): string[] => Object.keys(byName.get(name)?.config.on ?? {}).sort();
  const names = asking.map(([name]) => name);
  for (const name of names.filter((one) => one.startsWith('awaiting'))) {
    const supervisor = targetOf(name);
    expect(answersOf(name).length).toBeGreaterThan(1);
    expect(answersOf(supervisor)).toEqual(answersOf(name));
    expect([...byName.keys()]).toContain(targetOf(supervisor));
    expect(names).not.toContain(targetOf(supervisor));
  }
});

it('runs under a plain `createActor`', async () => {
  await services();
  const actor = createActor(machine, { input: sample('01-an-order.json') });
  const ended = toPromise(actor);
  actor.start();
  expect(Outcome.parse(await ended)).toMatchObject({ status: 'handled', draftId: 'draft-2' });
});

const unsaid: Extraction = {
  kind: 'order',
  sender: null,
  customerNumber: { value: 'C-1001', quote: 'Customer number: C-1001', page: 1 },
  references: [],
  dates: [],
  amounts: [],
  request: { value: 'Pay us.', quote: 'Pay us.', page: 1 },
};

/** Without the checks that the models' actors have. */
const credulousExtraction = fromTool({
  name: 'extractEntities',
  input: ExtractInput,
  output: Extraction,
  run: async () => unsaid,
});
const credulousDraft = fromTool({
  name: 'draftReply',
  input: DraftInput,
  output: Draft,
  run: async () => ({ subject: 'Yes', body: 'We promise to refund 10,000 today.' }),
});

it.each([
  ['awaitingEntities', machine.provide({ actors: { extractEntities: credulousExtraction } })],
  ['awaitingReply', machine.provide({ actors: { draftReply: credulousDraft } })],
])('takes nothing on trust, whichever actor says it: %s', async (state, credulous) => {
  await services();
  const actor = createActor(credulous, { input: sample('01-an-order.json') }).start();
  onTestFinished(() => void actor.stop());
  const rest = await waitFor(actor, (snapshot) => snapshot.hasTag('person'));
  expect(rest.value).toEqual({ [state]: 'waiting' });
});

it('asks a person when the budget is spent', async () => {
  await services();
  const messages = await createMessagesServer({ answers: [] });
  onTestFinished(() => messages.close());
  vi.stubEnv('ANTHROPIC_API_KEY', 'any');
  vi.stubEnv('ANTHROPIC_BASE_URL', messages.url);
  const workflow = createDocumentIntake({ budgetUsd: 0.001 });
  const engine = createEngine({ workflows: [workflow], check: false, store: memoryStore() });
  onTestFinished(() => engine.stop());
  const run = await engine.start(workflow, { input: sample('01-an-order.json') });
  const rest = await run.waitFor({ state: 'awaitingEntities' });
  expect(rest.context.doubts.join()).toMatch(/budget/i);
  expect(messages.requests).toEqual([]);
});
