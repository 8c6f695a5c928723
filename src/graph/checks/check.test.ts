import { readdirSync } from 'node:fs';

import { describe, expect, it } from 'vitest';
import { assign, createMachine, fromPromise, setup } from 'xstate';
import { z } from 'zod';

import { fromTool } from '../../actors/index.ts';
import { InvalidOption } from '../../errors.ts';
import { person } from '../../gates/person.ts';
import { type AnyWorkflow, defineWorkflow, type WorkflowDefinition } from '../../workflow.ts';
import { check, rules } from './check.ts';

const work = fromTool({
  name: 'work',
  input: z.undefined(),
  output: z.object({ kind: z.enum(['a', 'b']) }),
  timeoutMs: 1_000,
  run: async () => ({ kind: 'a' as const }),
});
const pay = (idempotencyKey?: () => string) =>
  fromTool({
    name: 'pay',
    input: z.undefined(),
    output: z.object({ paid: z.literal(true) }),
    irreversible: true,
    timeoutMs: 1_000,
    ...(idempotencyKey ? { idempotencyKey } : {}),
    run: async () => ({ paid: true as const }),
  });

const machines = setup({
  types: { context: {} as { rounds: number }, events: {} as { type: 'GO' } | { type: 'STOP' } },
  actors: { work, pay: pay(), payOnce: pay(() => 'key') },
  guards: {
    isA: ({ event }) => (event as unknown as { output: { kind: string } }).output.kind === 'a',
    isB: ({ event }) => (event as unknown as { output: { kind: string } }).output.kind === 'b',
    isNone: ({ event }) => (event as unknown as { output: { kind: string } }).output.kind === 'c',
    throws: () => {
      throw new Error('The guard threw.');
    },
    few: ({ context }) => context.rounds < 3,
    saysYes: ({ event }) => (event as unknown as { yes?: boolean }).yes === true,
  },
  actions: {
    count: assign({ rounds: ({ context }) => context.rounds + 1 }),
    noteReason: assign({
      rounds: ({ event }) => (event as unknown as { reason: string }).reason.trim().length,
    }),
  },
});

type Config = Parameters<typeof machines.createMachine>[0];

const base = { id: 'checked', context: { rounds: 0 } } as const;
const invoke = { id: 'work', src: 'work', input: undefined } as const;
const done = { type: 'final' } as const;

function workflowOf(config: object, definition: object = {}): AnyWorkflow {
  const machine = machines.createMachine({ ...base, ...config } as Config);
  return defineWorkflow({ machine, version: '1', owner: 'the team', ...definition } as WorkflowDefinition<
    never,
    unknown
  >) as AnyWorkflow;
}

/** A machine that breaks a rule, what is found, and the near twin that does not. */
const cases: ReadonlyArray<{
  readonly rule: string;
  readonly wrong: object;
  readonly right: object;
  readonly where: string;
  readonly message: string;
  readonly witness?: string;
}> = [
  {
    rule: 'failure-not-handled',
    wrong: { initial: 'a', states: { a: { invoke: { ...invoke, onDone: 'b' } }, b: done } },
    right: { initial: 'a', states: { a: { invoke: { ...invoke, onDone: 'b', onError: 'b' } }, b: done } },
    where: 'a',
    message: 'Nothing handles a failure of `work` in `a`.',
    witness: 'work → failed',
  },
  {
    rule: 'run-fails',
    wrong: {
      initial: 'z',
      states: {
        z: { on: { GO: 'p', STOP: 'a' } },
        p: { invoke: { id: 'pay', src: 'payOnce', onDone: 'a', onError: 'b' } },
        a: { invoke: { ...invoke, onDone: 'b' } },
        b: done,
      },
    },
    // Without the payment before it, it is a failure like any other.
    right: {
      initial: 'z',
      states: { z: { on: { GO: 'a', STOP: 'a' } }, a: { invoke: { ...invoke, onDone: 'b' } }, b: done },
    },
    where: 'a',
    message:
      'Nothing handles a failure of `work` in `a`. `payOnce` cannot be taken back, and was begun before.',
    witness: 'GO, pay → true, work → failed',
  },
  {
    rule: 'run-fails',
    wrong: {
      initial: 'a',
      states: { a: { on: { GO: { guard: 'throws', target: 'b' }, STOP: 'b' } }, b: done },
    },
    right: { initial: 'a', states: { a: { on: { GO: 'b', STOP: 'b' } }, b: done } },
    where: 'a',
    message: 'The guard threw.',
    witness: 'GO',
  },
  {
    rule: 'no-way-out',
    wrong: { initial: 'a', states: { a: { on: { GO: 'b', STOP: 'c' } }, b: {}, c: done } },
    right: { initial: 'a', states: { a: { on: { GO: 'b', STOP: 'c' } }, b: { on: { GO: 'c' } }, c: done } },
    where: 'b',
    message: 'Nothing leads on from `b`: no event, no timer, no answer.',
    witness: 'GO',
  },
  {
    rule: 'no-way-out',
    wrong: {
      initial: 'a',
      states: { a: { on: { GO: 'b', STOP: 'd' } }, b: { on: { GO: 'c' } }, c: { on: { GO: 'b' } }, d: done },
    },
    right: {
      initial: 'a',
      states: {
        a: { on: { GO: 'b', STOP: 'd' } },
        b: { on: { GO: 'c' } },
        c: { on: { GO: 'b', STOP: 'd' } },
        d: done,
      },
    },
    where: 'b',
    message: 'From `b` no final state can be reached.',
    witness: 'GO',
  },
  {
    rule: 'answer-not-taken',
    wrong: {
      initial: 'a',
      states: {
        a: {
          invoke: { ...invoke, onDone: { guard: 'isA', target: 'b' }, onError: 'b' },
          after: { 1000: 'b' },
        },
        b: done,
      },
    },
    right: {
      initial: 'a',
      states: {
        a: {
          invoke: { ...invoke, onDone: [{ guard: 'isA', target: 'b' }, { target: 'b' }], onError: 'b' },
          after: { 1000: 'b' },
        },
        b: done,
      },
    },
    where: 'a',
    message: '`a` takes no answer of `work` such as: b.',
    witness: 'work → b',
  },
  {
    rule: 'join-never-done',
    wrong: {
      initial: 'a',
      states: {
        a: {
          type: 'parallel',
          states: {
            one: { initial: 'x', states: { x: { on: { GO: 'y' } }, y: done } },
            two: { initial: 'x', states: { x: { on: { GO: 'y' } }, y: {} } },
          },
          onDone: 'b',
          on: { STOP: 'b' },
        },
        b: done,
      },
    },
    right: {
      initial: 'a',
      states: {
        a: {
          type: 'parallel',
          states: {
            one: { initial: 'x', states: { x: { on: { GO: 'y' } }, y: done } },
            two: { initial: 'x', states: { x: { on: { GO: 'y' } }, y: done } },
          },
          onDone: 'b',
          on: { STOP: 'b' },
        },
        b: done,
      },
    },
    where: 'a',
    message: '`a` waits until it is done, and `a.two` has no final state.',
  },
  {
    rule: 'unbounded-loop',
    wrong: {
      initial: 'a',
      states: {
        a: { invoke: { ...invoke, onDone: 'c', onError: 'b' } },
        b: { after: { 1000: 'a' } },
        c: done,
      },
    },
    right: {
      initial: 'a',
      states: {
        a: {
          invoke: {
            ...invoke,
            onDone: 'c',
            onError: [{ guard: 'few', target: 'b', actions: 'count' }, { target: 'c' }],
          },
        },
        b: { after: { 1000: 'a' } },
        c: done,
      },
    },
    where: 'a',
    message: 'It can go round for ever: a → b → a.',
    witness: 'work → failed, after 1000',
  },
  {
    rule: 'unreachable-state',
    wrong: { initial: 'a', states: { a: { on: { GO: 'c' } }, b: { on: { GO: 'c' } }, c: done } },
    right: { initial: 'a', states: { a: { on: { GO: 'c', STOP: 'b' } }, b: { on: { GO: 'c' } }, c: done } },
    where: 'b',
    message: 'No run comes to `b`.',
  },
  {
    rule: 'transition-never-taken',
    wrong: {
      initial: 'a',
      states: {
        a: {
          invoke: { ...invoke, onDone: [{ guard: 'isNone', target: 'b' }, { target: 'b' }], onError: 'b' },
        },
        b: done,
      },
    },
    right: {
      initial: 'a',
      states: {
        a: { invoke: { ...invoke, onDone: [{ guard: 'isB', target: 'b' }, { target: 'b' }], onError: 'b' } },
        b: done,
      },
    },
    where: 'a work.done 0',
    message: '`a` never goes on by `work.done`: `isNone` never passes.',
  },
  {
    rule: 'no-timer',
    wrong: { initial: 'a', states: { a: { on: { GO: 'b' } }, b: done } },
    right: { initial: 'a', states: { a: { on: { GO: 'b' }, after: { 1000: 'b' } }, b: done } },
    where: 'a',
    message: '`a` waits for GO, for ever.',
  },
  {
    rule: 'person-at-every-step',
    wrong: {
      initial: 'a',
      states: {
        a: { invoke: { ...invoke, onDone: 'b', onError: 'b' } },
        b: { ...person({ title: 'Go on?' }), on: { GO: 'c', STOP: 'e' } },
        c: { invoke: { ...invoke, id: 'moreWork', onDone: 'd', onError: 'd' } },
        d: { ...person({ title: 'Good?' }), on: { GO: 'e' } },
        e: done,
      },
    },
    right: {
      initial: 'a',
      states: {
        a: { invoke: { ...invoke, onDone: 'c', onError: 'b' } },
        b: { ...person({ title: 'Go on?' }), on: { GO: 'c', STOP: 'e' } },
        c: { invoke: { ...invoke, id: 'moreWork', onDone: 'd', onError: 'd' } },
        d: { ...person({ title: 'Good?' }), on: { GO: 'e' } },
        e: done,
      },
    },
    where: '',
    message: 'Whatever work, moreWork answer, a person is asked next.',
  },
  {
    rule: 'too-many-states',
    wrong: chain(41),
    right: chain(40),
    where: '',
    message: 'It has 41 states.',
  },
];

function chain(length: number): object {
  const states = Array.from({ length }, (_, index) => [
    `s${index}`,
    index === length - 1 ? done : { on: { GO: `s${index + 1}` }, after: { 1000: `s${index + 1}` } },
  ]);
  return { initial: 's0', states: Object.fromEntries(states) as object };
}

describe('check', () => {
  it.each(cases.map((one) => [one.rule, one] as const))(
    'finds %s, and not in its near twin',
    (rule, { wrong, right, where, message, witness }) => {
      const found = check(workflowOf(wrong)).findings.filter((finding) => finding.rule === rule);
      expect(found).toMatchObject([{ where, message: expect.stringContaining(message) as string }]);
      if (witness !== undefined) expect(found[0]?.witness?.name).toBe(witness);
      expect(check(workflowOf(right)).findings.filter((finding) => finding.rule === rule)).toEqual([]);
    },
  );

  it('finds no-idempotency-key, and not in its near twin', () => {
    const paying = (key?: () => string) =>
      defineWorkflow({
        machine: setup({ actors: { pay: pay(key) } }).createMachine({
          id: 'paying',
          initial: 'a',
          states: { a: { invoke: { src: 'pay', input: undefined, onDone: 'b', onError: 'b' } }, b: done },
        }),
        version: '1',
      });
    const rule = 'no-idempotency-key';
    expect(check(paying()).findings).toMatchObject([
      { rule, severity: 'error', where: 'pay', message: '`pay` is irreversible and has no idempotency key.' },
      { rule: 'no-owner' },
    ]);
    expect(check(paying(() => 'key')).findings.map((finding) => finding.rule)).toEqual(['no-owner']);
  });

  it('finds unknown-answer, and not in its near twin, and holds no guess against it', () => {
    const guessing = (definition: object) =>
      defineWorkflow({
        machine: setup({
          actors: { weigh: fromPromise(async () => ({ weight: 1 })) },
          guards: {
            light: ({ event }) => (event as unknown as { output: { weight: number } }).output.weight < 10,
          },
        }).createMachine({
          id: 'guessing',
          initial: 'a',
          states: {
            a: {
              invoke: {
                id: 'weigh',
                src: 'weigh',
                onDone: [{ guard: 'light', target: 'b' }, { target: 'c' }],
                onError: 'c',
              },
              after: { 60_000: 'c' },
            },
            b: done,
            c: done,
          },
        }),
        version: '1',
        owner: 'us',
        ...definition,
      });
    expect(check(guessing({})).findings.map(({ rule, where }) => [rule, where])).toEqual([
      ['unknown-answer', 'weigh'],
      ['unreachable-state', 'b'],
      ['transition-never-taken', 'a weigh.done 0'],
      ['transition-never-taken', 'a weigh.done 1'],
    ]);
    const examples = [{ name: 'any', input: undefined, outputs: { weigh: [{ weight: 1 }, { weight: 20 }] } }];
    expect(check(guessing({ examples })).findings).toEqual([]);
  });

  it('holds nothing for certain that it has only guessed', () => {
    const machine = setup({
      types: { context: {} as { weight?: { grams: number } } },
      actors: { weigh: fromPromise(async () => ({ grams: 1 })) },
      guards: { light: ({ context }) => context.weight!.grams < 10 },
    }).createMachine({
      id: 'guessing',
      context: {},
      initial: 'a',
      states: {
        a: {
          invoke: {
            src: 'weigh',
            onDone: { target: 'b', actions: assign({ weight: ({ event }) => event.output }) },
            onError: 'c',
          },
          after: { 60_000: 'c' },
        },
        b: { on: { GO: { guard: 'light', target: 'c' } }, after: { 1000: 'c' } },
        c: done,
      },
    });
    const found = check(defineWorkflow({ machine, version: '1', owner: 'us' })).findings;
    expect(found.map(({ rule, severity, message }) => [rule, severity, message])).toEqual([
      [
        'run-fails',
        'warning',
        expect.stringMatching(/^On GO in `b` it fails: .*grams.* What `weigh` answered was only guessed\.$/s),
      ],
      ['unknown-answer', 'warning', 'Nothing is known of what `weigh` answers.'],
      ['transition-never-taken', 'warning', '`b` never goes on by `GO`: what it waits for never comes.'],
    ]);
  });

  it('says of a workflow whose input it does not know that nothing was tried', () => {
    const machine = setup({
      types: { input: {} as { id: string }, context: {} as { id: string } },
    }).createMachine({
      id: 'asking-for-input',
      context: ({ input }) => ({ id: input.id }),
      initial: 'a',
      states: { a: { after: { 1000: 'b' } }, b: done },
    });
    const found = (more: object) =>
      check(defineWorkflow({ machine, version: '1', owner: 'us', ...more })).findings.map((finding) => [
        finding.rule,
        finding.where,
        finding.message,
      ]);
    expect(found({})).toEqual([
      [
        'unknown-answer',
        'input',
        expect.stringContaining('Nothing is known of its input, and without any it fails as it starts'),
      ],
    ]);
    expect(found({ input: z.object({ id: z.string() }) })).toEqual([]);
    expect(found({ examples: [{ name: 'one', input: { id: 'T-1' } }] })).toEqual([]);
  });

  const asking = person({ title: 'Answer', instructions: 'OK goes on.', shows: [] });
  const idioms: ReadonlyArray<readonly [what: string, config: object]> = [
    [
      'work that nobody waits for, while a person is asked',
      {
        initial: 'w',
        states: {
          w: { ...asking, invoke: { ...invoke, onError: { actions: 'count' } }, on: { GO: 'd' } },
          d: done,
        },
      },
    ],
    [
      'a poll that asks again, with its rounds counted',
      {
        initial: 'p',
        states: {
          p: {
            invoke: { ...invoke, onDone: { guard: 'isA', target: 'd' }, onError: 'd' },
            after: {
              5_000: [{ guard: 'few', target: 'p', reenter: true, actions: 'count' }, { target: 'd' }],
            },
          },
          d: done,
        },
      },
    ],
    [
      'an answer that is not looked at',
      { initial: 'p', states: { p: { invoke: { ...invoke, onDone: {} }, after: { 10_000: 'd' } }, d: done } },
    ],
    [
      'an answer that is welcome, and not needed',
      {
        initial: 'p',
        states: {
          p: { invoke: { ...invoke, onDone: { guard: 'isA', actions: 'count' } }, on: { GO: 'd' } },
          d: done,
        },
      },
    ],
    [
      'an event of whose payload nothing is known, and that a guard looks at',
      {
        initial: 's',
        states: {
          s: { on: { STOP: 'd', GO: 'a' } },
          a: { on: { GO: { guard: 'saysYes', target: 'd' } } },
          d: done,
        },
      },
    ],
    [
      'a handler that counts on a payload',
      { initial: 's', states: { s: { on: { STOP: { target: 'd', actions: 'noteReason' } } }, d: done } },
    ],
    ['any event', { initial: 's', states: { s: { on: { '*': 'd' } }, d: done } }],
    [
      'a parallel state that is paused and resumed',
      {
        initial: 's',
        states: {
          s: {
            type: 'parallel',
            on: { STOP: 'paused' },
            onDone: 'd',
            states: {
              x: { initial: 'a', states: { a: { on: { GO: 'b' } }, b: done } },
              y: done,
              hist: { type: 'history', history: 'deep' },
            },
          },
          paused: { on: { GO: 's.hist' } },
          d: done,
        },
      },
    ],
    [
      'work again and again until its time is up',
      {
        initial: 'r',
        states: {
          r: {
            after: { 600_000: 'd' },
            initial: 'ask',
            states: {
              ask: { invoke: { ...invoke, onDone: 'look', onError: 'look' } },
              look: { invoke: { ...invoke, onDone: 'ask', onError: 'ask' } },
            },
          },
          d: done,
        },
      },
    ],
    [
      'a reminder each day',
      {
        initial: 'w',
        states: {
          w: { ...asking, after: { 86_400_000: { target: 'w', reenter: true } }, on: { GO: 'd' } },
          d: done,
        },
      },
    ],
    [
      'work each day',
      {
        initial: 'idle',
        on: { STOP: '.d' },
        states: {
          idle: { after: { 86_400_000: 'work' } },
          work: { invoke: { ...invoke, onDone: 'idle', onError: 'd' } },
          d: done,
        },
      },
    ],
  ];

  it.each(idioms)('holds no error against %s', (_what, config) => {
    const errors = check(workflowOf(config)).findings.filter(({ severity }) => severity === 'error');
    expect(errors.map(({ rule, message }) => [rule, message])).toEqual([]);
  });

  it('has a case for each rule', () => {
    const tested = new Set([
      ...cases.map(({ rule }) => rule),
      'no-owner',
      'no-idempotency-key',
      'unknown-answer',
      'not-explored',
      'folded-unlike',
    ]);
    const files = new Set(readdirSync(new URL('rules', import.meta.url)));
    const untested = rules.filter(({ id }) => !tested.has(id) && !files.has(`${id}.test.ts`));
    expect(untested.map(({ id }) => id)).toEqual([]);
  });

  it('finds nothing in a machine that is right', () => {
    const workflow = workflowOf({
      initial: 'a',
      states: { a: { invoke: { ...invoke, onDone: 'b', onError: 'b' } }, b: done },
    });
    expect(check(workflow).findings).toEqual([]);
  });

  it('lists what was accepted with its reason, and what is accepted and not found any more', () => {
    const config = { initial: 'a', states: { a: { on: { GO: 'b' } }, b: done } };
    const accepted = [
      { rule: 'no-timer', where: 'a', reason: 'The button is always there.' },
      { rule: 'no-timer', where: 'gone', reason: 'It was there once.' },
    ];
    const report = check(workflowOf(config, { accepted }));
    expect(report.findings).toEqual([]);
    expect(report.accepted).toMatchObject([
      { rule: 'no-timer', where: 'a', reason: 'The button is always there.' },
    ]);
    expect(report.stale).toEqual([accepted[1]]);
  });

  it.each([
    [{ rule: 'no-timr', reason: 'x' }, 'names the rule `no-timr`, which there is not. Expected one of'],
    [{ rule: 'no-timer', reason: ' ' }, 'gives no reason for `no-timer`'],
  ])('refuses an acceptance such as %j', (one, message) => {
    const workflow = workflowOf({ initial: 'a', states: { a: done } }, { accepted: [one] });
    expect(() => check(workflow)).toThrow(InvalidOption);
    expect(() => check(workflow)).toThrow(message);
  });

  it('says when it could not look at everything', () => {
    const machine = setup({
      types: { context: {} as { n: number }, events: {} as { type: 'MORE' } },
    }).createMachine({
      id: 'large',
      context: { n: 0 },
      on: {
        MORE: {
          guard: ({ context }) => context.n < 1e9,
          actions: assign({ n: ({ context }) => context.n + 1 }),
        },
      },
    });
    const { graph, findings } = check(defineWorkflow({ machine, version: '1', owner: 'us' }), {
      maxNodes: 20,
    });
    expect(graph).toMatchObject({ leftOut: 1, cut: 1 });
    const message =
      'Of 21 states of a run, 1 were not gone on from. In the context, `n` has 20 values in `(root)`.';
    expect(findings).toMatchObject([
      { rule: 'not-explored', severity: 'warning', message },
      { rule: 'no-timer', where: '(root)' },
    ]);
    expect(check(workflowOf({ initial: 'a', states: { a: done } }), { maxNodes: 20 }).findings).toEqual([]);
  });

  it('finds folded-unlike, and not where `fold` gives what decides', () => {
    const machine = setup({
      types: {
        context: {} as { n: number; notes: readonly string[] },
        events: {} as { type: 'MORE' } | { type: 'END' },
      },
    }).createMachine({
      id: 'noting',
      context: { n: 0, notes: [] },
      initial: 'on',
      states: {
        on: {
          on: {
            MORE: {
              actions: assign({
                n: ({ context }) => Math.min(context.n + 1, 3),
                notes: ({ context }) => [...context.notes, 'more'],
              }),
            },
            END: [
              { guard: ({ context }) => context.notes.join().length > 10, target: 'long' },
              { target: 'short' },
            ],
          },
          after: { 1000: 'short' },
        },
        short: done,
        long: done,
      },
    });
    type Noting = { readonly n: number; readonly notes: readonly string[] };
    const rulesOf = (fold?: (context: Noting) => unknown, maxNodes = 30) => {
      const { findings } = check(
        defineWorkflow({ machine, version: '1', owner: 'us', ...(fold ? { fold } : {}) }),
        { maxNodes },
      );
      return findings.map(({ rule, message }) => [rule, message]);
    };
    // All of the notes decides, and they grow without end.
    expect(rulesOf()).toEqual([
      ['not-explored', expect.stringContaining('In the context, `notes.length` has 28 values in `on`.')],
    ]);
    expect(rulesOf(({ n }) => n)).toEqual([]);
    expect(rulesOf(({ n }) => n < 3)).toEqual([
      ['folded-unlike', 'Two states of `on` count as one, and go on otherwise at: MORE.'],
      ['unreachable-state', 'No run comes to `long`.'],
      expect.anything(),
    ]);
    expect(() => rulesOf(() => [].join.call(undefined))).toThrow(
      /`fold` of `noting@1` threw on a context in/,
    );
  });

  it('holds it against no state that it did not come to what it did not look at', () => {
    const chain = Object.fromEntries(
      Array.from({ length: 30 }, (_, index) => [
        `s${index}`,
        index < 29 ? { on: { GO: `s${index + 1}` }, after: { 1000: `s${index + 1}` } } : done,
      ]),
    );
    const found = check(workflowOf({ initial: 's0', states: chain }), { maxNodes: 10 }).findings;
    expect(found.map(({ rule }) => rule)).toEqual(['not-explored']);
  });

  it('takes a machine that never ends as it is', () => {
    const machine = createMachine({
      id: 'endless',
      initial: 'a',
      states: { a: { on: { GO: 'b' } }, b: { on: { GO: 'a' } } },
    });
    const found = check(defineWorkflow({ machine, version: '1', owner: 'us' })).findings;
    expect(found.map(({ rule, where }) => [rule, where])).toEqual([
      ['no-timer', 'a'],
      ['no-timer', 'b'],
    ]);
  });
});
