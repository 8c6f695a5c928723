import { type AnyEventObject, assign, createActor, type MachineContext, setup } from 'xstate';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';

import { InvalidOption } from '../errors.ts';
import { avoids } from './checks/avoids.ts';
import { field } from './checks/field.ts';
import { lengthWithin } from './checks/length-within.ts';
import { oneOf } from './checks/one-of.ts';
import { describeReasons, describeVerdicts } from './describe-verdicts.ts';
import { gate, type GateArgs } from './gate.ts';
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

describe('a gate from several checks', () => {
  const Draft = z.object({ reply: z.string().trim() });
  const fits = gate(
    'fits',
    [
      Draft,
      field('reply', lengthWithin({ max: 2, unit: 'words' }), avoids(['sorry'])),
      ({ reply }, { event }) => !reply.includes(event.type) || ['It says what the event is.'],
    ],
    ({ event }) => event['output'],
  );
  const verdictOf = (output: unknown): Verdict | undefined =>
    judged(() => fits({ context: {}, event: { type: 'DONE', output } }))[1][0];

  it('has every check report, on the value that the schema gave', () => {
    expect(verdictOf({ reply: ' Fine. ' })).toEqual({
      gate: 'fits',
      passed: true,
      reasons: [],
      saw: { reply: ' Fine. ' },
    });
    expect(verdictOf({ reply: 'So sorry: DONE' })).toMatchObject({
      passed: false,
      reasons: [
        'reply: It has 3 words; at most 2 are allowed.',
        'reply: It says "sorry", which it must not.',
        'It says what the event is.',
      ],
    });
  });

  it('does not ask the checks about what the schema refuses', () => {
    expect(verdictOf({ reply: 5 })?.reasons).toEqual([
      'reply: Invalid input: expected string, received number',
    ]);
  });

  it('may have no schema', () => {
    const named = gate('named', [oneOf(['a', 'b'])], ({ event }: GateArgs<MachineContext, AnyEventObject>) =>
      String(event['name']),
    );
    expect(judged(() => named({ context: {}, event: { type: 'X', name: 'c' } }))[1]).toMatchObject([
      { passed: false, reasons: ['"c" is not one of "a", "b".'], saw: 'c' },
    ]);
  });

  it('knows its types in a machine, and those of the value', () => {
    setup({
      types: { context: {} as Context, events: {} as Event },
      guards: {
        listed: gate(
          'listed',
          [
            z.object({ amount: z.number() }),
            (refund, { context, event }) => {
              expectTypeOf(refund).toEqualTypeOf<{ amount: number }>();
              expectTypeOf(context).toEqualTypeOf<Context>();
              expectTypeOf(event).toEqualTypeOf<Event>();
              return refund.amount <= context.limit;
            },
          ],
          ({ event }) => event,
        ),
      },
    });
    // @ts-expect-error -- the check is of text, the value is a number
    gate('wrong', [lengthWithin({ max: 1 })], () => 5);
    // @ts-expect-error -- the check is of another shape than the schema gives
    gate('wrong', [Draft, field('text', lengthWithin({ max: 1 }))], () => 5);
  });

  it('refuses a check that has to wait', () => {
    // @ts-expect-error -- a guard answers at once
    const slow = gate('slow', [z.string(), async () => Promise.resolve(true)], () => 'x');
    expect(() => slow(args)).toThrow(InvalidOption);
    expect(() => slow(args)).toThrow(
      'check 2 of gate `slow` returned a promise, but a guard has to answer at once.',
    );
    // @ts-expect-error -- a guard answers at once
    const slowPredicate = gate('slow', async () => Promise.reject(new Error('unheard')));
    expect(() => slowPredicate(args)).toThrow('gate `slow` returned a promise');
  });
});

describe('what gates found wrong', () => {
  it('is told as a list, each thing once', () => {
    const failed = (gateName: string, ...reasons: string[]): Verdict => ({
      gate: gateName,
      passed: false,
      reasons,
    });
    expect(
      describeVerdicts([
        failed('one', 'It is\n  empty.', 'It is late.'),
        { gate: 'two', passed: true, reasons: [] },
        failed('three'),
        failed('four', 'It is late.'),
      ]),
    ).toBe('- It is empty.\n- It is late.\n- It did not pass `three`.');
    expect(describeVerdicts([])).toBe('');
    expect(
      describeReasons(Array.from({ length: 25 }, (_, index) => `Reason ${index}.`))
        .split('\n')
        .slice(-2),
    ).toEqual(['- Reason 19.', '- And 5 more of the kind.']);
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
    expect(() => gate('it', [], () => 1)).toThrow('Expected gate `it` to have a predicate');
    expect(() => gate('it', [z.string(), 5 as never], () => 1)).toThrow(InvalidOption);
    expect(() => gate('it', [z.string()], undefined as never)).toThrow('Gate `it` has checks but no value');
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
