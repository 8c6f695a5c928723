import { createActor, toPromise } from 'xstate';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';

import { createWorld, performing } from '../../test/support/world.ts';
import { fromTool } from './from-tool.ts';
import { fromVote, type VoteActorOptions, type VoteOutcome } from './from-vote.ts';

const Ticket = z.object({ body: z.string() });
const Sorted = z.object({ category: z.string() });

describe('a vote', () => {
  it('is decided by the majority, and asks nobody who could change nothing', async () => {
    const { vote, asked } = voting(['billing', 'technical', 'billing', 'billing', 'technical']);
    await expect(vote()).resolves.toMatchObject({
      decided: true,
      answer: { category: 'billing' },
      votes: 3,
      of: 5,
      ballots: [
        { voter: 'sort', answer: { category: 'billing' } },
        { answer: { category: 'technical' } },
        { answer: { category: 'billing' } },
        { answer: { category: 'billing' } },
      ],
    });
    expect(asked()).toBe(4);
  });

  it('is over as soon as it can no longer be decided', async () => {
    const { vote, asked } = voting(['a', 'b', 'never asked'], { decide: 'unanimous', concurrency: 1 });
    await expect(vote()).resolves.toMatchObject({ decided: false, of: 3 });
    expect(asked()).toBe(2);
  });

  it('may be decided by all, by some, or not', async () => {
    await expect(voting(['a', 'a', 'a'], { decide: 'unanimous' }).vote()).resolves.toMatchObject({
      votes: 3,
    });
    await expect(voting(['a', 'b', 'a'], { decide: { atLeast: 2 } }).vote()).resolves.toMatchObject({
      votes: 2,
    });
    await expect(voting(['a', 'b', 'c']).vote()).resolves.toMatchObject({
      decided: false,
      ballots: { length: 3 },
    });
    await expect(voting(['a', 'a', 'b', 'b']).vote()).resolves.toMatchObject({ decided: false });
  });

  it('goes on without a voter that fails', async () => {
    const { vote } = voting(['a', new Error('Ill.'), 'a']);
    await expect(vote()).resolves.toMatchObject({
      decided: true,
      votes: 2,
      ballots: [{}, { voter: 'sort', error: { message: 'Ill.' } }, {}],
    });
    await expect(voting([new Error('Ill.'), new Error('Ill.'), 'a']).vote()).resolves.toMatchObject({
      decided: false,
    });
  });

  it('may be of what makes answers the same', async () => {
    const { vote } = voting(['Billing', 'BILLING'], { by: ({ category }) => category.toLowerCase() });
    await expect(vote()).resolves.toMatchObject({ decided: true, answer: { category: 'Billing' } });
  });

  it('may have a judge, who hears all', async () => {
    const heard: unknown[] = [];
    const judge = fromTool({
      name: 'judge',
      input: z.object({ answers: z.array(Sorted) }),
      output: z.object({ choice: z.int() }),
      run: async ({ answers }) => {
        heard.push(...answers);
        return { choice: 1 };
      },
    });
    const { vote } = voting(['a', 'b', 'a'], { decide: { judge } });
    await expect(vote()).resolves.toMatchObject({ decided: true, answer: { category: 'b' }, votes: 1 });
    expect(heard).toHaveLength(3);
  });

  it('stops those who are still being asked when it is decided', async () => {
    let aborted = 0;
    let calls = 0;
    const ask = fromTool({
      name: 'sort',
      input: Ticket,
      output: Sorted,
      run: async (_, { signal }) => {
        if ((calls += 1) > 2) {
          return new Promise((_resolve, reject) => {
            signal.addEventListener('abort', () => {
              aborted += 1;
              reject(signal.reason as Error);
            });
          });
        }
        return { category: 'a' };
      },
    });
    const logic = fromVote({ name: 'v', input: Ticket, voters: { ask, times: 3 }, concurrency: 3 });
    await expect(toPromise(createActor(logic, { input: { body: '' } }).start())).resolves.toMatchObject({
      votes: 2,
    });
    expect(aborted).toBe(1);
  });

  it('pays for no ballot twice after a crash', async () => {
    const { logic, asked, wake } = voting(['a', 'b', 'hang', 'a', 'a']);
    const world = createWorld(performing(logic, { body: '' }));
    const first = world.engine();
    await first.start('performing', { id: 'r' });
    await world.clock.advance(0);
    expect(asked()).toBe(4);
    first.die();
    wake();
    await world.leasesRunOut();
    expect(await world.engine().run('r').result()).toMatchObject({ output: { decided: true, votes: 3 } });
    // The one that hung is asked again, and no other.
    expect(asked()).toBe(5);
  });

  it('has an outcome of the type of its voters', () => {
    const { logic } = voting(['a']);
    const outcome = () => toPromise(createActor(logic, { input: { body: '' } }).start());
    expectTypeOf<Awaited<ReturnType<typeof outcome>>>().toEqualTypeOf<VoteOutcome<{ category: string }>>();
  });

  it.each([
    [{ voters: [] }, '`voters`'],
    [{ decide: { atLeast: 9 } }, 'an integer from 1 to 2'],
    [{ concurrency: 0 }, '`concurrency`'],
  ])('refuses %o', (options, message) => {
    expect(() => voting(['a', 'b'], options as never)).toThrow(message);
  });
});

type Options = Partial<VoteActorOptions<typeof Ticket, z.output<typeof Sorted>>>;

/** Voters that answer in turn, whoever is asked. */
function voting(answers: readonly (string | Error)[], options: Options = {}) {
  let asked = 0;
  let script: readonly (string | Error)[] = answers;
  const ask = fromTool({
    name: 'sort',
    input: Ticket,
    output: Sorted,
    run: async () => {
      const answer = script[asked++] ?? 'a';
      if (answer instanceof Error) throw answer;
      return answer === 'hang' ? new Promise<never>(() => {}) : { category: answer };
    },
  });
  const logic = fromVote({ name: 'vote', input: Ticket, voters: { ask, times: answers.length }, ...options });
  return {
    logic,
    asked: () => asked,
    wake: () => (script = answers.map((answer) => (answer === 'hang' ? 'a' : answer))),
    vote: () => toPromise(createActor(logic, { input: { body: 'Charged twice' } }).start()),
  };
}
