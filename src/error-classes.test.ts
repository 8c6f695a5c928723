/** Failures that guards tell apart with `instanceof`, before and after a restart. */
import { assign, fromPromise, setup } from 'xstate';
import { describe, expect, it } from 'vitest';

import { createWorld } from '../test/support/world.ts';
import { advance, createHostCache } from './engine/advance.ts';
import { carriedError } from './engine/carried-error.ts';
import { decode, encode } from './engine/codec.ts';
import type { Advanced, Message, RunState } from './engine/run-state.ts';
import { ModelCallFailed, OutcomeUnknown } from './errors.ts';
import { type AnyWorkflow, defineWorkflow } from './workflow.ts';

class QuotaError extends Error {
  override name = 'QuotaError';
  readonly code = 'QUOTA';
  readonly limit: number;
  constructor(message: string, limit: number, options?: ErrorOptions) {
    super(message, options);
    this.limit = limit;
  }
  get isHard(): boolean {
    return this.limit > 10;
  }
}
class DailyQuotaError extends QuotaError {}
class Unregistered extends Error {}
class Several extends AggregateError {}
class OurCallFailed extends ModelCallFailed {}

const errors = [QuotaError, Several];

/** A machine that says by which class it knows the error of its actor; `below`: an actor of a machine of its own. */
function telling(thrown: () => unknown, definition: object = { errors }): AnyWorkflow {
  const actors = { work: fromPromise(() => Promise.reject(thrown() as Error)) };
  const known = (error: unknown): string[] =>
    [
      QuotaError,
      DailyQuotaError,
      Unregistered,
      Several,
      AggregateError,
      ModelCallFailed,
      OurCallFailed,
      Error,
    ]
      .filter((each) => error instanceof each)
      .map(({ name }) => name);
  const note = assign({ known: ({ event }) => known((event as unknown as { error: unknown }).error) });
  const below = setup({ types: { context: {} as { known: string[] } }, actors }).createMachine({
    id: 'below',
    context: { known: [] },
    initial: 'working',
    states: {
      working: { invoke: { src: 'work', id: 'work', onError: { target: 'failed', actions: note as never } } },
      failed: { type: 'final' },
    },
    output: ({ context }) => context.known,
  });
  const machine = setup({
    types: { context: {} as { known: string[]; below: unknown; error: unknown; later: string[] } },
    actors: { ...actors, below },
  }).createMachine({
    id: 'telling',
    context: { known: [], below: null, error: null, later: [] },
    initial: 'working',
    states: {
      working: {
        invoke: {
          src: 'work',
          id: 'work',
          onError: {
            target: 'nested',
            actions: [note as never, assign({ error: ({ event }) => event.error as unknown })],
          },
        },
      },
      nested: {
        invoke: {
          src: 'below',
          id: 'below',
          onDone: { target: 'asked', actions: assign({ below: ({ event }) => event.output as unknown }) },
        },
      },
      asked: {
        on: { GO: { target: 'over', actions: assign({ later: ({ context }) => known(context.error) }) } },
      },
      over: { type: 'final' },
    },
    output: ({ context }) => context,
  });
  return defineWorkflow({ machine, version: '1', ...definition }) as AnyWorkflow;
}

/** What a machine knows an error as, on an engine that dies once and another that goes on. */
async function knownAs(
  thrown: () => unknown,
  definition?: object,
): Promise<{ known: string[]; error: unknown }> {
  const workflow = telling(thrown, definition);
  const world = createWorld(workflow);
  const first = world.engine();
  const run = await first.start(workflow, { id: 'r' });
  await run.waitFor({ state: 'asked' });
  first.die();
  await world.leasesRunOut();
  const later = world.engine().run('r');
  await later.send({ type: 'GO' } as never);
  const { known, below, later: after, error } = (await later.result()) as Record<string, unknown>;
  expect(below).toEqual(known);
  expect(after).toEqual(known);
  return { known: known as string[], error };
}

describe('an error class that a workflow registers', () => {
  it('is known in `onError`, in machines below, and after a restart, with its own fields and its methods', async () => {
    const { known, error } = await knownAs(
      () => new QuotaError('no more', 12, { cause: new TypeError('why') }),
    );
    expect(known).toEqual(['QuotaError', 'Error']);
    expect(error).toBeInstanceOf(QuotaError);
    expect(error).toMatchObject({ name: 'QuotaError', code: 'QUOTA', limit: 12, isHard: true });
    expect((error as Error).cause).toBeInstanceOf(TypeError);
  });

  it('is known by those that extend it, registered or not', async () => {
    expect((await knownAs(() => new DailyQuotaError('no more', 1))).known).toEqual(['QuotaError', 'Error']);
    const both = { errors: [DailyQuotaError, QuotaError] };
    expect((await knownAs(() => new DailyQuotaError('no more', 1), both)).known).toEqual([
      'QuotaError',
      'DailyQuotaError',
      'Error',
    ]);
  });

  it('is known of a cause, and of one of several errors', async () => {
    const { error, known } = await knownAs(
      () => new Several([new QuotaError('one', 1), 2], 'all', { cause: new QuotaError('two', 2) }),
    );
    expect(known).toEqual(['Several', 'AggregateError', 'Error']);
    const { cause, errors: inner } = error as AggregateError;
    expect(cause).toBeInstanceOf(QuotaError);
    expect(inner).toEqual([expect.any(QuotaError), 2]);
  });

  it('is known of an error that also holds what cannot be stored, which is left out', async () => {
    const thrown = (): Error =>
      Object.assign(
        new QuotaError('no more', 3, { cause: Object.assign(new QuotaError('x', 1), { f: () => 1 }) }),
        {
          socket: () => 1,
        },
      );
    const { known, error } = await knownAs(thrown);
    expect(known).toEqual(['QuotaError', 'Error']);
    expect(error).toMatchObject({ limit: 3 });
    expect((error as Error).cause).toBeInstanceOf(QuotaError);
    expect((error as Error).cause).toMatchObject({ limit: 1 });
    expect(error).not.toHaveProperty('socket');
  });

  it('is that of the error of a failed run', async () => {
    const machine = setup({
      actors: { work: fromPromise(() => Promise.reject(new QuotaError('no more', 1))) },
    }).createMachine({ id: 'failing', invoke: { src: 'work' } });
    const workflow = defineWorkflow({ machine, version: '1', errors });
    const run = await createWorld(workflow).engine().start(workflow, { id: 'r' });
    await expect(run.result()).rejects.toMatchObject({
      code: 'RUN_FAILED',
      cause: expect.any(QuotaError) as unknown,
    });
  });
});

describe('an error class that a workflow does not register', () => {
  it('is unknown before a restart as after', async () => {
    expect((await knownAs(() => new Unregistered('odd'))).known).toEqual(['Error']);
    expect((await knownAs(() => new QuotaError('no more', 1), {})).known).toEqual(['Error']);
  });

  it('leaves an error an instance of the nearest class that is known', async () => {
    expect((await knownAs(() => new OurCallFailed('odd'), {})).known).toEqual(['ModelCallFailed', 'Error']);
    expect((await knownAs(() => new Several([], 'all'), {})).known).toEqual(['AggregateError', 'Error']);
  });

  it('is unknown also if the machine itself makes such an error, once the message is over', () => {
    const machine = setup({ types: { context: {} as { error: unknown; known: unknown } } }).createMachine({
      id: 'making',
      context: { error: null, known: null },
      on: {
        MAKE: { actions: assign({ error: () => new Unregistered('odd') }) },
        ASK: { actions: assign({ known: ({ context }) => context.error instanceof Unregistered }) },
      },
    });
    for (const registered of [true, false]) {
      const workflow = defineWorkflow({
        machine,
        version: '1',
        ...(registered ? { errors: [Unregistered] } : {}),
      });
      const hosts = createHostCache();
      const send = (state: RunState | undefined, message: Message): Advanced =>
        advance(workflow, state, message, hosts);
      const started = send(undefined, { type: 'start', at: 0 }).state;
      const { state } = send(started, { type: 'event', at: 1, event: { type: 'MAKE' } });
      const ask: Message = { type: 'event', at: 2, event: { type: 'ASK' } };
      const restored = advance(workflow, decode(encode(state)) as RunState, ask);
      for (const led of [send(state, ask), restored]) {
        expect(led.state.snapshot.context).toMatchObject({ known: registered });
      }
    }
  });

  it('stays with the error, however often it is stored by code that does not know it', () => {
    const [once, twice] = [
      carriedError(new QuotaError('no more', 1)),
      decode(encode(carriedError(new QuotaError('no more', 1)))),
    ];
    for (const error of [once, twice]) {
      expect(error).not.toBeInstanceOf(QuotaError);
      expect(decode(encode(error), new Map([['QuotaError', QuotaError]]))).toBeInstanceOf(QuotaError);
    }
    const named = Object.assign(new Error('plain'), { name: 'QuotaError' });
    expect(decode(encode(named), new Map([['QuotaError', QuotaError]]))).not.toBeInstanceOf(QuotaError);
  });

  it('does not keep errors that hold themselves or each other from being stored', () => {
    const one: Error & { other?: unknown } = new OutcomeUnknown('one');
    const other = new AggregateError([one], 'other', { cause: one });
    one.cause = other;
    one.other = one;
    expect(carriedError(one)).toMatchObject({ message: 'one', cause: { message: 'other' } });
    expect(carriedError(one)).toBeInstanceOf(OutcomeUnknown);
  });
});

describe('registering', () => {
  const refusal = (classes: unknown): unknown => {
    try {
      return telling(() => 1, { errors: classes });
    } catch (error) {
      return error;
    }
  };

  it('refuses classes that could not be told apart', () => {
    const same = class QuotaError extends Error {};
    const builtIn = class TypeError extends Error {};
    const ours = class GateRejected extends Error {};
    const nameless = (() => class extends Error {})();
    for (const [classes, name, index] of [
      [[QuotaError, same], 'QuotaError', 1],
      [[builtIn], 'TypeError', 0],
      [[Unregistered, ours], 'GateRejected', 1],
      [[nameless], '', 0],
    ] as const) {
      expect(refusal(classes)).toMatchObject({
        code: 'WORKFLOW_INVALID',
        details: { errorClass: name, field: `errors[${index}]` },
      });
    }
  });

  it('refuses what is no class of errors', () => {
    for (const wrong of [class Odd {}, () => 1, 'QuotaError', undefined]) {
      expect(refusal([wrong])).toMatchObject({ code: 'INVALID_OPTION', details: { field: 'errors[0]' } });
    }
  });
});
