/** What becomes of an output that has to be accepted, and of the next in line if it is not. */
import { createActor, toPromise } from 'xstate';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';

import { createWorld, performing } from '../../../test/support/world.ts';
import { fromTool } from '../from-tool.ts';
import { judgedBy, type Judgment } from '../judged-by.ts';

const Text = z.string();
const Verdict = z.object({ passed: z.boolean(), reasons: z.array(z.string()) });

const down = (): Error => Object.assign(new Error('Down.'), { status: 503 });

function judging(answers: readonly (Judgment | Error)[]) {
  const asked: string[] = [];
  const judge = fromTool({
    name: 'judge',
    input: Text,
    output: Verdict,
    retry: { attempts: 3, delayMs: 60_000, jitter: 0 },
    run: async (question) => {
      const answer = answers[asked.push(question) - 1] ?? { passed: true, reasons: [] };
      if (answer instanceof Error) throw answer;
      return answer;
    },
  });
  return { judge, asked };
}

describe('a judge', () => {
  it('may have to wait, and nothing is done twice for that', async () => {
    const { judge, asked } = judging([down()]);
    let paid = 0;
    const pay = fromTool({
      name: 'pay',
      input: Text,
      output: Text,
      irreversible: true,
      run: async () => `receipt ${(paid += 1)}`,
      accept: judgedBy(judge, (receipt: string) => receipt),
    });
    const world = createWorld(performing(pay, 'Ann'));
    const first = world.engine();
    const run = await first.start('performing', { id: 'r' });
    await world.clock.advance(0);
    expect(world.data.runs.get('r')?.lease).toBeUndefined();
    await world.clock.advance(60_000);
    expect(await run.result()).toMatchObject({ output: 'receipt 1' });
    expect(asked).toEqual(['receipt 1', 'receipt 1']);
    expect(paid).toBe(1);
  });

  it('may be asked several things about one answer', async () => {
    const { judge, asked } = judging([
      { passed: true, reasons: [] },
      { passed: false, reasons: ['Too long.'] },
    ]);
    const write = fromTool({
      name: 'write',
      input: Text,
      output: Text,
      run: async () => 'Hello.',
      accept: [
        judgedBy(judge, (text: string) => `Is this polite? ${text}`),
        judgedBy(judge, (text: string) => `Is this short? ${text}`),
      ],
    });
    const world = createWorld(performing(write, 'Ann'));
    const run = await world.engine().start('performing', { id: 'r' });
    expect(await run.result()).toMatchObject({
      error: { code: 'GATE_REJECTED', details: { reasons: ['Too long.'], output: 'Hello.' } },
    });
    expect(asked).toEqual(['Is this polite? Hello.', 'Is this short? Hello.']);
  });
});

it('a check is given output and input as their schemas give them', async () => {
  const seen: unknown[] = [];
  const double = fromTool({
    name: 'double',
    input: z.object({ number: z.string().transform(Number), times: z.number().default(2) }),
    output: z.string().transform(Number),
    run: async ({ number, times }) => String(number * times),
    accept: (output, { input }) => {
      seen.push(output, input);
      return output === input.number * input.times;
    },
  });
  const run = await createWorld(performing(double, { number: '7' }))
    .engine()
    .start('performing', { id: 'r' });
  expect(await run.result()).toMatchObject({ output: 14 });
  expect(seen).toEqual([14, { number: 7, times: 2 }]);
  const wrong = toPromise(createActor(double, { input: { number: 7 } as never }).start());
  await expect(wrong).rejects.toMatchObject({ code: 'ACTOR_VALUE_INVALID' });
  expect(seen).toHaveLength(2);
});

describe('the next in line', () => {
  const better = fromTool({ name: 'better', input: Text, output: Text, run: async () => 'better' });

  const failing = (error: unknown, options: object = {}) =>
    fromTool({
      name: 'first',
      input: Text,
      output: Text,
      run: () => Promise.reject(error as Error),
      fallback: [better],
      ...options,
    });
  const outcome = (logic: typeof better, input: unknown = 'Ann'): Promise<unknown> =>
    toPromise(createActor(logic, { input: input as string }).start());

  it('is asked if the first gives what its schema refuses', async () => {
    const first = failing(undefined, { run: async () => 5 as never });
    await expect(outcome(first)).resolves.toBe('better');
  });

  it.each([
    ['what the first did cannot be taken back', { irreversible: true, run: async () => 5 as never }],
    [
      'nobody knows whether the first did it',
      {
        irreversible: true,
        run: () => Promise.reject(Object.assign(new Error('x'), { code: 'ECONNRESET' })),
      },
    ],
    [
      'the budget is spent',
      { run: () => Promise.reject(Object.assign(new Error('x'), { code: 'BUDGET_EXCEEDED' })) },
    ],
  ])('is not asked if %s', async (_, options) => {
    await expect(outcome(failing(undefined, options))).rejects.toThrow();
  });

  it('makes the whole what it is itself', () => {
    const careful = fromTool({
      name: 'careful',
      input: Text,
      output: Text,
      run: async () => 'x',
      writes: ['bank'],
      irreversible: true,
    });
    const whole = failing(down(), { reads: ['crm'], fallback: [careful] });
    expect(whole.signalbox).toMatchObject({
      irreversible: true,
      idempotent: false,
      permissions: { reads: ['crm'], writes: ['bank'] },
    });
    expect(failing(down()).signalbox).toMatchObject({ irreversible: false });
  });
});
