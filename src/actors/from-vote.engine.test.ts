/** Votes on an engine: what waits, what is paid for, and what is left when voters do not end. */
import { createActor, toPromise } from 'xstate';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';

import { createWorld, performing } from '../../test/support/world.ts';
import { BudgetExceeded } from '../errors.ts';
import { fromTool, type ToolActorOptions } from './from-tool.ts';
import { fromVote } from './from-vote.ts';

const Count = z.number();
const busy = (): Error => Object.assign(new Error('Busy.'), { status: 429 });

type Run = ToolActorOptions<typeof Count, typeof Count>['run'];

function working(run: Run, options: Partial<ToolActorOptions<typeof Count, typeof Count>> = {}) {
  return fromTool({ name: 'work', input: Count, output: Count, run, ...options });
}

const never = () => new Promise<never>(() => {});

describe('a vote on an engine', () => {
  const voting = (run: Run, options: Partial<ToolActorOptions<typeof Count, typeof Count>> = {}) =>
    fromVote({ name: 'vote', input: Count, voters: { ask: working(run, options), times: 5 } });

  it('holds no worker while voters wait, and asks no others in their place', async () => {
    const asked: string[] = [];
    let failing = true;
    const logic = voting(
      async (_, { idempotencyKey }) => {
        asked.push(idempotencyKey);
        if (idempotencyKey.endsWith('voter 2') && failing) throw busy();
        return 1;
      },
      { retry: { attempts: 2, delayMs: 60_000, jitter: 0 } },
    );
    const world = createWorld(performing(logic, 1));
    const run = await world.engine().start('performing', { id: 'r' });
    await world.clock.advance(0);
    expect(world.data.runs.get('r')?.lease).toBeUndefined();
    failing = false;
    await world.clock.advance(60_000);
    expect(await run.result()).toMatchObject({ output: { decided: true, votes: 3 } });
    expect(asked).toEqual([1, 2, 3, 2].map((voter) => `r/work#1/voter ${voter}`));
  });

  it('is decided without voters that do not listen', async () => {
    const world = createWorld(
      performing(
        fromVote({
          name: 'vote',
          input: Count,
          voters: [working(never), working(async () => 1), working(async () => 1)],
          concurrency: 3,
        }),
        1,
      ),
    );
    const run = await world.engine().start('performing', { id: 'r' });
    expect(await run.result()).toMatchObject({ output: { decided: true, answer: 1, votes: 2 } });
    expect(world.problems).toEqual([]);
  });

  it('of voters whose act cannot be taken back is not taken again after a crash', async () => {
    const logic = voting(never, { irreversible: true });
    expect(logic.signalbox).toMatchObject({ irreversible: true, idempotent: false });
    const world = createWorld(performing(logic, 1));
    const first = world.engine();
    await first.start('performing', { id: 'r' });
    await world.clock.advance(0);
    first.die();
    await world.leasesRunOut();
    expect(await world.engine().run('r').result()).toMatchObject({ error: { code: 'OUTCOME_UNKNOWN' } });
  });

  it('asks no voter twice: of 100, killed after 60, it asks 40', async () => {
    const cast: string[] = [];
    let alive = true;
    const ask = working(async (_, { idempotencyKey }) => {
      if (alive && cast.length >= 60) return never();
      cast.push(idempotencyKey);
      return 1;
    });
    const logic = fromVote({
      name: 'vote',
      input: Count,
      voters: { ask, times: 100 },
      decide: 'unanimous',
      concurrency: 5,
    });
    const world = createWorld(performing(logic, 1));
    const first = world.engine();
    await first.start('performing', { id: 'r' });
    await expect.poll(() => world.data.runs.get('r')?.journal.size).toBe(60);
    first.die();
    alive = false;
    await world.leasesRunOut();
    expect(await world.engine().run('r').result()).toMatchObject({ output: { decided: true, votes: 100 } });
    expect(cast).toHaveLength(100);
    expect(new Set(cast).size).toBe(100);
  });

  it('asks its judge again if it died while that was asked, and no voter', async () => {
    const asked: string[] = [];
    let alive = true;
    const judge = judging(async ({ answers }) => {
      asked.push('judge');
      return alive ? never() : { choice: answers.length - 1 };
    });
    const ask = working(async () => asked.push('voter'));
    const logic = fromVote({ name: 'vote', input: Count, voters: { ask, times: 3 }, decide: { judge } });
    const world = createWorld(performing(logic, 1));
    const first = world.engine();
    await first.start('performing', { id: 'r' });
    await expect.poll(() => asked.length).toBe(4);
    first.die();
    alive = false;
    await world.leasesRunOut();
    expect(await world.engine().run('r').result()).toMatchObject({ output: { decided: true, answer: 3 } });
    expect(asked).toEqual(['voter', 'voter', 'voter', 'judge', 'judge']);
  });
});

describe('a vote fails', () => {
  it('with what its judge fails with', async () => {
    const judge = judging(() => Promise.reject(Object.assign(new Error('Ill.'), { code: 'E_ILL' })));
    const ask = working(async () => 1);
    const logic = fromVote({ name: 'vote', input: Count, voters: { ask, times: 2 }, decide: { judge } });
    await expect(toPromise(createActor(logic, { input: 1 }).start())).rejects.toMatchObject({
      code: 'E_ILL',
    });
    const run = await createWorld(performing(logic, 1)).engine().start('performing', { id: 'r' });
    expect(await run.result()).toMatchObject({ output: null, error: { code: 'E_ILL' } });
  });

  it('if the budget of its run is spent, and asks nobody else', async () => {
    let asked = 0;
    const ask = working(async () => {
      asked += 1;
      throw new BudgetExceeded('It is spent.');
    });
    const logic = fromVote({ name: 'vote', input: Count, voters: { ask, times: 5 }, concurrency: 1 });
    const run = await createWorld(performing(logic, 1)).engine().start('performing', { id: 'r' });
    expect(await run.result()).toMatchObject({ output: null, error: { code: 'BUDGET_EXCEEDED' } });
    expect(asked).toBe(1);
  });
});

function judging(run: (input: { answers: number[] }) => Promise<{ choice: number }>) {
  return fromTool({
    name: 'judge',
    input: z.object({ answers: z.array(Count) }),
    output: z.object({ choice: z.int() }),
    run,
  });
}
