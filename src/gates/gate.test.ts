import { assign, createActor, setup } from 'xstate';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';

import { InvalidOption } from '../errors.ts';
import { gate } from './gate.ts';
import { person, personQuestion } from './person.ts';
import { collectVerdicts, recordVerdict, type Verdict } from './verdict.ts';

type Context = { limit: number };
type Event = { type: 'REFUND'; amount: number } | { type: 'CANCEL' };

const args = { context: { limit: 100 }, event: { type: 'REFUND', amount: 50 } } as const;

/** What the body returns, and the verdicts that were recorded meanwhile. */
function judged<T>(body: () => T): [T, Verdict[]] {
  const verdicts: Verdict[] = [];
  return [collectVerdicts(verdicts, body), verdicts];
}

describe('a gate from a predicate', () => {
  it('passes with `true` or no reasons, and fails with `false` or some', () => {
    for (const [judgement, passed, reasons] of [
      [true, true, []],
      [false, false, []],
      [[], true, []],
      [['too much', 'too soon'], false, ['too much', 'too soon']],
    ] as const) {
      expect(judged(() => gate('it', () => judgement)(args))).toEqual([
        passed,
        [{ gate: 'it', passed, reasons }],
      ]);
    }
  });

  it('judges the context and the event', () => {
    const within = gate<Context, Event>(
      'within',
      ({ context, event }) =>
        event.type === 'CANCEL' ||
        event.amount <= context.limit || [`${event.amount} is over ${context.limit}`],
    );
    expect(within({ context: { limit: 10 }, event: { type: 'REFUND', amount: 10 } })).toBe(true);
    const [passed, [verdict]] = judged(() =>
      within({ context: { limit: 10 }, event: { type: 'REFUND', amount: 11 } }),
    );
    expect({ passed, verdict }).toEqual({
      passed: false,
      verdict: { gate: 'within', passed: false, reasons: ['11 is over 10'] },
    });
  });

  it('that throws, throws, and leaves no verdict', () => {
    const throwing = gate('throwing', () => {
      throw new Error('cannot tell');
    });
    const verdicts: Verdict[] = [];
    expect(() => collectVerdicts(verdicts, () => throwing(args))).toThrow('cannot tell');
    expect(verdicts).toEqual([]);
  });
});

describe('a gate from a schema', () => {
  const Refund = z.object({ amount: z.number().max(40), to: z.object({ email: z.email() }) });
  const refund = gate('refund', Refund, ({ event }) => event);

  it('gives zod’s issues as reasons, each with its path, and says what it saw', () => {
    const event = { type: 'REFUND', amount: 50, to: { email: 'nobody' } };
    const [passed, [verdict]] = judged(() => refund({ context: {}, event }));
    expect(passed).toBe(false);
    expect(verdict).toEqual({
      gate: 'refund',
      passed: false,
      reasons: ['amount: Too big: expected number to be <=40', 'to.email: Invalid email address'],
      saw: event,
    });
  });

  it('passes what matches', () => {
    const event = { type: 'REFUND', amount: 40, to: { email: 'a@b.de' } };
    expect(judged(() => refund({ context: {}, event }))).toEqual([
      true,
      [{ gate: 'refund', passed: true, reasons: [], saw: event }],
    ]);
  });

  it('names no path for the value itself', () => {
    const some = gate('some', z.string(), () => undefined);
    expect(judged(() => some(args))[1]).toMatchObject([
      { reasons: ['Invalid input: expected string, received undefined'] },
    ]);
  });
});

describe('gate', () => {
  it('refuses what is not a gate', () => {
    expect(() => gate('', () => true)).toThrow(InvalidOption);
    expect(() => gate(undefined as never, () => true)).toThrow(
      'Expected `name` of a gate to be a non-empty string, got `undefined`.',
    );
    expect(() => gate('it', z.string(), undefined as never)).toThrow(
      'Gate `it` has a schema but no value to check with it.',
    );
    expect(() => gate('it', undefined as never)).toThrow(InvalidOption);
  });

  it('is a guard like any other under plain XState', () => {
    const machine = setup({
      types: { context: {} as { spent: number }, events: {} as { type: 'SPEND'; amount: number } },
      guards: {
        affordable: gate(
          'affordable',
          ({ context, event }) => context.spent + event.amount <= 100 || ['not affordable'],
        ),
      },
    }).createMachine({
      context: { spent: 0 },
      on: {
        SPEND: {
          guard: 'affordable',
          actions: assign({ spent: ({ context, event }) => context.spent + event.amount }),
        },
      },
    });
    const actor = createActor(machine).start();
    for (const amount of [60, 60, 40]) actor.send({ type: 'SPEND', amount });
    expect(actor.getSnapshot().context.spent).toBe(100);
    expect(actor.getSnapshot().can({ type: 'SPEND', amount: 1 })).toBe(false);
  });

  it('judges by the params that the machine gives it', () => {
    const machine = setup({
      types: { events: {} as { type: 'SPEND'; amount: number } },
      guards: {
        below: gate(
          'below',
          (_, { amount, limit }: { amount: number; limit: number }) =>
            amount < limit || [`${amount} of ${limit}`],
        ),
      },
    }).createMachine({
      on: {
        SPEND: {
          guard: { type: 'below', params: ({ event }) => ({ amount: event.amount, limit: 10 }) },
          actions: () => {},
        },
      },
    });
    const snapshot = createActor(machine).start().getSnapshot();
    expect(judged(() => snapshot.can({ type: 'SPEND', amount: 9 }))).toMatchObject([
      true,
      [{ gate: 'below', passed: true }],
    ]);
    expect(judged(() => snapshot.can({ type: 'SPEND', amount: 11 }))).toMatchObject([
      false,
      [{ reasons: ['11 of 10'] }],
    ]);
  });

  it('knows the types of context and event where it stands', () => {
    setup({
      types: { context: {} as Context, events: {} as Event },
      guards: {
        predicate: gate('predicate', ({ context, event }) => {
          expectTypeOf(context).toEqualTypeOf<Context>();
          expectTypeOf(event).toEqualTypeOf<Event>();
          return true;
        }),
        schema: gate('schema', z.number(), ({ context, event }) => {
          expectTypeOf(context).toEqualTypeOf<Context>();
          expectTypeOf(event).toEqualTypeOf<Event>();
          return context.limit;
        }),
      },
    });
    setup({
      guards: { untyped: gate('untyped', ({ context, event }) => context['any'] === event['thing']) },
    });
    // @ts-expect-error -- neither a boolean nor reasons
    expect(() => gate('it', () => 1)).not.toThrow();
  });
});

describe('verdicts', () => {
  it('go to the innermost collector, and nowhere without one', () => {
    const [inner, outer]: Verdict[][] = [[], []];
    const record = (name: string): void => recordVerdict({ gate: name, passed: true, reasons: [] });
    record('outside');
    collectVerdicts(outer, () => {
      record('before');
      collectVerdicts(inner, () => record('inside'));
      collectVerdicts(undefined, () => record('unheard'));
      expect(() =>
        collectVerdicts(inner, () => {
          throw new Error('x');
        }),
      ).toThrow('x');
      record('after');
    });
    record('outside');
    expect(outer?.map(({ gate: name }) => name)).toEqual(['before', 'after']);
    expect(inner?.map(({ gate: name }) => name)).toEqual(['inside']);
  });
});

describe('a state in which a person decides', () => {
  const question = { title: 'Approve the refund', instructions: 'Look at the ticket.', shows: ['ticket'] };

  it('is marked by plain state configuration, and can be found again', () => {
    const machine = setup({}).createMachine({
      initial: 'asking',
      states: { asking: { ...person(question), on: { YES: {} } } },
    });
    const snapshot = createActor(machine).start().getSnapshot();
    expect(snapshot.hasTag('person')).toBe(true);
    expect(Object.values(snapshot.getMeta()).map((meta) => personQuestion(meta))).toEqual([question]);
  });

  it('is none without a question', () => {
    for (const meta of [undefined, null, 'person', {}, { title: 'x' }])
      expect(personQuestion(meta)).toBeUndefined();
  });
});
