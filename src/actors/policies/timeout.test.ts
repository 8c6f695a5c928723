/** What is left behind when time is over: it calls nothing, keeps nothing, and what it had called is on record. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';

import { createWorld, performing } from '../../../test/support/world.ts';
import { exchangesOf } from '../../engine/spend.ts';
import type { DurableActor, InvocationScope } from '../../invocation.ts';
import { durableLogic } from '../durable-logic.ts';
import { fromTool } from '../from-tool.ts';
import { type Policies, underPolicies } from './policies.ts';

const Anything = z.unknown();

function acting(
  perform: (scope: InvocationScope) => Promise<unknown>,
  policies: Policies<unknown, unknown>,
  declared: Partial<DurableActor> = {},
) {
  return durableLogic<unknown, unknown>(
    underPolicies(
      {
        kind: 'test',
        name: 'work',
        irreversible: false,
        idempotent: true,
        perform: (_, scope) => perform(scope),
        ...declared,
      },
      policies,
    ),
  );
}

const call = (by: string, perform: () => Promise<unknown> = () => Promise.resolve(by)) => ({
  kind: 'tool',
  by,
  request: {},
  perform,
  describe: (response: unknown) => ({ response }),
});

describe('an attempt whose time is over', () => {
  it('has the calls on record that it had made and that end with their signal', async () => {
    const tool = fromTool({
      name: 'work',
      input: Anything,
      output: Anything,
      timeoutMs: 500,
      retry: { attempts: 2, delayMs: 1_000, jitter: 0 },
      run: (_, { signal }) =>
        new Promise((_resolve, reject) =>
          signal.addEventListener('abort', () => setImmediate(() => reject(new Error('Called off.')))),
        ),
    });
    const world = createWorld(performing(tool, 1));
    const run = await world.engine().start('performing', { id: 'r' });
    await world.clock.advance(3_000);
    expect(await run.result()).toMatchObject({ error: { code: 'TIMED_OUT' } });
    const errors = (await run.history()).flatMap(exchangesOf).map(({ error }) => error?.message);
    expect(errors).toEqual(['Called off.', 'Called off.']);
  });

  it('neither calls nor keeps anything any more, and is not waited for by the next', async () => {
    const made: string[] = [];
    let goOn = (): void => {};
    const late = new Promise<void>((resolve) => (goOn = resolve));
    let ended: Promise<unknown> | undefined;
    let attempts = 0;
    const logic = acting(
      async (scope) => {
        attempts++;
        const name = `attempt ${attempts}`;
        if (attempts > 1) return scope.once('step', () => Promise.resolve(name));
        const straggling = scope
          .once('step', async () => {
            await late;
            return name;
          })
          .catch((error: unknown) => error);
        ended = late.then(() =>
          Promise.allSettled([
            straggling,
            scope.exchange(call('late', async () => void made.push('late'))),
            scope.within('part').exchange(call('late part', async () => void made.push('late part'))),
          ]),
        );
        return new Promise(() => {});
      },
      { timeoutMs: 500, retry: { attempts: 2, delayMs: 1_000, jitter: 0 } },
    );
    const world = createWorld(performing(logic, 1));
    const run = await world.engine().start('performing', { id: 'r' });
    await world.clock.advance(1_500);
    expect(await run.result()).toMatchObject({ output: 'attempt 2' });
    goOn();
    await ended;
    expect(made).toEqual([]);
    expect((await run.history()).filter(({ type }) => type === 'kept')).toHaveLength(2);
  });

  it('has a call on record that ends after the run', async () => {
    let answer = (): void => {};
    const late = new Promise<string>((resolve) => (answer = () => resolve('late')));
    const logic = acting(async (scope) => {
      void scope.exchange(call('slow', () => late)).catch(() => {});
      await scope.exchange(call('quick'));
      return 'done';
    }, {});
    const world = createWorld(performing(logic, 1, { id: 'late' }));
    const run = await world.engine().start('late', { id: 'r' });
    await expect.poll(async () => (await run.history()).flatMap(exchangesOf).length).toBe(1);
    answer();
    // The run has ended and is nobody's any more, so nothing can be added to it; nothing breaks either.
    expect(await run.result()).toMatchObject({ output: 'done' });
    expect(world.problems).toEqual([]);
  });
});

describe('the time that there is in all', () => {
  it('may be over before an irreversible tool is tried again: then it is known that it did not happen', async () => {
    let calls = 0;
    const tool = fromTool({
      name: 'pay',
      input: Anything,
      output: Anything,
      irreversible: true,
      totalTimeoutMs: 10_000,
      retry: { attempts: 5, delayMs: 4_000, factor: 1, jitter: 0 },
      run: () => {
        calls++;
        return Promise.reject(Object.assign(new Error('Closed.'), { status: 503 }));
      },
    });
    const world = createWorld(performing(tool, 1));
    const first = world.engine();
    await first.start('performing', { id: 'r' });
    await world.clock.advance(0);
    await first.stop();
    // Nobody was there when it would have been tried again.
    await world.clock.advance(60_000);
    expect(await world.engine().run('r').result()).toMatchObject({ error: { code: 'TIMED_OUT' } });
    expect(calls).toBe(1);
  });

  it('ends a wait that would take longer, with the last error as its cause', async () => {
    const tool = fromTool({
      name: 'ask',
      input: Anything,
      output: Anything,
      totalTimeoutMs: 5_000,
      retry: { attempts: 3 },
      run: () =>
        Promise.reject(
          Object.assign(new Error('Later.'), { details: { retryable: true, retryAfterMs: 60_000 } }),
        ),
    });
    const world = createWorld(performing(tool, 1));
    const run = await world.engine().start('performing', { id: 'r' });
    expect(await run.result()).toMatchObject({ error: { code: 'TIMED_OUT', cause: { message: 'Later.' } } });
  });

  it('is not tried again for, even if every timeout is worth a retry', async () => {
    let attempts = 0;
    const logic = acting(
      () => {
        attempts++;
        return new Promise(() => {});
      },
      { totalTimeoutMs: 1_000, timeoutMs: 700, retry: { attempts: 9, delayMs: 100, jitter: 0 } },
    );
    const world = createWorld(performing(logic, 1));
    const run = await world.engine().start('performing', { id: 'r' });
    await world.clock.advance(60_000);
    expect(await run.result()).toMatchObject({ error: { code: 'TIMED_OUT', details: { timeoutMs: 1_000 } } });
    expect(attempts).toBe(2);
  });

  it('may be longer than a timer of Node can take, without an engine', async () => {
    const { createActor, toPromise } = await import('xstate');
    const logic = acting(() => Promise.resolve('in time'), { totalTimeoutMs: 90 * 86_400_000 });
    await expect(toPromise(createActor(logic, { input: 1 }).start())).resolves.toBe('in time');
    const slow = acting(() => new Promise((resolve) => setTimeout(() => resolve('in time'), 20)), {
      totalTimeoutMs: 90 * 86_400_000,
    });
    await expect(toPromise(createActor(slow, { input: 1 }).start())).resolves.toBe('in time');
  });
});
