import { describe, expect, it, vi } from 'vitest';
import { createActor, setup, toPromise } from 'xstate';
import { z } from 'zod';

import { decode, encode } from '../engine/codec.ts';
import type { DurableLogic, Exchange, InvocationScope } from '../invocation.ts';
import { exchange } from '../engine/exchanging.ts';
import { listPrices } from '../prices.ts';
import { plainScope } from './plain-scope.ts';
import { ActorValueInvalid, InvalidOption, OutcomeUnknown, type SignalboxError } from '../errors.ts';
import { fromTool, type ToolActorOptions } from './from-tool.ts';

const Refund = z.object({ ticketId: z.string(), cents: z.int().positive().default(100) });
const Receipt = z.object({ receipt: z.string() });

type RefundOptions = ToolActorOptions<typeof Refund, typeof Receipt>;

describe('a tool', () => {
  it('runs with its input as the schema gives it, and gives its output as the schema gives it', async () => {
    const row = { receipt: 'r-1', secret: 'stays behind' };
    const run = vi.fn<RefundOptions['run']>(async () => row);
    const { output } = await performed(refund({ run }), { ticketId: 't-1', more: 'than asked' });
    expect(run).toHaveBeenCalledWith({ ticketId: 't-1', cents: 100 }, expect.anything());
    expect(output).toEqual({ receipt: 'r-1' });
  });

  it('is handed the signal, the attempt and the key of its invocation', async () => {
    const run = vi.fn<RefundOptions['run']>(async () => ({ receipt: 'r-1' }));
    const { signal } = new AbortController();
    await performed(refund({ run }), { ticketId: 't-1' }, { signal, attempt: 3, key: 'run-1/refund#2' });
    expect(run.mock.lastCall?.at(1)).toEqual({ signal, attempt: 3, idempotencyKey: 'run-1/refund#2' });
  });

  it('is handed the key that its option makes', async () => {
    const run = vi.fn<RefundOptions['run']>(async () => ({ receipt: 'r-1' }));
    const idempotencyKey: RefundOptions['idempotencyKey'] = ({ ticketId }, { key, runId }) =>
      [ticketId, key, runId].join(' ');
    await performed(refund({ run, idempotencyKey }), { ticketId: 't-1' }, { key: 'k', runId: 'run-1' });
    expect(run.mock.lastCall?.at(1)).toMatchObject({ idempotencyKey: 't-1 k run-1' });
  });

  it('is not run with input that its schema refuses', async () => {
    const run = vi.fn<RefundOptions['run']>(async () => ({ receipt: 'r-1' }));
    const { error, exchanges } = await failed(refund({ run }), { ticketId: 't-1', cents: -5 });
    expect(error).toBeInstanceOf(ActorValueInvalid);
    expect(error.message).toContain('Input of tool `refund`');
    expect(error.details).toEqual({ issues: [{ path: ['cents'], message: expect.any(String) as string }] });
    expect(run).not.toHaveBeenCalled();
    expect(exchanges).toEqual([]);
  });

  it('is not run with an empty idempotency key', async () => {
    const run = vi.fn<RefundOptions['run']>(async () => ({ receipt: 'r-1' }));
    const { error } = await failed(refund({ run, idempotencyKey: ({ ticketId }) => ticketId }), {
      ticketId: '',
    });
    expect(error).toBeInstanceOf(InvalidOption);
    expect(run).not.toHaveBeenCalled();
  });

  it('is not run once aborted', async () => {
    const run = vi.fn<RefundOptions['run']>(async () => ({ receipt: 'r-1' }));
    const reason = new Error('Gone.');
    const irreversible = refund({ run, irreversible: true });
    const { error } = await failed(irreversible, { ticketId: 't-1' }, { signal: AbortSignal.abort(reason) });
    expect(error).toBe(reason);
    expect(run).not.toHaveBeenCalled();
  });

  it.each([false, true])(
    'whose output is refused says that the work was done (irreversible: %s)',
    async (irreversible) => {
      const controller = new AbortController();
      const run = async () => {
        controller.abort();
        return { receipt: 7 } as never;
      };
      const { error } = await failed(
        refund({ run, irreversible }),
        { ticketId: 't-1' },
        { signal: controller.signal },
      );
      expect(error).toBeInstanceOf(ActorValueInvalid);
      expect(error.message).toContain(
        'Tool `refund` did its work, but its output does not match its schema: receipt: ',
      );
      expect(error.details).toEqual({
        issues: [{ path: ['receipt'], message: expect.any(String) as string }],
      });
    },
  );
});

describe('on record', () => {
  it('stands what a tool was asked and answered', async () => {
    const { exchanges } = await performed(refund(), { ticketId: 't-1' }, { key: 'k' });
    expect(exchanges).toEqual([
      {
        kind: 'tool',
        by: 'refund',
        at: expect.any(Number) as number,
        request: { input: { ticketId: 't-1', cents: 100 }, idempotencyKey: 'k' },
        response: { receipt: 'r-1' },
        latencyMs: expect.any(Number) as number,
      },
    ]);
    expect(JSON.parse(JSON.stringify(exchanges))).toEqual(exchanges);
  });

  it('stands how it failed', async () => {
    const down = Object.assign(new RangeError('Down'), { code: 'E_DOWN' });
    const { exchanges } = await failed(refund({ run: () => Promise.reject(down) }), { ticketId: 't-1' });
    expect(exchanges).toMatchObject([
      {
        request: { input: { ticketId: 't-1' } },
        error: { name: 'RangeError', message: 'Down', code: 'E_DOWN' },
      },
    ]);
    expect(exchanges[0]).not.toHaveProperty('response');
  });
});

describe('an error of the tool', () => {
  it.each([
    ['a plain tool', {}],
    ['an irreversible one', { irreversible: true }],
    ['an irreversible one with a key', { irreversible: true, idempotencyKey: () => 'k' }],
  ])('passes unchanged through %s', async (_, options) => {
    const declined = new Error('Card declined', { cause: new Error('ECONNREFUSED') });
    const { error } = await failed(refund({ ...options, run: () => Promise.reject(declined) }), {
      ticketId: 't-1',
    });
    expect(error).toBe(declined);
  });

  it('that is thrown at once passes too', async () => {
    const bug = new TypeError('x is not a function');
    const run = () => {
      throw bug;
    };
    expect((await failed(refund({ run }), { ticketId: 't-1' })).error).toBe(bug);
  });
});

describe('an irreversible tool without an idempotency key', () => {
  const openEnds: [string, () => unknown][] = [
    ['it timed out', () => new DOMException('The operation timed out', 'TimeoutError')],
    ['it aborted itself', () => new DOMException('Aborted', 'AbortError')],
    [
      'a wrapped timeout',
      () => new Error('Refund failed', { cause: new DOMException('Late', 'TimeoutError') }),
    ],
    ['the connection was lost', () => new TypeError('fetch failed', { cause: withCode('UND_ERR_SOCKET') })],
    ['the connection was reset', () => withCode('ECONNRESET')],
    ['no headers came', () => new TypeError('fetch failed', { cause: withCode('UND_ERR_HEADERS_TIMEOUT') })],
  ];

  it.each(openEnds)('ends in OutcomeUnknown when %s', async (_, made) => {
    const cause = made();
    const tool = refund({ irreversible: true, run: () => Promise.reject(cause as Error) });
    const { error, exchanges } = await failed(tool, { ticketId: 't-1' });
    expect(error).toBeInstanceOf(OutcomeUnknown);
    expect(error.message).toContain('`refund`');
    expect((error.cause as Error).message).toBe((cause as Error).message);
    expect(exchanges).toMatchObject([{ error: { name: 'OutcomeUnknown', code: 'OUTCOME_UNKNOWN' } }]);
    expect(decode(encode(error))).toBeInstanceOf(OutcomeUnknown);
  });

  it.each(openEnds)(
    'passes the error unchanged with a key, or when it can be taken back, when %s',
    async (_, made) => {
      for (const options of [{ irreversible: true, idempotencyKey: () => 'k' }, {}]) {
        const cause = made();
        const { error } = await failed(refund({ ...options, run: () => Promise.reject(cause as Error) }), {
          ticketId: 't-1',
        });
        expect(error).toBe(cause);
      }
    },
  );

  it('ends in OutcomeUnknown when it was aborted in flight, whatever it makes of that', async () => {
    const controller = new AbortController();
    const tool = refund({
      irreversible: true,
      run: (_, { signal }) =>
        new Promise((__, reject) => {
          signal.addEventListener('abort', () => reject(new Error('Could not refund')));
          controller.abort(new Error('The machine left the state.'));
        }),
    });
    const { error } = await failed(tool, { ticketId: 't-1' }, { signal: controller.signal });
    expect(error).toBeInstanceOf(OutcomeUnknown);
  });

  it('gives its output even if it was aborted in flight', async () => {
    const controller = new AbortController();
    const run = async () => {
      controller.abort();
      return { receipt: 'r-1' };
    };
    const tool = refund({ irreversible: true, run });
    const { output } = await performed(tool, { ticketId: 't-1' }, { signal: controller.signal });
    expect(output).toEqual({ receipt: 'r-1' });
  });

  it('keeps an OutcomeUnknown of its own', async () => {
    const own = new OutcomeUnknown('The bank says: ask again.', { cause: withCode('ECONNRESET') });
    const tool = refund({ irreversible: true, run: () => Promise.reject(own) });
    expect((await failed(tool, { ticketId: 't-1' })).error).toBe(own);
  });

  it('keeps a cause that a store can carry', async () => {
    const error = Object.assign(withCode('ECONNRESET'), { socket: new AbortController() });
    const tool = refund({ irreversible: true, run: () => Promise.reject(error) });
    const restored = decode(encode((await failed(tool, { ticketId: 't-1' })).error)) as OutcomeUnknown;
    expect(restored.cause).toMatchObject({ message: 'ECONNRESET', code: 'ECONNRESET' });
  });
});

describe('what a tool declares', () => {
  it.each([
    [{}, { irreversible: false, idempotent: false }],
    [{ irreversible: true }, { irreversible: true, idempotent: false }],
    [
      { irreversible: true, idempotencyKey: () => 'k' },
      { irreversible: true, idempotent: true },
    ],
    [
      { irreversible: false, idempotencyKey: () => 'k' },
      { irreversible: false, idempotent: true },
    ],
  ])('%o is %o', (options, declared) => {
    expect(refund(options).signalbox).toMatchObject({ kind: 'tool', ...declared });
  });

  it.each([
    [{ name: ' ' }, 'Expected `name` of a tool to be a non-empty string, got ` `.'],
    [{ irreversible: 'yes' }, 'Expected `irreversible` of tool `refund` to be a boolean, got `yes`.'],
    [{ idempotencyKey: 'id' }, 'Expected `idempotencyKey` of tool `refund` to be a function, got `id`.'],
    [{ input: undefined }, 'Expected `input` of tool `refund` to be a zod schema, got `undefined`.'],
    [{ output: [] }, 'Expected `output` of tool `refund` to be a zod schema, got an array.'],
    [{ run: null }, 'Expected `run` of tool `refund` to be a function, got `null`.'],
  ])('is refused where it is given: %o', (wrong, message) => {
    const define = () => refund(wrong as Partial<RefundOptions>);
    expect(define).toThrow(InvalidOption);
    expect(define).toThrow(message);
  });
});

describe('under a plain createActor', () => {
  it('runs in a machine', async () => {
    const machine = setup({ actors: { refund: refund() } }).createMachine({
      initial: 'refunding',
      states: {
        refunding: { invoke: { src: 'refund', input: { ticketId: 't-1' }, onDone: 'refunded' } },
        refunded: { type: 'final', output: ({ event }) => event['output'] as unknown },
      },
      output: ({ event }) => event['output'] as unknown,
    });
    await expect(toPromise(createActor(machine).start())).resolves.toEqual({ receipt: 'r-1' });
  });

  it('rejects as the tool does', async () => {
    const declined = new Error('Card declined');
    const actor = createActor(refund({ run: () => Promise.reject(declined) }), {
      input: { ticketId: 't-1' },
    });
    const outcome = toPromise(actor);
    actor.start();
    await expect(outcome).rejects.toBe(declined);
  });
});

function refund(options: Partial<RefundOptions> = {}) {
  return fromTool({
    name: 'refund',
    input: Refund,
    output: Receipt,
    run: async () => ({ receipt: 'r-1' }),
    ...options,
  });
}

async function performed(logic: DurableLogic, input: unknown, scope: Partial<InvocationScope> = {}) {
  const exchanges: Exchange[] = [];
  const output = await logic.signalbox.perform(input, scopeOf(exchanges, scope));
  return { output, exchanges };
}

async function failed(logic: DurableLogic, input: unknown, scope: Partial<InvocationScope> = {}) {
  const exchanges: Exchange[] = [];
  const error = await logic.signalbox.perform(input, scopeOf(exchanges, scope)).then(
    () => new Error('Expected a failure, got an output.'),
    (thrown: unknown) => thrown,
  );
  return { error: error as SignalboxError, exchanges };
}

function scopeOf(exchanges: Exchange[], scope: Partial<InvocationScope>): InvocationScope {
  const { signal } = new AbortController();
  return {
    ...plainScope('run-1/refund', signal),
    exchange: (call) =>
      exchange(call, {
        runId: 'run-1',
        workflow: 'test',
        key: 'run-1/test#1',
        part: undefined,
        signal: scope.signal ?? signal,
        now: Date.now,
        prices: listPrices,
        budget: undefined,
        intercept: undefined,
        record: (made) => exchanges.push(made),
      }),
    ...scope,
  };
}

function withCode(code: string): Error {
  return Object.assign(new Error(code), { code });
}
