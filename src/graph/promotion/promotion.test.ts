/** Each line of the promotion check: a machine that fails just that line, and a near twin that passes. */
import { expect, describe, it } from 'vitest';
import { type AnyActorLogic, assign, createMachine, fromPromise, setup } from 'xstate';
import { z } from 'zod';

import { memoryStore } from '../../../persistence/memory.ts';
import { durableLogic } from '../../actors/durable-logic.ts';
import { fromAgent, fromMap, fromTool, fromVote } from '../../actors/index.ts';
import { createEngine } from '../../engine/engine.ts';
import { gate } from '../../gates/gate.ts';
import { person } from '../../gates/person.ts';
import type { DurableActor } from '../../invocation.ts';
import { type AnyWorkflow, defineWorkflow, type WorkflowDefinition } from '../../workflow.ts';
import type { LineId } from './line.ts';
import { promotion, type Promotion, type PromotionOptions } from './promotion.ts';
import type { RecordedRun } from './recorded-runs.ts';

// --- a workflow that passes every line ----------------------------------------------------------------------------------

const Decision = z.object({ refund: z.boolean(), amount: z.number().min(0).max(200) });
type Decision = z.infer<typeof Decision>;

interface Asked {
  readonly text: string;
}

interface ModelOptions {
  readonly standIn?: boolean;
  readonly declares?: Partial<DurableActor>;
}

/** A model as the engine sees one: what it answers is on record as an exchange. */
function model<T>(
  name: string,
  output: z.ZodType<T>,
  answer: (input: never) => T,
  options: ModelOptions = {},
) {
  const { standIn = false, declares = {} } = options;
  return durableLogic<T, unknown>({
    kind: 'model',
    name,
    output,
    irreversible: false,
    idempotent: false,
    fallible: true,
    permissions: { reads: [], writes: [] },
    ...declares,
    perform: async (input, scope) =>
      scope.exchange({
        kind: 'model',
        by: standIn ? 'stand-in' : 'anthropic',
        standIn,
        request: { input },
        perform: async () => answer(input as never),
        describe: (response) => ({ response }),
      }),
  } as DurableActor);
}

function decider(options: ModelOptions = {}) {
  return model(
    'decide',
    Decision,
    ({ text }: Asked) => ({ refund: text.includes('charged'), amount: text.length }),
    options,
  );
}

function payer(declares: Partial<DurableActor> = {}): AnyActorLogic {
  const tool = fromTool({
    name: 'pay',
    input: z.object({ amount: z.number() }),
    output: z.object({ receipt: z.literal('R-1') }),
    irreversible: true,
    idempotencyKey: () => 'once',
    writes: ['payments'],
    timeoutMs: 1_000,
    run: async () => ({ receipt: 'R-1' as const }),
  });
  return durableLogic({ ...tool.signalbox, ...declares });
}

interface Parts {
  readonly decide?: AnyActorLogic;
  readonly pay?: AnyActorLogic;
  /** What stands before the payment. */
  readonly before?: unknown;
  readonly guards?: Record<string, never>;
  readonly about?: Partial<WorkflowDefinition<never, unknown>>;
}

const sane = gate('sane', ({ event }) => {
  const { output } = event as unknown as { readonly output: Decision };
  return (output.refund && output.amount <= 100) || ['It is no refund within the limit.'];
});

const outputOf = (event: unknown): Decision => (event as { readonly output: Decision }).output;

function refundWorkflow({
  decide = decider(),
  pay = payer(),
  before = 'sane',
  guards,
  about,
}: Parts = {}): AnyWorkflow {
  const machine = setup({
    types: { context: {} as { text: string; amount: number }, input: {} as Asked },
    actors: { decide: decide as never, pay: pay as never },
    guards: { sane, ...guards } as never,
    actions: {
      keep: assign(({ event }) => ({ amount: outputOf(event).amount })) as never,
    },
  }).createMachine({
    id: 'refund',
    context: ({ input }: { input: Asked }) => ({ text: input.text, amount: 0 }),
    initial: 'deciding',
    states: {
      deciding: {
        description: 'The model proposes a refund.',
        invoke: {
          id: 'decide',
          src: 'decide',
          input: ({ context }: { context: Asked }) => ({ text: context.text }),
          onDone: [{ guard: before, target: 'paying', actions: 'keep' }, { target: 'awaitingPerson' }],
          onError: 'awaitingPerson',
        },
        after: { 60_000: 'awaitingPerson' },
      },
      awaitingPerson: {
        ...person({ title: 'Approve it' }),
        on: { APPROVE: 'paying', REJECT: 'declined' },
        after: { 1_000: 'declined' },
      },
      paying: {
        invoke: {
          id: 'pay',
          src: 'pay',
          input: ({ context }: { context: { amount: number } }) => ({ amount: context.amount }),
          onDone: 'paid',
          onError: 'unknown',
        },
      },
      paid: { type: 'final' },
      declined: { type: 'final' },
      unknown: { type: 'final' },
    },
  } as never);
  return defineWorkflow({
    machine: machine as never,
    version: '1.0.0',
    title: 'Refund',
    owner: 'support',
    budget: { usd: 1 },
    examples: [
      {
        name: 'charged twice',
        input: { text: 'charged twice' },
        outputs: {
          decide: [
            { refund: true, amount: 50 },
            { refund: true, amount: 150 },
          ],
        },
      },
    ],
    ...(about as object),
  }) as AnyWorkflow;
}

const texts = ['I was charged twice.', 'Good morning!', 'Why was I charged in June, of all months?'];

// --- runs that were really made -----------------------------------------------------------------------------------------

async function recorded(workflow: AnyWorkflow, inputs: readonly unknown[]): Promise<RecordedRun[]> {
  const engine = createEngine({ workflows: [workflow], store: memoryStore() });
  try {
    const runs: RecordedRun[] = [];
    for (const [index, input] of inputs.entries()) {
      const run = await engine.start(workflow, { id: `R-${index + 1}`, input });
      const at = await run.settled();
      if (at.status === 'waiting') await run.send({ type: 'REJECT' });
      const { status, id, version } = await run.settled();
      runs.push({ id, workflow: workflow.name, version, status, history: await run.history() });
    }
    return runs;
  } finally {
    await engine.stop();
  }
}

async function refunded(parts: Parts = {}, inputs: readonly unknown[] = texts.map((text) => ({ text }))) {
  const workflow = refundWorkflow(parts);
  return { workflow, runs: await recorded(workflow, inputs) };
}

function failing({ lines }: Promotion): LineId[] {
  return lines.filter(({ verdict }) => verdict === 'fails').map(({ id }) => id);
}

function lineOf(filled: Promotion, wanted: LineId) {
  const line = filled.lines.find(({ id }) => id === wanted);
  if (!line) throw new Error(`There is no line ${wanted}.`);
  return line;
}

function said(filled: Promotion, wanted: LineId): string {
  const { says, evidence, problems } = lineOf(filled, wanted);
  const items = evidence.flatMap(({ topic, items: all }) =>
    all.map((one) => `${topic} / ${one.name}: ${one.says}`),
  );
  return [says, ...items, ...problems.map(({ what, fix }) => `${what} ${fix}`)].join('\n');
}

async function filledFor(parts: Parts = {}, options: PromotionOptions = {}, inputs?: readonly unknown[]) {
  const { workflow, runs } = await refunded(parts, inputs);
  return promotion(workflow, runs, options);
}

describe('the promotion check', () => {
  it('passes where every line does', async () => {
    const filled = await filledFor();
    expect(failing(filled)).toEqual([]);
    expect(filled).toMatchObject({ workflow: 'refund@1.0.0', verdict: 'passes', owner: 'support', runs: 3 });
  });

  it('has plain data only, to be given to machines', async () => {
    const filled = await filledFor();
    expect(JSON.parse(JSON.stringify(filled))).toEqual(filled);
  });

  it('leaves out runs of other workflows', async () => {
    const { workflow, runs } = await refunded();
    const filled = promotion(workflow, [...runs, ...runs.map((run) => ({ ...run, workflow: 'other' }))]);
    expect(filled.runs).toBe(3);
  });
});

describe('the flowchart', () => {
  it('lists steps, branches and loops', async () => {
    const text = said(await filledFor(), 'flowchart');
    expect(text).toContain('steps / deciding: invokes decide (model). The model proposes a refund.');
    expect(text).toContain('steps / awaitingPerson: asks a person "Approve it"');
    expect(text).toContain('steps / paying: invokes pay (tool, irreversible)');
    expect(text).toContain('branches / deciding / decide.done: sane → paying; else → awaitingPerson');
  });

  it('fails for a guard without a name, and not for one that has it', async () => {
    const isSane = ({ event }: { event: unknown }) => outputOf(event).amount <= 100;
    // The name that a function has which stands at `guard`.
    const { guard } = {
      guard: (args: { event: unknown }) => isSane(args) && sane(args as never, undefined as never),
    };
    const inline = await filledFor({ before: guard });
    expect(failing(inline)).toEqual(['flowchart']);
    expect(lineOf(inline, 'flowchart').problems).toEqual([
      expect.objectContaining({ where: 'deciding decide.done 0' }),
    ]);
  });

  it('fails for a loop without a bound, and tells the bound of one that is counted', () => {
    const looping = (guard: string) =>
      defineWorkflow({
        machine: setup({
          types: { context: {} as { rounds: number } },
          actors: { decide: decider() as never },
          guards: { always: () => true, few: ({ context }) => context.rounds < 3 },
        }).createMachine({
          id: 'looping',
          context: { rounds: 0 },
          initial: 'asking',
          states: {
            asking: {
              invoke: {
                id: 'decide',
                src: 'decide',
                input: undefined as never,
                onDone: [
                  {
                    guard: guard as 'few',
                    target: 'asking',
                    reenter: true,
                    actions: assign({ rounds: ({ context }) => (guard === 'few' ? context.rounds + 1 : 0) }),
                  },
                  { target: 'done' },
                ],
                onError: 'done',
              },
            },
            done: { type: 'final' },
          },
        }),
        version: '1',
      }) as AnyWorkflow;
    const endless = lineOf(promotion(looping('always'), []), 'flowchart');
    expect(endless.problems.map(({ what }) => what)).toEqual([expect.stringContaining('round for ever')]);
    const counted = promotion(looping('few'), []);
    expect(lineOf(counted, 'flowchart').verdict).toBe('passes');
    expect(said(counted, 'flowchart')).toContain(
      'asking decide.done 0: back to asking if few: at most 3 times in a run',
    );
  });

  it('fails where not all was looked at', async () => {
    const short = await filledFor({}, { maxNodes: 2 });
    expect(failing(short)).toContain('flowchart');
    expect(said(short, 'flowchart')).toContain('were not gone on from');
  });
});

describe('inputs', () => {
  const copies = [
    { text: 'I was charged twice for T-1001.' },
    { text: '  i was CHARGED twice for T-2002.\n' },
    { text: 'Good morning!' },
  ];

  it('fails for copies that differ in ids, white space and letter case', async () => {
    const filled = await filledFor({}, {}, copies);
    expect(failing(filled)).toEqual(['inputs']);
    expect(lineOf(filled, 'inputs').says).toContain('2 different inputs in 3 runs');
    expect(lineOf(filled, 'inputs').evidence[0]?.items[0]?.runs).toEqual(['R-1', 'R-2']);
  });

  it('fails where all runs took the same way, and there are others', async () => {
    const filled = await filledFor(
      {},
      {},
      ['Hello.', 'Bye.', 'How are you?'].map((text) => ({ text })),
    );
    expect(failing(filled)).toEqual(['inputs']);
    expect(said(filled, 'inputs')).toContain('All 3 runs took the same way');
    expect(said(filled, 'inputs')).toContain('deciding decide.done 0');
  });

  it('does not count what stand-ins answered, unless it is told to', async () => {
    const standIn = { decide: decider({ standIn: true }) };
    const apart = await filledFor(standIn);
    expect(failing(apart)).toEqual(['inputs']);
    expect(said(apart, 'inputs')).toContain('3 runs answered by stand-ins are not counted');
    const counting = await filledFor(standIn, { countStandIns: true });
    expect(failing(counting)).toEqual([]);
    expect(said(counting, 'inputs')).toContain(
      '3 runs: stand-ins or recordings answered where a model would have',
    );
  });

  it('does not count runs in which no model was asked, unless the workflow asks none', async () => {
    const { workflow, runs } = await refunded();
    const [one] = runs as [RecordedRun];
    const start = one.history.slice(0, 1);
    const unasked = { ...one, id: 'R-9', history: start };
    const apart = promotion(workflow, [...runs, unasked]);
    expect(said(apart, 'inputs')).toContain('in which no model was asked, not counted / R-9: done');
    expect(lineOf(apart, 'inputs').says).toContain('3 different inputs in 3 runs');
    const patient = defineWorkflow({
      machine: createMachine({ id: 'patient', initial: 'over', states: { over: { type: 'final' } } }),
      version: '1',
    }) as AnyWorkflow;
    const plain = promotion(patient, await recorded(patient, texts));
    expect(lineOf(plain, 'inputs')).toMatchObject({ verdict: 'passes' });
  });

  it('tells an input that is nothing but an id by its id', async () => {
    const byId = ['T-1', 'T-2', 'T-3'].map((documentId) => ({ documentId, at: '2026-11-21' }));
    const look = defineWorkflow({
      machine: createMachine({ id: 'look', initial: 'over', states: { over: { type: 'final' } } }),
      version: '1',
    }) as AnyWorkflow;
    expect(lineOf(promotion(look, await recorded(look, byId)), 'inputs').says).toContain(
      '3 different inputs',
    );
  });

  it('does not count replayed recordings', async () => {
    const { workflow, runs } = await refunded();
    const replayed = runs.map((run) => ({
      ...run,
      history: run.history.map((entry) =>
        'exchanges' in entry && entry.exchanges
          ? { ...entry, exchanges: entry.exchanges.map((one) => ({ ...one, replayed: true })) }
          : entry,
      ),
    }));
    expect(failing(promotion(workflow, replayed))).toEqual(['inputs']);
    expect(failing(promotion(workflow, replayed, { countStandIns: true }))).toEqual([]);
  });

  it('lists runs of other versions, those that have not ended, and those that do not fit the machine', async () => {
    const { workflow, runs } = await refunded();
    const [one, two, three] = runs as [RecordedRun, RecordedRun, RecordedRun];
    const filled = promotion(workflow, [
      { ...one, version: '0.9.0' },
      { ...two, status: 'waiting' },
      { ...three, history: [...three.history, ...three.history.slice(1)] },
    ]);
    expect(failing(filled)).toEqual(['inputs']);
    const text = said(filled, 'inputs');
    expect(text).toContain('of other versions, not counted / R-1: 0.9.0, done');
    expect(text).toContain('not at an end, not counted / R-2: waiting');
  });

  it('says that a machine was changed under its version', async () => {
    const { runs } = await refunded();
    const changed = defineWorkflow({
      machine: createMachine({ id: 'refund', initial: 'other', states: { other: { type: 'final' } } }),
      version: '1.0.0',
    }) as AnyWorkflow;
    expect(said(promotion(changed, runs), 'inputs')).toContain('The machine was changed after 3 runs');
  });
});

describe('side effects', () => {
  it('fails for what writes and is not idempotent, irreversible or not', async () => {
    const twice = await filledFor({ pay: payer({ idempotent: false }) });
    expect(failing(twice)).toEqual(['effects', 'findings']);
    expect(lineOf(twice, 'effects').problems).toHaveLength(1);
    const reversible = await filledFor({ pay: payer({ idempotent: false, irreversible: false }) });
    expect(failing(reversible)).toEqual(['effects']);
    expect(said(reversible, 'effects')).toContain('writes payments, and after a crash it may do so twice');
    expect(failing(await filledFor({ pay: payer({ irreversible: false }) }))).toEqual([]);
  });

  it('fails for what does not say what it touches', async () => {
    expect(failing(await filledFor({ pay: payer({ permissions: undefined }) }))).toEqual(['effects']);
    const plain = fromPromise(async () => ({ receipt: 'R-1' as const }));
    const declaresNothing = await filledFor({ pay: plain });
    expect(said(declaresNothing, 'effects')).toContain('`pay` declares nothing');
  });

  it('fails where a model decides and does it at once', async () => {
    const decide = decider({
      declares: { permissions: { reads: [], writes: ['payments'] }, idempotent: true },
    });
    const filled = await filledFor({ decide });
    expect(failing(filled)).toEqual(['effects']);
    expect(said(filled, 'effects')).toContain('nothing stands between the decision and the action');
  });

  it('fails for what is done on the word of a model, and lists what was accepted', async () => {
    const loose = {
      before: 'any',
      guards: { any: (({ event }: never) => outputOf({ output: event }) !== null) as never },
    };
    const ungated = await filledFor(loose);
    expect(failing(ungated)).toEqual(expect.arrayContaining(['effects', 'irreversible', 'findings']));
    const accepted = await filledFor({
      ...loose,
      about: { accepted: [{ rule: 'ungated-effect', reason: 'It is a game.' }] },
    });
    expect(failing(accepted)).not.toContain('effects');
    expect(said(accepted, 'effects')).toContain('ungated-effect is accepted: It is a game.');
  });
});

describe('gates', () => {
  it('tells whom each judges, and that it was seen to pass and to refuse', async () => {
    const text = said(await filledFor(), 'gates');
    expect(text).toContain(
      'gates / sane: judges decide; it passes and refuses; on record it passed in 2 runs and refused in 1 run',
    );
    expect(text).toContain('decide: by its output schema and the gate sane');
  });

  it('fails for a gate that nobody has seen refuse', async () => {
    const yes = gate('sane', () => true);
    const filled = await filledFor({ guards: { sane: yes as never } });
    expect(lineOf(filled, 'gates').problems.map(({ what }) => what)).toEqual([
      'The gate `sane` never refuses, in no explored run and in none on record.',
    ]);
  });

  it('fails where nothing catches an invalid answer, and not where a person does', () => {
    const answering = (onDone: string) =>
      defineWorkflow({
        machine: setup({
          actors: { tell: model('tell', z.string(), () => 'a tale') as never },
        }).createMachine({
          id: 'telling',
          initial: 'asking',
          states: {
            asking: {
              invoke: { id: 'tell', src: 'tell', input: undefined as never, onDone, onError: 'over' },
            },
            reading: { ...person({ title: 'Read it' }), on: { OK: 'over' }, after: { 1_000: 'over' } },
            over: { type: 'final' },
          },
        }),
        version: '1',
      }) as AnyWorkflow;
    expect(failing(promotion(answering('over'), []))).toContain('gates');
    const read = promotion(answering('reading'), []);
    expect(failing(read)).not.toContain('gates');
    expect(said(read, 'gates')).toContain('tell: by a person in reading');
  });
});

describe('what is irreversible', () => {
  it('tells what stands on every way to it, and how often it can be done', async () => {
    const text = said(await filledFor(), 'irreversible');
    expect(text).toContain('pay: writes payments; at most once in a run');
    expect(text).toContain('on every way a gate or a person, but not the same on all');
    expect(text).toContain('the last before it: the gate sane, or a person in awaitingPerson');
  });

  it('names a gate that stands on all ways', async () => {
    const decided = refundWorkflow();
    const machine = decided.machine.config as { states: Record<string, { on?: object }> };
    const { awaitingPerson, ...states } = machine.states;
    const only = defineWorkflow({
      ...decided,
      machine: createMachine(
        {
          ...machine,
          states: { ...states, awaitingPerson: { ...awaitingPerson, on: { REJECT: 'declined' } } },
        } as never,
        decided.machine.implementations as never,
      ),
    } as never) as AnyWorkflow;
    expect(said(promotion(only, []), 'irreversible')).toContain('on every way: the gate sane');
  });

  it('fails where a model decides that it is done, although nothing that it said is put into it', async () => {
    const wanted = ({ event }: { event: unknown }) => outputOf(event).refund;
    const plain = await filledFor({ before: 'wanted', guards: { wanted: wanted as never } });
    expect(lineOf(plain, 'irreversible').problems.map(({ what }) => what)).toContain(
      "`pay` cannot be taken back, and a model's answer decides that it is done, with no gate and no person after that answer.",
    );
  });

  const Sure = Decision.extend({ confidence: z.number().min(0).max(1) });
  const sureDecider = () =>
    model('decide', Sure, ({ text }: Asked) => ({
      refund: text.includes('charged'),
      amount: text.length,
      confidence: 0.9,
    }));
  const about = {
    examples: [
      {
        name: 'charged twice',
        input: { text: 'charged twice' },
        outputs: {
          decide: [
            { refund: true, amount: 50, confidence: 0.9 },
            { refund: true, amount: 150, confidence: 0.9 },
          ],
        },
      },
    ],
  } as never;
  const sureOf = (event: unknown) => (event as { output: z.infer<typeof Sure> }).output;

  it('fails where a guard before it goes by how sure the model says it is', async () => {
    const bySureness = gate('sane', ({ event }) => {
      const { refund, amount, confidence } = sureOf(event);
      return (refund && amount <= 100 && confidence > 0.8) || ['It is not sure.'];
    });
    const filled = await filledFor({ decide: sureDecider(), guards: { sane: bySureness as never }, about });
    expect(failing(filled)).toEqual(['irreversible']);
    expect(lineOf(filled, 'irreversible').problems).toEqual([
      expect.objectContaining({
        where: 'deciding decide.done 0',
        what: expect.stringContaining('goes by `confidence`') as string,
      }),
    ]);
  });

  it('passes where a gate only checks that field with the rest', async () => {
    const bySchema = gate(
      'sane',
      [Sure, ({ refund, amount }) => (refund && amount <= 100) || ['No.']],
      ({ event }) => sureOf(event),
    );
    expect(
      failing(await filledFor({ decide: sureDecider(), guards: { sane: bySchema as never }, about })),
    ).toEqual([]);
  });
});

describe('findings and ownership', () => {
  it('fails for an error that nobody has accepted, and lists accepted ones with their reasons', async () => {
    const open = await filledFor({ pay: payer({ idempotent: false }) });
    expect(lineOf(open, 'findings').problems.map(({ what }) => what)).toEqual([
      '`pay` is irreversible and has no idempotency key.',
    ]);
    const reason = 'The other side takes no key.';
    const accepted = await filledFor({
      pay: payer({ idempotent: false }),
      about: { accepted: [{ rule: 'no-idempotency-key', reason }] },
    });
    expect(failing(accepted)).toEqual([]);
    expect(said(accepted, 'findings')).toContain(reason);
  });

  it.each(['owner', 'title', 'examples', 'budget'] as const)('fails without %s', async (missing) => {
    const filled = await filledFor({ about: { [missing]: undefined } });
    expect(lineOf(filled, 'ownership').problems).toEqual([
      expect.objectContaining({ what: `It has no ${missing}.` }),
    ]);
  });
});

describe('the rung', () => {
  const done = { over: { type: 'final' as const } };
  const asking = (src: string, onDone: unknown, input?: unknown) => ({
    invoke: { id: src, src, input, onDone, onError: 'over' },
  });
  const Route = z.object({ route: z.enum(['a', 'b']), tasks: z.array(z.string()).max(2) });
  const route = () => model('route', Route, () => ({ route: 'a' as const, tasks: ['x'] }));
  const write = (name: string) =>
    model(name, z.object({ text: z.enum(['x', 'y']) }), () => ({ text: 'x' as const }));
  const tool = (name: string) =>
    fromTool({
      name,
      description: `Use it to ${name}.`,
      input: z.object({}).optional(),
      output: z.object({ ok: z.literal(true) }),
      reads: ['records'],
      run: async () => ({ ok: true as const }),
    });
  const map = () =>
    fromMap({
      name: 'work',
      input: z.object({ items: z.array(z.string()) }),
      items: ({ items }) => items,
      each: write('each') as never,
    });
  const agent = () =>
    fromAgent({
      name: 'help',
      model: 'none',
      input: z.any(),
      output: z.object({ text: z.string() }),
      prompt: () => 'Help.',
      tools: [tool('look'), tool('search')],
      limits: { turns: 3 },
    } as never);
  const vote = () =>
    fromVote({ name: 'vote', input: z.any(), voters: { ask: write('ballot') as never, times: 3 } });

  const machines: Record<string, () => AnyWorkflow> = {
    'No model': () => of({ look: tool('look') }, { a: asking('look', 'over') }),
    'Single prompt': () => of({ write: write('write') }, { a: asking('write', 'over') }),
    'Prompt and tool': () =>
      of(
        { look: tool('look'), write: write('write') },
        { a: asking('look', 'b'), b: asking('write', 'over') },
      ),
    Chain: () =>
      of(
        { write: write('write'), mend: write('mend') },
        { a: asking('write', 'b'), b: asking('mend', 'over') },
      ),
    Routing: () =>
      of(
        { route: route(), look: tool('look'), find: tool('find') },
        {
          a: asking('route', [{ guard: 'isA', target: 'b' }, { target: 'c' }]),
          b: asking('look', 'over'),
          c: asking('find', 'over'),
        },
      ),
    Parallel: () => of({ vote: vote() as never }, { a: asking('vote', 'over') }),
    'Orchestrator and workers': () =>
      of(
        { route: route(), work: map() as never },
        {
          a: asking('route', { target: 'b', actions: 'keep' }),
          b: asking('work', 'over', ({ context }: never) => ({
            items: (context as { tasks: string[] }).tasks,
          })),
        },
      ),
    Agent: () => of({ help: agent() as never }, { a: asking('help', 'over') }),
  };

  function of(actors: Record<string, AnyActorLogic>, states: object): AnyWorkflow {
    const machine = setup({
      types: { context: {} as { tasks: string[] } },
      actors: actors as never,
      guards: {
        isA: ({ event }) => (event as unknown as { output: { route: string } }).output.route === 'a',
      },
      actions: {
        keep: assign(({ event }) => ({
          tasks: (event as unknown as { output: { tasks: string[] } }).output.tasks,
        })),
      },
    }).createMachine({
      id: 'rung',
      context: { tasks: ['1', '2'] },
      initial: 'a',
      states: { ...states, ...done },
    } as never);
    return defineWorkflow({ machine: machine as never, version: '1' });
  }

  it.each(Object.keys(machines))('is told from what the machine does: %s', (name) => {
    const filled = promotion((machines[name] as () => AnyWorkflow)(), []);
    expect(lineOf(filled, 'rung')).toMatchObject({ verdict: 'informs', says: `${name}.` });
  });

  it('is parallel, and no orchestrator, where a map is given what the input holds', () => {
    const mapped = of(
      { route: route(), work: map() as never },
      {
        a: asking('route', 'b'),
        b: asking('work', 'over', ({ context }: never) => ({
          items: (context as { tasks: string[] }).tasks,
        })),
      },
    );
    expect(lineOf(promotion(mapped, []), 'rung').says).toBe('Parallel.');
  });

  it('says that a chain would do where the model never chose the other way', async () => {
    const workflow = (machines['Routing'] as () => AnyWorkflow)();
    const runs = await recorded(workflow, [undefined, undefined]);
    const filled = promotion(workflow, runs);
    expect(lineOf(filled, 'rung').says).toBe('Routing. A lower rung may do.');
    expect(said(filled, 'rung')).toContain(
      'in the 2 runs on record in which it chose, it never chose find: a chain would do',
    );
  });

  it('says that a prompt and a tool would do where an agent used one tool only', async () => {
    const acting = model('help', z.object({ text: z.enum(['x', 'y']) }), () => ({ text: 'x' as const }), {
      declares: { parts: { chosenBy: 'model', names: ['anthropic', 'search'] } },
    });
    const workflow = of({ help: acting }, { a: asking('help', 'over') });
    const filled = promotion(workflow, await recorded(workflow, [undefined]));
    expect(said(filled, 'rung')).toContain(
      'in the 1 invocation on record it used anthropic and no other tool: a prompt and that tool would do',
    );
  });
});
