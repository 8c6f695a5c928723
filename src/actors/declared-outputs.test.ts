/** What actors that perform others declare of their outputs: it takes what they really give, and paths are made of it. */
import { describe, expect, it } from 'vitest';
import { createActor, toPromise } from 'xstate';
import { z, type ZodType } from 'zod';

import { agent, answer, call, run as runAgent } from '../../test/support/agent.ts';
import { valuesOf } from '../graph/outcomes/values-of.ts';
import type { AgentLimits } from './agent/from-agent.ts';
import type { DurablePromiseLogic } from './durable-logic.ts';
import { fromMap } from './from-map.ts';
import { fromTool } from './from-tool.ts';
import { fromVote, type VoteActorOptions, type VoteOutcome } from './from-vote.ts';
import type { MapOutcome, MapReduced } from './map-options.ts';

const Numbers = z.object({ numbers: z.array(z.number()) });
const Doubled = z.object({ doubled: z.number(), size: z.enum(['small', 'large']) });
type Doubled = z.infer<typeof Doubled>;

/** It cannot double 4. */
const double = fromTool({
  name: 'double',
  input: z.number(),
  output: Doubled,
  run: async (number) => {
    if (number === 4) throw Object.assign(new Error('Not four.'), { code: 'E_FOUR' });
    return { doubled: number * 2, size: number > 5 ? ('large' as const) : ('small' as const) };
  },
});

const Sum: ZodType<Doubled> = z.object({ doubled: z.number(), size: z.literal('large') });

const add = fromTool({
  name: 'add',
  input: z.array(Doubled),
  output: Sum,
  run: async (parts) => ({
    doubled: parts.reduce((sum, { doubled }) => sum + doubled, 0),
    size: 'large' as const,
  }),
});

const mapBase = {
  name: 'doubleAll',
  input: Numbers,
  items: ({ numbers }: z.infer<typeof Numbers>) => numbers,
};
const bearing = { onFailure: { atMost: 2 } };

async function given<TOutput, TInput>(
  logic: DurablePromiseLogic<TOutput, TInput>,
  input: TInput,
): Promise<TOutput> {
  return toPromise(createActor(logic, { input }).start());
}

function schemaOf({ signalbox: { output } }: Pick<DurablePromiseLogic<unknown>, 'signalbox'>): ZodType {
  if (!output) throw new Error('Expected a schema of its output.');
  return output;
}

/** It is taken as it is, and nothing of it is lost. */
function expectTaken(logic: Pick<DurablePromiseLogic<unknown>, 'signalbox'>, output: unknown): void {
  expect(schemaOf(logic).parse(output)).toEqual(output);
}

function derived(logic: Pick<DurablePromiseLogic<unknown>, 'signalbox'>): readonly unknown[] {
  const { values, lacking } = valuesOf(schemaOf(logic));
  expect(lacking).toEqual([]);
  // What is made of it is what it takes.
  for (const value of values) expectTaken(logic, value);
  return values;
}

describe('the output of a map', () => {
  it('is a list of what its items give', async () => {
    const logic = fromMap({ ...mapBase, each: double });
    for (const numbers of [[], [1], [1, 7, 3]]) expectTaken(logic, await given(logic, { numbers }));
    const all = derived(logic) as Doubled[][];
    expect(all).toContainEqual([]);
    expect(new Set(all.flat().map(({ size }) => size))).toEqual(new Set(['small', 'large']));
    expect(() => schemaOf(logic).parse([{ doubled: 'two' }])).toThrow(/expected number/);
  });

  it('that bears failures has them beside the gaps that they leave', async () => {
    const logic = fromMap({ ...mapBase, each: double, ...bearing });
    const outputs = await Promise.all(
      [[], [1, 2], [1, 4], [4, 4]].map((numbers) => given(logic, { numbers })),
    );
    for (const output of outputs) expectTaken(logic, output);
    expect(outputs[2]?.failures).toMatchObject([{ index: 1, error: { code: 'E_FOUR' } }]);

    const all = derived(logic) as Array<MapOutcome<Doubled>>;
    for (const { outputs: made, failures } of all) {
      const gaps = [...made.keys()].filter((index) => made[index] === undefined);
      expect(failures.map(({ index }) => index)).toEqual(gaps);
      expect(failures.length).toBeLessThanOrEqual(2);
    }
    expect(all.some(({ failures }) => failures.length === 0)).toBe(true);
    expect(
      all.some(({ failures, outputs: made }) => failures.length > 0 && made.length > failures.length),
    ).toBe(true);
  });

  it('has its failures where its items may give anything', async () => {
    const run = async (number: number): Promise<unknown> => {
      if (number === 4) throw new Error('Not four.');
      return undefined;
    };
    const each = fromTool({ name: 'any', input: z.number(), output: z.unknown(), run });
    const logic = fromMap({ ...mapBase, each, ...bearing });
    const output = await given(logic, { numbers: [1, 4] });
    expect(output.failures).toMatchObject([{ index: 1 }]);
    expectTaken(logic, output);
  });

  it('that reduces is what the reducer gives, or the only item', async () => {
    const logic = fromMap({ ...mapBase, each: double, reduce: { by: add } });
    for (const numbers of [[1], [1, 2, 3]]) expectTaken(logic, await given(logic, { numbers }));
    expect((derived(logic) as Doubled[]).map(({ size }) => size)).toEqual(
      expect.arrayContaining(['small', 'large']),
    );
  });

  it('that reduces and bears failures has both', async () => {
    const logic = fromMap({ ...mapBase, each: double, reduce: { by: add }, ...bearing });
    for (const numbers of [
      [1, 2],
      [1, 4],
    ])
      expectTaken(logic, await given(logic, { numbers }));
    const all = derived(logic) as Array<MapReduced<Doubled>>;
    expect(new Set(all.map(({ failures }) => failures.length))).toEqual(new Set([0, 1]));
  });

  it('is not declared if an item does not say what it gives', () => {
    const { signalbox, ...logic } = double;
    const { output: _, ...silent } = signalbox;
    const each = { ...logic, signalbox: silent } as typeof double;
    expect(fromMap({ ...mapBase, each }).signalbox.output).toBeUndefined();
    expect(
      fromMap({ ...mapBase, each: double, reduce: { by: each as never } }).signalbox.output,
    ).toBeUndefined();
  });

  it('is made of what its items give after their schemas changed it', () => {
    const each = fromTool({
      name: 'measure',
      input: z.number(),
      output: z.enum(['1', '2']).transform(Number),
      run: async () => '1' as const,
    });
    const all = valuesOf(schemaOf(fromMap({ ...mapBase, each }))).values as number[][];
    expect(new Set(all.flat())).toEqual(new Set([1, 2]));
  });
});

describe('the output of a vote', () => {
  const Ticket = z.object({ body: z.string() });
  const Sorted = z.object({ category: z.enum(['billing', 'technical']) });
  type Category = z.infer<typeof Sorted>['category'];
  type Options = VoteActorOptions<typeof Ticket, z.infer<typeof Sorted>>;

  /** Each voter says the next of these; an error is one that fails. */
  function voting(said: ReadonlyArray<Category | Error>, options: Partial<Options> = {}) {
    let next = 0;
    const ask = fromTool({
      name: 'sort',
      input: Ticket,
      output: Sorted,
      run: async () => {
        const category = said[next++];
        if (category === undefined || category instanceof Error) throw category ?? new Error('No more.');
        return { category };
      },
    });
    return fromVote({ name: 'vote', input: Ticket, voters: { ask, times: said.length }, ...options });
  }
  const ill = new Error('Ill.');
  const choosing = (choice: number) => ({
    judge: fromTool({
      name: 'judge',
      input: z.object({ answers: z.array(Sorted) }),
      output: z.object({ choice: z.int() }),
      run: async () => ({ choice }),
    }),
  });

  it.each<readonly [string, ReturnType<typeof voting>, boolean]>([
    ['decided', voting(['billing', 'billing', 'technical']), true],
    ['decided with one that failed', voting(['billing', ill, 'billing']), true],
    ['decided by more than it takes', voting(['billing', 'billing', 'billing'], { concurrency: 3 }), true],
    ['not decided', voting(['billing', 'technical'], { decide: 'unanimous' }), false],
    ['not decided, as all failed', voting([ill, ill, ill]), false],
    ['decided by a judge', voting(['billing', 'technical', ill], { decide: choosing(1) }), true],
    ['not decided by a judge', voting(['billing', 'technical'], { decide: choosing(9) }), false],
  ])('is what it is, %s', async (_, logic, decided) => {
    const output = await given(logic, { body: 'Help.' });
    expect(output.decided).toBe(decided);
    expectTaken(logic, output);
  });

  it.each<readonly [string, Partial<Options>, number]>([
    ['most', {}, 3],
    ['all', { decide: 'unanimous' }, 5],
    ['so many', { decide: { atLeast: 2 } }, 2],
    ['a judge', { decide: choosing(0) }, 5],
  ])('that is derived is borne out by its ballots, where %s decide', (_, options, votes) => {
    const logic = voting(
      Array.from({ length: 5 }, () => 'billing' as const),
      options,
    );
    const all = derived(logic) as Array<VoteOutcome<z.infer<typeof Sorted>>>;
    const answers = new Set<Category>();
    for (const outcome of all) {
      expect(outcome.of).toBe(5);
      if (!outcome.decided) continue;
      const { answer: winner, ballots } = outcome;
      answers.add(winner.category);
      const same = ballots.filter((one) => 'answer' in one && one.answer.category === winner.category);
      expect(same).toHaveLength(outcome.votes);
    }
    expect(all[0]).toMatchObject({ decided: true, votes });
    expect(answers).toEqual(new Set(['billing', 'technical']));
    expect(all.some(({ decided }) => !decided)).toBe(true);
    expect(() => schemaOf(logic).parse({ ...all[0], of: 4 })).toThrow(/outcome of a vote/);
  });

  it('is not declared if a voter does not say what it gives', () => {
    const { signalbox, ...logic } = double;
    const { output: _, ...silent } = signalbox;
    const voter = { ...logic, signalbox: silent } as typeof double;
    expect(
      fromVote({ name: 'vote', input: z.number(), voters: [double, voter] }).signalbox.output,
    ).toBeUndefined();
  });
});

describe('the output of an agent', () => {
  it.each<readonly [string, Parameters<typeof agent>[0], AgentLimits]>([
    ['answered', [call('lookUp', { id: 7 }), answer('It is seven.')], {}],
    ['handed-off', [call('hand_off', { reason: 'It is not for me.' })], {}],
    ['limit', [call('lookUp', { id: 7 })], { turns: 1 }],
    ['limit', [call('lookUp', { id: 7 }), call('lookUp', { id: 8 })], { toolCalls: 1 }],
  ])('is what it is: %s', async (outcome, answers, limits) => {
    const { logic } = await agent(answers, { limits });
    const output = await runAgent(logic);
    expect(output.outcome).toBe(outcome);
    expectTaken(logic, output);
  });

  it('is derived for each way in which it may end', async () => {
    const { logic } = await agent([], { limits: { usd: 1 } });
    expect(new Set(derived(logic).map((one) => waysOf(one as Ending)))).toEqual(
      new Set(['answered', 'handed-off', 'limit turns', 'limit usd']),
    );
    const { logic: alone } = await agent([], { handOff: false });
    expect(new Set(derived(alone).map((one) => waysOf(one as Ending)))).toEqual(
      new Set(['answered', 'limit turns']),
    );
  });

  interface Ending {
    readonly outcome: string;
    readonly limit?: string;
  }

  function waysOf({ outcome, limit }: Ending): string {
    return limit === undefined ? outcome : `${outcome} ${limit}`;
  }
});

describe('the output of an actor with a fallback', () => {
  it('is what either of them gives', () => {
    const tool = (name: string, fallback: ReadonlyArray<DurablePromiseLogic<string, number>> = []) =>
      fromTool({ name, input: z.number(), output: z.enum([name]), run: async () => name, fallback });
    const logic = tool('first', [tool('second')]);
    expect(derived(logic)).toEqual(['first', 'second']);
  });
});
