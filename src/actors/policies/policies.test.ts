/** Policies as a user meets them: around a tool, in the engine, with workers that die and a clock that is told to move. */
import { createActor, toPromise } from 'xstate';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';

import { createWorld, performing } from '../../../test/support/world.ts';
import { fromTool, type ToolActorOptions } from '../from-tool.ts';
import { delayOf, isRetryable } from './retry.ts';

const Anything = z.unknown();
type Options = Partial<ToolActorOptions<typeof Anything, typeof Anything>>;

/** A tool that answers in turn: an error is thrown, anything else is its output. */
function scripted(answers: readonly unknown[], options: Options = {}) {
  const calls: { key: string; attempt: number }[] = [];
  const tool = fromTool({
    name: 'work',
    input: Anything,
    output: Anything,
    run: async (_, { idempotencyKey: key, attempt }) => {
      const answer = answers[calls.push({ key, attempt }) - 1];
      if (answer instanceof Error) throw answer;
      return answer;
    },
    ...options,
  });
  return { tool, calls };
}

const down = (details: object = {}): Error => Object.assign(new Error('Down.'), { status: 503, ...details });
const wrong = (): Error => Object.assign(new Error('No such thing.'), { status: 404 });
const retry = { attempts: 3, delayMs: 1_000, jitter: 0 };

describe('a retry', () => {
  it('waits longer each time, holding no worker, and gives what comes of it in the end', async () => {
    const { tool, calls } = scripted([down(), down(), 'fine'], { retry });
    const world = createWorld(performing(tool, 1));
    const engine = world.engine();
    const run = await engine.start('performing', { id: 'r' });
    await world.clock.advance(0);
    const waiting = await run.snapshot();
    expect(waiting.status).toBe('running');
    expect(waiting.invocations).toMatchObject([
      { key: 'work#1', attempt: 2, notBefore: world.clock.now() + 1_000 },
    ]);
    expect(world.data.runs.get('r')?.lease).toBeUndefined();

    await world.clock.advance(999);
    expect(calls).toHaveLength(1);
    await world.clock.advance(1);
    expect(calls).toHaveLength(2);
    await world.clock.advance(1_999);
    expect(calls).toHaveLength(2);
    await world.clock.advance(1);
    await expect(run.result()).resolves.toMatchObject({ output: 'fine' });
    expect(calls).toEqual([1, 2, 3].map((attempt) => ({ key: 'r/work#1', attempt })));
    expect(world.problems).toEqual([]);
  });

  it('ends with the last error after its last attempt', async () => {
    const { tool, calls } = scripted([down(), down(), down({ message: 'Still down.' })], { retry });
    const world = createWorld(performing(tool, 1));
    const run = await world.engine().start('performing', { id: 'r' });
    await world.clock.advance(10_000);
    expect(await run.result()).toMatchObject({ error: { status: 503 } });
    expect(calls).toHaveLength(3);
  });

  it('counts on after a crash, in the wait and in the attempt', async () => {
    let stuck = false;
    const { tool, calls } = scripted([], {
      retry,
      run: async (_, { idempotencyKey: key, attempt }) => {
        calls.push({ key, attempt });
        if (stuck) return new Promise(() => {});
        throw down();
      },
    });
    const world = createWorld(performing(tool, 1));
    const first = world.engine();
    const run = await first.start('performing', { id: 'r' });
    await world.clock.advance(0);
    first.die();

    // It is due while nobody is there; the next one finds it, and dies in the attempt.
    const second = world.engine();
    stuck = true;
    await world.clock.advance(1_000);
    await expect.poll(() => calls.length).toBe(2);
    second.die();
    stuck = false;
    await world.leasesRunOut();

    const third = world.engine();
    await expect.poll(() => calls.length).toBe(3);
    await world.clock.advance(2_000);
    expect(await third.run('r').result()).toMatchObject({ error: { message: 'Down.' } });
    // The one that was cut short may not have failed, so it does not count.
    expect(calls).toHaveLength(4);
    void run;
  });

  it('waits as long as it is asked to', async () => {
    const { tool, calls } = scripted(
      [down({ details: { retryable: true, retryAfterMs: 600_000 } }), 'fine'],
      { retry },
    );
    const world = createWorld(performing(tool, 1));
    const run = await world.engine().start('performing', { id: 'r' });
    await world.clock.advance(599_999);
    expect(calls).toHaveLength(1);
    await world.clock.advance(1);
    await expect(run.result()).resolves.toMatchObject({ output: 'fine' });
  });

  it('is called off when the machine moves on, or the run is cancelled', async () => {
    const { tool, calls } = scripted([down(), 'late', down(), 'late'], { retry });
    const world = createWorld(performing(tool, 1));
    const engine = world.engine();
    const left = await engine.start('performing', { id: 'left' });
    await world.clock.advance(0);
    expect((await left.send({ type: 'LEAVE' })).value).toBe('left');
    await world.clock.advance(10_000);
    expect(calls).toHaveLength(1);
    expect(await left.snapshot()).toMatchObject({ value: 'left', status: 'waiting' });

    calls.length = 0;
    const cancelled = await engine.start('performing', { id: 'cancelled' });
    await world.clock.advance(0);
    await cancelled.cancel('enough');
    await world.clock.advance(10_000);
    expect(calls).toHaveLength(1);
    expect((await cancelled.snapshot()).status).toBe('cancelled');
  });

  it('is on record, attempt by attempt', async () => {
    const { tool } = scripted([down(), 'fine'], { retry });
    const world = createWorld(performing(tool, 1));
    const run = await world.engine().start('performing', { id: 'r' });
    await world.clock.advance(1_000);
    await run.result();
    const history = await run.history();
    expect(history.map((entry) => (entry.type === 'message' ? entry.message.type : entry.type))).toEqual([
      'start',
      'kept',
      'deferred',
      'output',
    ]);
    expect(history[1]).toMatchObject({
      value: { attempt: 1, of: 3, error: { message: 'Down.' } },
      exchanges: [{ kind: 'tool', by: 'work', error: { message: 'Down.' } }],
    });
    expect(history[2]).toMatchObject({ message: { reason: 'attempt 1 of 3 failed: Down.' } });
  });

  it('is not made for what another attempt cannot help', async () => {
    const { tool, calls } = scripted([wrong(), 'never'], { retry });
    const world = createWorld(performing(tool, 1));
    const run = await world.engine().start('performing', { id: 'r' });
    await world.clock.advance(10_000);
    expect(await run.result()).toMatchObject({ error: { message: 'No such thing.' } });
    expect(calls).toHaveLength(1);
  });

  it('of an irreversible tool is made after a definite error, never if the outcome is unknown', async () => {
    const open = Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
    const { tool, calls } = scripted([down(), open, 'never'], { retry, irreversible: true });
    const world = createWorld(performing(tool, 1));
    const run = await world.engine().start('performing', { id: 'r' });
    await world.clock.advance(10_000);
    expect(await run.result()).toMatchObject({ error: { code: 'OUTCOME_UNKNOWN' } });
    expect(calls).toHaveLength(2);
  });

  it('of an irreversible tool that a crash cut short is not made', async () => {
    const { tool, calls } = scripted([], {
      retry,
      irreversible: true,
      run: async (_, { idempotencyKey: key, attempt }) => {
        if (calls.push({ key, attempt }) === 1) throw down();
        return new Promise(() => {});
      },
    });
    const world = createWorld(performing(tool, 1));
    const first = world.engine();
    await first.start('performing', { id: 'r' });
    await world.clock.advance(1_000);
    expect(calls).toHaveLength(2);
    first.die();
    await world.leasesRunOut();
    expect(await world.engine().run('r').result()).toMatchObject({ error: { code: 'OUTCOME_UNKNOWN' } });
    expect(calls).toHaveLength(2);
  });

  it('is made under a plain `createActor` too', async () => {
    const { tool, calls } = scripted([down(), 'fine'], { retry: { attempts: 2, delayMs: 1 } });
    await expect(toPromise(createActor(tool, { input: 1 }).start())).resolves.toBe('fine');
    expect(calls).toHaveLength(2);
  });

  it.each([
    [{ status: 429 }, true],
    [{ status: 529 }, true],
    [{ status: 500 }, true],
    [{ status: 408 }, true],
    [{ status: 400 }, false],
    [{ status: 401 }, false],
    [{ code: 'ECONNREFUSED' }, true],
    [{ code: 'E_MINE' }, false],
    [{ details: { retryable: true }, status: 400 }, true],
    [{ details: { retryable: false }, status: 500 }, false],
    [{ remedy: 'fix-input' }, false],
    [{}, false],
  ])('by default, of %o: %s', (fields, expected) => {
    expect(isRetryable(Object.assign(new Error('x'), fields))).toBe(expected);
  });

  it('of a failed fetch looks at its causes', () => {
    const cause = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
    expect(isRetryable(new TypeError('fetch failed', { cause }))).toBe(true);
  });

  it('comes after a wait that grows to a bound, with a part of it left to chance', () => {
    const policy = { attempts: 9, delayMs: 100, factor: 3, maxDelayMs: 1_000, jitter: 0.5 };
    const waits = (random: number) => [1, 2, 3, 4].map((failures) => delayOf(policy, failures, () => random));
    expect(waits(0)).toEqual([100, 300, 900, 1_000]);
    expect(waits(1)).toEqual([50, 150, 450, 500]);
  });
});

describe('a timeout', () => {
  const hangs = () => new Promise(() => {});

  it('aborts an attempt, even of a tool that does not listen', async () => {
    const { tool } = scripted([], { timeoutMs: 500, run: hangs });
    const world = createWorld(performing(tool, 1));
    const run = await world.engine().start('performing', { id: 'r' });
    await world.clock.advance(500);
    expect(await run.result()).toMatchObject({ error: { code: 'TIMED_OUT', details: { timeoutMs: 500 } } });
  });

  it('in all is not begun anew by a crash', async () => {
    const { tool } = scripted([], { totalTimeoutMs: 20_000, run: hangs });
    const world = createWorld(performing(tool, 1));
    const first = world.engine();
    await first.start('performing', { id: 'r' });
    await world.clock.advance(0);
    first.die();
    await world.leasesRunOut();
    const run = world.engine().run('r');
    await world.clock.advance(5_000);
    expect(await run.result()).toMatchObject({
      error: { code: 'TIMED_OUT', details: { timeoutMs: 20_000 } },
    });
  });

  it('of an irreversible tool leaves its outcome unknown', async () => {
    const { tool } = scripted([], { timeoutMs: 500, irreversible: true, run: hangs, retry });
    const world = createWorld(performing(tool, 1));
    const run = await world.engine().start('performing', { id: 'r' });
    await world.clock.advance(60_000);
    expect(await run.result()).toMatchObject({ error: { code: 'OUTCOME_UNKNOWN' } });
  });
});

describe('a fallback', () => {
  it('is asked when the first has failed for good, or is not accepted', async () => {
    const cheap = scripted([wrong(), 'poor'], { accept: (output) => output !== 'poor' || ['Too poor.'] });
    const better = scripted(['rich', 'richer'], { name: 'better' });
    const run = (input: number) =>
      toPromise(createActor(withFallback(cheap.tool, better.tool), { input }).start());
    await expect(run(1)).resolves.toBe('rich');
    await expect(run(2)).resolves.toBe('richer');
    expect([cheap.calls, better.calls].map(({ length }) => length)).toEqual([2, 2]);
  });

  it('does not ask the first again after a crash', async () => {
    const cheap = scripted([wrong(), wrong()]);
    let stuck = true;
    const better = scripted([], {
      name: 'better',
      run: () => (stuck ? new Promise(() => {}) : Promise.resolve('rich')),
    });
    const world = createWorld(performing(withFallback(cheap.tool, better.tool), 1));
    const first = world.engine();
    await first.start('performing', { id: 'r' });
    await world.clock.advance(0);
    first.die();
    stuck = false;
    await world.leasesRunOut();
    expect(await world.engine().run('r').result()).toMatchObject({ output: 'rich' });
    expect(cheap.calls).toHaveLength(1);
  });

  it('is not asked with input that was refused', async () => {
    const strict = fromTool({
      name: 'strict',
      input: z.string(),
      output: Anything,
      run: () => Promise.resolve(1),
    });
    const logic = fromTool({
      name: 'first',
      input: z.string(),
      output: Anything,
      run: () => Promise.resolve(1),
      fallback: [strict],
    });
    const outcome = toPromise(createActor(logic, { input: 5 as never }).start());
    await expect(outcome).rejects.toMatchObject({
      code: 'ACTOR_VALUE_INVALID',
      message: expect.stringContaining('`first`') as string,
    });
  });

  function withFallback(first: ReturnType<typeof scripted>['tool'], second: typeof first) {
    return fromTool({
      name: 'first',
      input: Anything,
      output: Anything,
      retry: false,
      fallback: [second],
      run: (input, { signal }) =>
        toPromise(createActor(first, { input }).start()).finally(() => signal.throwIfAborted()),
    });
  }
});

describe('a cache', () => {
  it('of the run pays once for a key; with a time to live, once in that time', async () => {
    const { tool, calls } = scripted(['one', 'two'], { cache: { key: () => 'k', ttlMs: 60_000 } });
    const world = createWorld(performing(tool, 1));
    const engine = world.engine();
    for (const id of ['a', 'b']) await (await engine.start('performing', { id })).result();
    expect(calls).toHaveLength(2);
  });

  it('of the workflow pays once for all of its runs, and all engines', async () => {
    const { tool, calls } = scripted(['one', 'two'], { cache: { key: () => 'k', per: 'workflow' } });
    const world = createWorld(performing(tool, 1));
    const first = await world.engine({ work: 'own' }).start('performing', { id: 'a' });
    expect(await first.result()).toMatchObject({ output: 'one' });
    const second = await world.engine({ work: 'own' }).start('performing', { id: 'b' });
    expect(await second.result()).toMatchObject({ output: 'one' });
    expect(calls).toHaveLength(1);
  });
});

describe('policies of calls', () => {
  it('open a circuit after failures in a row, and try one call when its time is over', async () => {
    const { tool, calls } = scripted([down(), down(), 'fine'], {
      circuitBreaker: { failures: 2, openMs: 50 },
    });
    const call = () => toPromise(createActor(tool, { input: 1 }).start());
    await expect(call()).rejects.toThrow('Down.');
    await expect(call()).rejects.toThrow('Down.');
    await expect(call()).rejects.toMatchObject({ code: 'CIRCUIT_OPEN', details: { retryable: true } });
    expect(calls).toHaveLength(2);
    await expect.poll(() => call().catch(() => 'open')).toBe('fine');
    expect(calls).toHaveLength(3);
  });

  it('let no more calls with a key go on at a time than there are slots', async () => {
    let going = 0;
    let most = 0;
    const { tool } = scripted([], {
      concurrencyKey: { key: `crm ${Math.random()}`, limit: 2 },
      run: async () => {
        most = Math.max(most, (going += 1));
        await new Promise((resolve) => setTimeout(resolve, 5));
        going -= 1;
        return 'done';
      },
    });
    const outcomes = await Promise.all(
      Array.from({ length: 8 }, () => toPromise(createActor(tool, { input: 1 }).start())),
    );
    expect(outcomes).toHaveLength(8);
    expect(most).toBe(2);
  });

  it('put a call off that is over the rate limit, holding no worker', async () => {
    const { tool, calls } = scripted(['one', 'two'], {
      rateLimit: { key: `api ${Math.random()}`, requestsPerMinute: 1 },
    });
    const world = createWorld(performing(tool, 1));
    const engine = world.engine();
    expect(await (await engine.start('performing', { id: 'a' })).result()).toMatchObject({ output: 'one' });
    const second = await engine.start('performing', { id: 'b' });
    await world.clock.advance(0);
    expect(world.data.runs.get('b')?.lease).toBeUndefined();
    const [entry] = (await second.history()).slice(-1);
    expect(entry).toMatchObject({
      message: { type: 'deferred', reason: expect.stringContaining('rate limit') as string },
    });
    expect(calls).toHaveLength(1);
  });
});
