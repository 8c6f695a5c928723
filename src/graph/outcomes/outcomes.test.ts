import { describe, expect, it } from 'vitest';
import { setup } from 'xstate';
import { z, type ZodType } from 'zod';

import { fromMap, fromModel, fromTool, fromVote } from '../../actors/index.ts';
import { BudgetExceeded, InvalidOption, ModelCallFailed, ValueNotCarriable } from '../../errors.ts';
import { durableActor } from '../../invocation.ts';
import { defineWorkflow, type WorkflowExample } from '../../workflow.ts';
import { check } from '../checks/check.ts';
import { explore } from '../explore.ts';
import { paths } from '../paths/paths.ts';
import { outcomesOf, payloadsOf } from './outcomes.ts';

const Answer = z.object({ amount: z.number().min(0).max(9), note: z.string().default('none') });

const ask = fromModel({
  name: 'ask',
  model: 'claude-haiku-5-5',
  input: z.object({}),
  output: z.object({ word: z.enum(['yes']) }),
  prompt: () => 'Yes?',
});

class Late extends Error {}

function tool({ output = Answer, failures = [] }: { output?: ZodType; failures?: readonly Error[] } = {}) {
  const logic = fromTool({ name: 'tool', input: z.object({}), output, run: async () => ({}) as never });
  return Object.assign(logic, { signalbox: { ...logic.signalbox, failures } });
}

function workflowOf({
  actor = tool(),
  examples,
  budget,
}: {
  readonly actor?: ReturnType<typeof tool> | typeof ask;
  readonly examples?: ReadonlyArray<Partial<WorkflowExample<undefined>>>;
  readonly budget?: { readonly usd: number };
}) {
  const machine = setup({
    types: { events: {} as { type: 'GO'; by: string; times: number } },
    actors: { work: actor as ReturnType<typeof tool> },
    guards: {
      isLate: ({ event }) => (event as unknown as { error: unknown }).error instanceof Late,
      isRight: ({ event }) => (event as unknown as { by: string }).by.length > 0,
      isMany: ({ event }) => (event as unknown as { times: number }).times > 100,
    },
  }).createMachine({
    id: 'working',
    initial: 'waiting',
    states: {
      waiting: {
        on: {
          GO: [
            { guard: 'isMany', target: 'many' },
            { guard: 'isRight', target: 'working' },
            { target: 'wrong' },
          ],
        },
        after: { 1000: 'working' },
      },
      working: {
        invoke: {
          id: 'work',
          src: 'work',
          input: {},
          onDone: 'done',
          onError: [{ guard: 'isLate', target: 'late' }, { target: 'done' }],
        },
      },
      many: { type: 'final' },
      wrong: { type: 'final' },
      late: { type: 'final' },
      done: { type: 'final' },
    },
  });
  return defineWorkflow({
    machine,
    version: '1',
    owner: 'us',
    events: { GO: z.object({ by: z.string().min(1), times: z.int().min(1).max(9).default(1) }) },
    ...(budget ? { budget } : {}),
    ...(examples
      ? { examples: examples.map((one) => ({ name: 'one', input: undefined, ...one })) as never }
      : {}),
  });
}

function answersIn(workflow: ReturnType<typeof workflowOf>): unknown[] {
  const moves = explore(workflow).edges.flatMap(({ move, alike }) => [move, ...alike]);
  return [
    ...new Set(
      moves.flatMap((move) =>
        move.type !== 'answer' ? [] : ['error' in move ? move.label : JSON.stringify(move.output)],
      ),
    ),
  ];
}

describe('outcomes', () => {
  it('hold that the budget of the run is spent, once, for what asks a model, alone or as a part', () => {
    const vote = fromVote({ name: 'vote', input: z.object({}), voters: [ask, ask], decide: 'majority' });
    const map = fromMap({
      name: 'map',
      input: z.object({}),
      items: () => [{}],
      each: ask,
    });
    const refused = (logic: typeof ask | typeof vote | typeof map | ReturnType<typeof tool>) =>
      outcomesOf('one', logic, { budget: { usd: 1 } }).outcomes.filter(
        (one) => 'error' in one && one.error instanceof BudgetExceeded,
      );
    for (const logic of [ask, vote, map]) {
      expect(refused(logic)).toMatchObject([
        { label: 'budget exceeded', error: { details: { budget: { usd: 1 } } } },
      ]);
    }
    const declaring = Object.assign(tool({ failures: [new BudgetExceeded('It is spent.')] }), {});
    expect(refused(declaring)).toMatchObject([{ error: { message: 'It is spent.' } }]);
    expect(refused(tool())).toEqual([]);
    expect(answersIn(workflowOf({ actor: ask, budget: { usd: 1 } }))).toContain('budget exceeded');
    expect(answersIn(workflowOf({ actor: ask }))).not.toContain('budget exceeded');
    expect(durableActor(map)?.fallible).toBe(true);
  });

  it('flip no guard that the schema of an event has decided, and paths tell of it by name', () => {
    const workflow = workflowOf({});
    const { stuckGuards } = paths(workflow).graph;
    expect(stuckGuards.filter(({ transition }) => transition.startsWith('waiting GO'))).toEqual([
      { name: 'isMany', transition: 'waiting GO 0', passed: false, failed: true },
      { name: 'isRight', transition: 'waiting GO 1', passed: true, failed: false },
    ]);
    const messages = check(workflow).findings.map(({ message }) => message);
    expect(messages).toContain('`waiting` never goes on by `GO`: `isMany` never passes.');
  });

  it('have been in the store: a class of one’s own is a plain error by then', () => {
    const workflow = workflowOf({ actor: tool({ failures: [new Late('Too late.')] }) });
    const { guards } = explore(workflow);
    expect(guards.find(({ name }) => name === 'isLate')).toMatchObject({ passed: false });
    expect(check(workflow).findings).toContainEqual(
      expect.objectContaining({ rule: 'transition-never-taken', where: 'working work.error 0' }),
    );
  });

  it('keep the classes that come back out of a store', () => {
    const failed = new ModelCallFailed('It is overloaded.', { details: { status: 529 } });
    const { outcomes } = outcomesOf('tool', tool({ failures: [failed] }));
    const [stored] = outcomes.flatMap((one) =>
      'error' in one && one.error instanceof ModelCallFailed ? [one.error] : [],
    );
    expect(stored).toMatchObject({ message: 'It is overloaded.', details: { status: 529 } });
    expect(stored).not.toBe(failed);
  });

  it('hold an error for what no store can carry, as the engine gives it', () => {
    const held = new (class Held {})();
    const Own = z.custom<object>((value) => value === held).meta({ examples: [held] });
    const { outcomes } = outcomesOf('tool', tool({ output: Own }));
    expect(outcomes.filter((one) => 'output' in one)).toEqual([]);
    expect(outcomes[0]).toMatchObject({ error: expect.any(ValueNotCarriable) as unknown });
    const odd = Object.assign(new Error('It failed.'), { socket: () => {}, code: 'E_ODD' });
    const [carried] = outcomesOf('tool', tool({ failures: [odd] })).outcomes.filter(
      ({ label }) => label === 'e odd',
    );
    expect(carried).toMatchObject({ error: { message: 'It failed.', code: 'E_ODD' } });
    expect(carried).not.toHaveProperty('error.socket');
  });
});

describe('payloads', () => {
  it('are those that can be sent, and what is lacking is told', () => {
    const held = new (class Held {})();
    const Own = z.custom<object>((value) => value === held).meta({ examples: [held] });
    const { payloads, lacking } = payloadsOf(z.object({ by: z.enum(['dana']), held: Own.optional() }));
    expect(payloads).toEqual([{ by: 'dana' }]);
    expect(lacking).toEqual(['']);
  });
});

describe('examples', () => {
  it('are taken as the schemas give them', () => {
    const workflow = workflowOf({
      examples: [{ outputs: { work: [{ amount: 5, more: true }] }, events: { GO: [{ by: 'dana' }] } }],
    });
    expect(answersIn(workflow)).toContain('{"amount":5,"note":"none"}');
    expect(answersIn(workflow)).not.toContain('{"amount":5,"more":true}');
    const events = explore(workflow).edges.flatMap(({ move, alike }) =>
      [move, ...alike].flatMap((one) => (one.type === 'event' ? [one.event] : [])),
    );
    expect(events).toContainEqual({ type: 'GO', by: 'dana', times: 1 });
  });

  it.each([
    [
      'an output',
      { outputs: { work: [{ amount: 5 }, { amount: 10 }] } },
      'Example `one` of `working@1`: `outputs.work[1]` is not as the output schema of `work` asks: amount: Too big: expected number to be <=9. Give what `work` answers, or mend its `output`.',
    ],
    [
      'an event',
      { events: { GO: [{ times: 2 }] } },
      'Example `one` of `working@1`: `events.GO[0]` is not as the schema of the event asks: by: Invalid input: expected string, received undefined. Give what `GO` holds beside its type, or mend `events.GO` of the workflow.',
    ],
  ])('that are wrong are refused: %s', (_, example, message) => {
    const exploring = () => explore(workflowOf({ examples: [example] }));
    expect(exploring).toThrow(InvalidOption);
    expect(exploring).toThrow(message);
  });

  it('that no store could carry are refused', () => {
    const open = tool({ output: z.looseObject({}) });
    const exploring = () =>
      explore(workflowOf({ actor: open, examples: [{ outputs: { work: [{ more: () => {} }] } }] }));
    expect(exploring).toThrow(InvalidOption);
    expect(exploring).toThrow(/`outputs.work\[0\].more` holds a function/);
  });

  it('that were recorded are taken as they are, where the schema does not take what it gave', () => {
    const counted = tool({ output: z.object({ text: z.string().transform((text) => text.length) }) });
    const given = answersIn(workflowOf({ actor: counted, examples: [{ outputs: { work: [{ text: 7 }] } }] }));
    expect(given).toContain('{"text":7}');
  });
});
