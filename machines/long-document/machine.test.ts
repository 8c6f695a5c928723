/** The long document under a plain `createActor`, with stand-in and scripted models. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { ModelCallFailed, type ModelProvider } from 'signalbox';
import { afterEach, describe, expect, it } from 'vitest';
import { SimulatedClock, createActor, waitFor, type Actor, type SnapshotFrom } from 'xstate';

import { reportText } from '../../test/support/report-text.ts';
import { createLongDocumentMachine } from './machine.ts';
import {
  Document,
  Outcome,
  type ChunkInput,
  type DocumentEvent,
  type RepairInput,
  type Summary,
} from './schemas.ts';
import type { LongDocumentOptions } from './setup.ts';
import { documentStandIn } from './stand-in.ts';

type Machine = ReturnType<typeof createLongDocumentMachine>;
type Snapshot = SnapshotFrom<Machine>;

const samples = join(import.meta.dirname, 'samples');
const times = { retryMs: 1, longestRetryMs: 5 };
const report: Document = { title: 'The yards', text: reportText({ pages: 9 }) };

const reachedStates = new Set<string>();
let actors: Array<Actor<Machine>> = [];

afterEach(() => {
  for (const actor of actors.splice(0)) actor.stop();
});

function begin(input: Document, options: LongDocumentOptions = {}, clock?: SimulatedClock): Actor<Machine> {
  const machine = createLongDocumentMachine({
    provider: documentStandIn,
    ...options,
    times: { ...times, ...options.times },
  });
  const actor = createActor(machine, {
    input,
    ...(clock && { clock }),
    inspect: (event) => {
      // Transient states too: they are in no snapshot.
      if (event.type === '@xstate.microstep') {
        const { value } = event.snapshot as Snapshot;
        if (typeof value === 'string') reachedStates.add(value);
      }
    },
  });
  actors.push(actor);
  return actor.start();
}

/** Until it ends or a person is asked. */
function atRest(actor: Actor<Machine>): Promise<Snapshot> {
  return waitFor(actor, (snapshot) => snapshot.status !== 'active' || snapshot.hasTag('person'));
}

async function outcomeOf(actor: Actor<Machine>): Promise<Outcome> {
  const end = await waitFor(actor, ({ status }) => status !== 'active');
  expect(end.status).toBe('done');
  return Outcome.parse(end.output);
}

/** Answers where the script has an answer, and by the stand-in where it has none. */
function scripted(script: Partial<Record<string, (input: never, asked: number) => unknown>>): {
  readonly provider: ModelProvider;
  readonly asked: Array<{ readonly actor: string; readonly input: unknown }>;
} {
  const asked: Array<{ actor: string; input: unknown }> = [];
  return {
    asked,
    provider: {
      ...documentStandIn,
      complete: async (request, call) => {
        asked.push({ actor: request.actor, input: request.input });
        const times = asked.filter(({ actor }) => actor === request.actor).length;
        const answer = script[request.actor]?.(request.input as never, times);
        if (answer === undefined) return documentStandIn.complete(request, call);
        if (answer instanceof Error) throw answer;
        const refuses = answer === 'refusal';
        const text = typeof answer === 'string' ? answer : JSON.stringify(answer);
        const stopReason = refuses ? 'refusal' : 'end_turn';
        return { text, content: [{ type: 'text', text }], stopReason, model: 'scripted', response: { text } };
      },
    },
  };
}

const down = () => new ModelCallFailed('The key is wrong.', { details: { retryable: false } });
const only =
  (number: number, answer: () => unknown) =>
  (input: ChunkInput): unknown =>
    input.number === number ? answer() : undefined;

// ---- Samples -------------------------------------------------------------------------------------------------------

/** Where each sample comes to rest: at its end, or with a person. */
const ends: Record<string, string> = {
  '01-twenty-pages': 'done',
  '02-one-paragraph': 'done',
  '03-one-page': 'done',
  '04-empty': 'empty',
  '05-only-whitespace-and-page-ends': 'empty',
  '06-no-paragraphs': 'done',
  '07-no-spaces': 'done',
  '08-windows-line-ends': 'done',
  '09-old-mac-line-ends': 'done',
  '10-markdown': 'done',
  '11-order-to-answer-otherwise': 'done',
  '12-order-in-one-paragraph': 'done',
  '13-summary-in-the-text': 'done',
  '14-figures-that-do-not-add-up': 'done',
  '15-contradicting-figures': 'done',
  '16-large-figures': 'done',
  '17-forecast': 'awaitingReview',
  '18-pasted-file': 'awaitingMissingChunks',
  '19-only-a-pasted-file': 'awaitingMissingChunks',
  '20-german': 'done',
  '21-japanese': 'done',
  '22-arabic': 'done',
  '23-emoji-and-accents': 'done',
  '24-control-characters': 'done',
  '25-table-of-contents': 'done',
  '26-pasted-log': 'done',
  '27-questions-only': 'done',
  '28-asks-whatever-it-costs': 'awaitingGoAhead',
  '29-repeats-itself': 'done',
  '30-headings-only': 'done',
};

function sample(name: string): Document {
  return Document.parse(JSON.parse(readFileSync(join(samples, `${name}.json`), 'utf8')));
}

describe('the samples', () => {
  it('are all here', () => {
    expect(readdirSync(samples).map((file) => file.replace(/\.json$/, ''))).toEqual(Object.keys(ends));
  });

  it.each(Object.entries(ends))('%s comes to rest in %s', async (name, end) => {
    const rest = await atRest(begin(sample(name)));
    expect(rest.value).toBe(end);
    if (end === 'done') {
      const outcome = Outcome.parse(rest.output);
      expect(outcome.unverified).toEqual([]);
      expect(outcome.missing).toEqual([]);
      for (const { sources } of outcome.keyPoints) expect(sources.length).toBeGreaterThan(0);
    }
  });

  it('that give orders are summarised like any other', async () => {
    const { provider, asked } = scripted({});
    const outcome = await outcomeOf(
      begin(sample('11-order-to-answer-otherwise'), { provider, chunkTokens: 800 }),
    );
    expect(outcome).toMatchObject({ status: 'summarized', missing: [], stopped: null });
    expect(asked.filter(({ actor }) => actor === 'summarizeChunk')).toHaveLength(outcome.cost.chunks);
  });

  it('that do not add up go to the better model', async () => {
    const { provider, asked } = scripted({});
    const outcome = await outcomeOf(begin(sample('14-figures-that-do-not-add-up'), { provider }));
    expect(asked.map(({ actor }) => actor)).toEqual([
      'summarizeChunk',
      'summarizeChunk',
      'summarizeChunkBetter',
    ]);
    expect(outcome.summary).not.toContain('27');
  });

  it('that are rounded are repaired', async () => {
    const { provider, asked } = scripted({});
    const outcome = await outcomeOf(begin(sample('16-large-figures'), { provider }));
    expect(asked.filter(({ actor }) => actor === 'repairSummary')).toHaveLength(1);
    expect(outcome.summary).not.toContain('round figures');
    expect(outcome.summary).toContain('12,345,678');
  });
});

// ---- A run that goes well ------------------------------------------------------------------------------------------

describe('a summary', () => {
  it('names for each point the pages that it comes from', async () => {
    const outcome = await outcomeOf(begin(report));
    expect(outcome.cost).toMatchObject({ pages: 9, calls: outcome.cost.chunks + 1 });
    for (const { text, sources } of outcome.keyPoints) {
      const pages = report.text.split('\f');
      const cited = sources.flatMap(({ firstPage, lastPage }) => pages.slice(firstPage - 1, lastPage));
      expect(cited.join('\n').replaceAll(/\s+/g, ' ')).toContain(text.slice(0, 60));
    }
  });

  it('of one chunk is that of the chunk, and nothing is merged', async () => {
    const { provider, asked } = scripted({});
    const outcome = await outcomeOf(begin({ title: 'A note', text: 'It is 5 o’clock.' }, { provider }));
    expect(asked.map(({ actor }) => actor)).toEqual(['summarizeChunk']);
    expect(outcome).toMatchObject({
      summary: 'It is 5 o’clock.',
      keyPoints: [{ text: 'It is 5 o’clock.', sources: [{ chunk: 1, firstPage: 1, lastPage: 1 }] }],
      cost: { chunks: 1, calls: 1 },
    });
  });

  it.each([
    [2, 3],
    [3, 3],
    [8, 9],
    [5, 12],
  ])('makes the calls that were estimated, with %i at a time on %i pages', async (fanIn, pages) => {
    const { provider, asked } = scripted({});
    const text = reportText({ pages });
    const outcome = await outcomeOf(begin({ title: '', text }, { provider, fanIn, chunkTokens: 500 }));
    expect(outcome.cost.chunks).toBeGreaterThan(fanIn);
    expect(asked).toHaveLength(outcome.cost.calls);
  });

  it('may not come from chunks that the model was not given', async () => {
    const invented: Summary = { summary: 'All is well.', keyPoints: [{ text: 'So it is.', chunks: [99] }] };
    const { provider, asked } = scripted({ mergeSummaries: () => invented });
    const rest = await atRest(begin(report, { provider }));
    expect(rest.value).toBe('awaitingCombination');
    expect(rest.context.doubts[0]).toContain('names chunk 99');
    expect(asked.filter(({ actor }) => actor === 'mergeSummaries')).toHaveLength(2);
  });
});

// ---- What it costs -------------------------------------------------------------------------------------------------

describe('a document that costs more than the limit', () => {
  const dear: Document = { ...report, askAboveUsd: 0.0001 };

  it('is not begun before a person has said so', async () => {
    const { provider, asked } = scripted({});
    const actor = begin(dear, { provider });
    const rest = await atRest(actor);
    expect(rest.value).toBe('awaitingGoAhead');
    expect(rest.context.doubts[0]).toMatch(
      /^About \$0\.\d{4} for \d+ calls is more than the limit of \$0.0001\.$/,
    );
    expect(asked).toEqual([]);
    actor.send({ type: 'GO_AHEAD', by: 'dana' });
    const outcome = await outcomeOf(actor);
    expect(outcome).toMatchObject({
      status: 'summarized',
      decisions: [{ by: 'dana', decided: 'to go ahead' }],
    });
  });

  it('is not begun if a person stops it, or nobody says anything in time', async () => {
    const { provider, asked } = scripted({});
    const actor = begin(dear, { provider });
    actor.send({ type: 'STOP', by: 'dana', reason: 'Too dear.' });
    expect(await outcomeOf(actor)).toMatchObject({
      status: 'stopped',
      summary: '',
      stopped: { by: 'dana', reason: 'Too dear.' },
    });

    const clock = new SimulatedClock();
    const other = begin(dear, { provider }, clock);
    clock.increment(3 * 24 * 3_600_000);
    expect(await outcomeOf(other)).toMatchObject({ status: 'stopped', stopped: { by: 'nobody' } });
    expect(asked).toEqual([]);
  });

  it('is asked about too if it is over the budget, or its price is not known', async () => {
    expect((await atRest(begin(report, { budgetUsd: 0.0001 }))).value).toBe('awaitingGoAhead');
    const prices = { asOf: '2026-01-01', source: 'none', models: {} };
    const rest = await atRest(begin(report, { prices }));
    expect(rest.value).toBe('awaitingGoAhead');
    expect(rest.context.doubts).toEqual([
      'The price of a model is not known, so it cannot be said what it will cost.',
    ]);
  });
});

// ---- What goes wrong -----------------------------------------------------------------------------------------------

describe('a chunk that cannot be summarised', () => {
  const broken = { summarizeChunk: only(2, down), summarizeChunkBetter: only(2, down) };

  it('goes to the better model first', async () => {
    const { provider, asked } = scripted({ summarizeChunk: only(2, down) });
    expect(await outcomeOf(begin(report, { provider }))).toMatchObject({ status: 'summarized', missing: [] });
    const better = asked.filter(({ actor }) => actor === 'summarizeChunkBetter');
    expect(better.map(({ input }) => (input as ChunkInput).number)).toEqual([2]);
  });

  it.each([
    ['refused', () => 'refusal', /refus/i],
    ['garbage', () => '{"summary": ', /JSON/],
    ['with a figure of its own', () => ({ summary: 'It was 98,765 at last.', points: ['So.'] }), /98,765/],
    ['of another form', () => ({ approved: true, amount: 10_000 }), /summary/],
  ])('because the answer is %s is for a person', async (_, answer, why) => {
    const { provider } = scripted({ summarizeChunk: only(2, answer), summarizeChunkBetter: only(2, answer) });
    const rest = await atRest(begin(report, { provider }));
    expect(rest.value).toBe('awaitingMissingChunks');
    expect(rest.context.missing).toMatchObject([{ chunk: 2, why: expect.stringMatching(why) as string }]);
  });

  it('is left out if a person says so, and the output names it', async () => {
    const { provider } = scripted(broken);
    const actor = begin(report, { provider });
    await atRest(actor);
    actor.send({ type: 'LEAVE_OUT', by: 'dana' });
    const outcome = await outcomeOf(actor);
    expect(outcome).toMatchObject({
      status: 'summarized',
      missing: [{ chunk: 2, firstPage: 4, why: 'The key is wrong.' }],
      decisions: [{ by: 'dana' }],
    });
    const cited = outcome.keyPoints.flatMap(({ sources }) => sources.map(({ chunk }) => chunk));
    expect(cited).not.toContain(2);
  });

  it('is tried again if a person says so, and only that one', async () => {
    let isBroken = true;
    const { provider, asked } = scripted({
      summarizeChunk: only(2, () => (isBroken ? down() : undefined)),
      summarizeChunkBetter: only(2, down),
    });
    const actor = begin(report, { provider });
    await atRest(actor);
    const before = asked.length;
    isBroken = false;
    actor.send({ type: 'TRY_AGAIN', by: 'dana' });
    expect(await outcomeOf(actor)).toMatchObject({ status: 'summarized', missing: [] });
    expect(asked.slice(before).map(({ actor: name }) => name)).toEqual(['summarizeChunk', 'mergeSummaries']);
  });

  it('is tried again three times at most, and ends the run if nobody decides', async () => {
    const { provider } = scripted(broken);
    const clock = new SimulatedClock();
    const actor = begin(report, { provider }, clock);
    for (let round = 1; round <= 3; round++) {
      expect((await atRest(actor)).context.rounds).toBe(round - 1);
      actor.send({ type: 'TRY_AGAIN', by: 'dana' });
    }
    const rest = await atRest(actor);
    expect(rest.can({ type: 'TRY_AGAIN', by: 'dana' })).toBe(false);
    clock.increment(3 * 24 * 3_600_000);
    expect(await outcomeOf(actor)).toMatchObject({ status: 'stopped', missing: [{ chunk: 2 }] });
  });

  it('cannot be left out if there is no other', async () => {
    const { provider } = scripted({ summarizeChunk: down, summarizeChunkBetter: down });
    const actor = begin(report, { provider });
    const rest = await atRest(actor);
    expect(rest.context.missing).toHaveLength(rest.context.chunks.length);
    expect(rest.can({ type: 'LEAVE_OUT', by: 'dana' })).toBe(false);
    actor.send({ type: 'STOP', by: 'dana', reason: 'It is a picture.' });
    expect((await outcomeOf(actor)).missing).toHaveLength(rest.context.chunks.length);
  });
});

describe('summaries that cannot be combined', () => {
  it('are tried again, or given up, as a person says', async () => {
    const { provider } = scripted({ mergeSummaries: (_, times) => (times === 1 ? down() : undefined) });
    const actor = begin(report, { provider });
    expect((await atRest(actor)).value).toBe('awaitingCombination');
    actor.send({ type: 'TRY_AGAIN', by: 'dana' });
    expect(await outcomeOf(actor)).toMatchObject({ status: 'summarized' });

    const clock = new SimulatedClock();
    const other = begin(report, { provider: scripted({ mergeSummaries: down }).provider }, clock);
    await atRest(other);
    clock.increment(3 * 24 * 3_600_000);
    expect(await outcomeOf(other)).toMatchObject({ status: 'stopped' });
  });
});

describe('a summary with figures that do not stand in its sources', () => {
  const wrong: Summary = {
    summary: 'There were 88,888 tonnes.',
    keyPoints: [{ text: 'The yard closed at 400,001 tonnes.', chunks: [2] }],
  };

  it('is repaired once, with the passages at hand', async () => {
    const { provider, asked } = scripted({
      mergeSummaries: () => wrong,
      repairSummary: ({ draft }: RepairInput): Summary => ({
        summary: 'There was stone.',
        keyPoints: draft.keyPoints.map((point) => ({ ...point, chunks: [1] })),
      }),
    });
    const outcome = await outcomeOf(begin(report, { provider }));
    const repairs = asked.filter(({ actor }) => actor === 'repairSummary');
    expect(repairs.map(({ input }) => input)).toMatchObject([
      {
        draft: wrong,
        faults: [
          expect.stringContaining('The figure 88,888 does not stand'),
          expect.stringMatching(/^Key point 1 \(from chunk 2\): .*400,001/),
        ],
        passages: [{ chunk: 2 }],
      },
    ]);
    expect(outcome).toMatchObject({
      status: 'summarized',
      unverified: [],
      keyPoints: [{ sources: [{ chunk: 1, firstPage: 1 }] }],
    });
  });

  it('is for a person if it stays so, and is taken with its faults named', async () => {
    const { provider } = scripted({ mergeSummaries: () => wrong, repairSummary: () => wrong });
    const actor = begin(report, { provider });
    const rest = await atRest(actor);
    expect(rest.value).toBe('awaitingReview');
    actor.send({ type: 'ACCEPT', by: 'dana' });
    const outcome = await outcomeOf(actor);
    expect(outcome).toMatchObject({ status: 'summarized', summary: wrong.summary });
    expect(outcome.unverified).toHaveLength(2);
  });

  it('is for a person if it cannot be repaired, and given up if nobody looks', async () => {
    const { provider } = scripted({ mergeSummaries: () => wrong, repairSummary: down });
    const clock = new SimulatedClock();
    const actor = begin(report, { provider }, clock);
    expect((await atRest(actor)).context.doubts).toEqual([
      'The summary could not be repaired. The key is wrong.',
    ]);
    clock.increment(3 * 24 * 3_600_000);
    expect(await outcomeOf(actor)).toMatchObject({ status: 'stopped', summary: '' });
  });
});

it('has reached every state in the tests above', () => {
  const machine = createLongDocumentMachine();
  // The first is left before anyone can look.
  expect([...reachedStates, 'estimated'].sort()).toEqual(Object.keys(machine.states).sort());
  for (const state of Object.values(machine.states)) expect(state.description).toBeTruthy();
});

it('takes each of its events somewhere', () => {
  const known: Array<DocumentEvent['type']> = ['ACCEPT', 'GO_AHEAD', 'LEAVE_OUT', 'STOP', 'TRY_AGAIN'];
  const types = createLongDocumentMachine().events as string[];
  expect(types.filter((type) => !type.startsWith('xstate.')).sort()).toEqual(known);
});
