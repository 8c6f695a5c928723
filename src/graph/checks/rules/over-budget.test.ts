import { describe, expect, it } from 'vitest';
import { setup } from 'xstate';
import { z } from 'zod';

import { durableLogic } from '../../../actors/durable-logic.ts';
import { InvalidOption } from '../../../errors.ts';
import type { WorstCase } from '../../../invocation.ts';
import { type AnyWorkflow, defineWorkflow } from '../../../workflow.ts';
import { check } from '../check.ts';
import type { Figures } from '../../worst/figures.ts';

const taking = (says: Partial<WorstCase>) =>
  durableLogic<unknown, unknown>({
    kind: 'model',
    name: 'ask',
    output: z.literal('ok'),
    irreversible: false,
    idempotent: true,
    worstCase: () => ({ modelCalls: 1, tokens: 100, usd: 0.1, timeMs: 1_000, ...says }),
    perform: () => Promise.reject(new Error('Nothing is performed.')),
  });
const machines = setup({
  actors: {
    cheap: taking({}),
    dear: taking({ modelCalls: 3, usd: 0.3 }),
    slow: taking({ timeMs: Infinity }),
  },
});
const done = { type: 'final' } as const;
const invoke = (src: string, next: string, failed = next) => ({
  invoke: { id: src, src, onDone: next, onError: failed },
});

function workflowOf(states: object, budget?: { usd?: number; tokens?: number }): AnyWorkflow {
  const machine = machines.createMachine({
    id: 'asking',
    initial: 'a',
    states: { ...states, end: done },
  } as never);
  return defineWorkflow({
    machine: machine as never,
    version: '1',
    owner: 'us',
    ...(budget && { budget }),
  }) as AnyWorkflow;
}

function found(workflow: AnyWorkflow, within?: Partial<Figures>) {
  return check(workflow, within ? { within } : {})
    .findings.filter(({ rule }) => rule === 'over-budget')
    .map(({ where, message, witness }) => ({ where, message, path: witness?.name }));
}

const branching = { a: invoke('cheap', 'b', 'end'), b: invoke('dear', 'c'), c: { after: { 1: 'end' } } };

describe('over-budget', () => {
  it('finds what a run can take beyond the budget of its workflow, with the dearest path', () => {
    expect(found(workflowOf(branching, { usd: 0.35 }))).toEqual([
      {
        where: 'usd',
        message: "A run can take $0.40, more than the $0.35 of the workflow's `budget`.",
        path: 'cheap → ok',
      },
    ]);
    expect(found(workflowOf(branching, { usd: 0.4, tokens: 200 }))).toEqual([]);
    expect(found(workflowOf(branching))).toEqual([]);
  });

  it('asks for each bound that is given, and for the budget besides', () => {
    const within = { modelCalls: 3, timeMs: 1_500, usd: 1 };
    expect(
      found(workflowOf(branching, { usd: 0.1, tokens: 100 }), within).map(({ message }) => message),
    ).toEqual([
      'A run can take 4 model calls, more than the 3 model calls of what is allowed.',
      "A run can take 200 tokens, more than the 100 tokens of the workflow's `budget`.",
      'A run can take 2 s by itself, more than the 1.5 s by itself of what is allowed.',
    ]);
  });

  it('says which event makes it endless, what each can add, and what there is besides', () => {
    const rounds = {
      a: invoke('cheap', 'b'),
      b: { on: { EDIT: 'a', YES: 'end' }, after: { 60_000: 'end' } },
    };
    const message =
      "A run can take any amount of money, more than the $1.00 of the workflow's `budget`. Each `EDIT` can add $0.10. Besides it is $0.10.";
    expect(found(workflowOf(rounds, { usd: 1 }))).toMatchObject([
      { message, path: 'cheap → ok, EDIT, cheap → ok' },
    ]);
  });

  it('says what else has no bound', () => {
    const [slow] = found(workflowOf({ a: invoke('slow', 'end') }), { timeMs: 1 });
    expect(slow?.message).toContain('Nothing bounds the time of `slow`. Besides it is 0 s by itself.');
    const loop = { a: invoke('cheap', 'end', 'b'), b: { after: { 1: 'a' } } };
    const [endless] = found(workflowOf(loop), { usd: 1 });
    expect(endless?.message).toContain('It can go round for ever by itself.');
  });

  it.each([
    [{ within: { usd: -1 } }, 'Expected `within.usd` to be a number from 0, got `-1`.'],
    [{ within: { tokens: Number.NaN } }, 'Expected `within.tokens`'],
    [{ stepReliability: 97 }, 'Expected `stepReliability` to be a number from 0 to 1'],
  ])('refuses %j', (options, message) => {
    expect(() => check(workflowOf(branching), options)).toThrow(InvalidOption);
    expect(() => check(workflowOf(branching), options)).toThrow(message);
  });
});
