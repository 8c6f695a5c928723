import { describe, expect, it } from 'vitest';
import { assign, setup } from 'xstate';
import { z } from 'zod';

import { durableLogic } from '../../../actors/durable-logic.ts';
import { gate } from '../../../gates/gate.ts';
import { person } from '../../../gates/person.ts';
import { type AnyWorkflow, defineWorkflow } from '../../../workflow.ts';
import { check, type CheckReport } from '../check.ts';

const answering = (name: string, fallible: boolean) =>
  durableLogic<unknown, unknown>({
    kind: fallible ? 'model' : 'tool',
    name,
    output: z.enum(['ok', 'bad']),
    irreversible: false,
    idempotent: true,
    fallible,
    worstCase: () => ({ modelCalls: 1, tokens: 1, usd: 0, timeMs: 1 }),
    perform: () => Promise.reject(new Error('Nothing is performed.')),
  });
const machines = setup({
  types: { context: {} as { rounds: number } },
  actors: {
    classify: answering('classify', true),
    draft: answering('draft', true),
    decide: answering('decide', true),
    check: answering('check', true),
    lookUp: answering('lookUp', false),
  },
  guards: {
    few: ({ context }) => context.rounds < 3,
    fine: gate(
      'fine',
      ({ event }) => (event as unknown as { output: string }).output === 'ok' || ['It is bad.'],
    ) as never,
  },
  actions: { count: assign({ rounds: ({ context }) => context.rounds + 1 }) },
});
const done = { type: 'final' } as const;
const invoke = (src: string, onDone: unknown, onError = 'end') => ({
  invoke: { id: src, src, onDone, onError },
});

function reportOf(states: object, stepReliability?: number): CheckReport {
  const machine = machines.createMachine({
    id: 'chained',
    context: { rounds: 0 },
    initial: Object.keys(states)[0],
    states: { ...states, end: done },
  } as never);
  const workflow = defineWorkflow({ machine, version: '1', owner: 'us' } as never) as unknown as AnyWorkflow;
  return check(workflow, stepReliability === undefined ? {} : { stepReliability });
}

function found(states: object, stepReliability?: number) {
  return reportOf(states, stepReliability)
    .findings.filter(({ rule }) => rule === 'long-chain')
    .map(({ message, witness }) => ({ message, path: witness?.name }));
}

const four = {
  a: invoke('classify', 'b'),
  b: invoke('lookUp', 'c'),
  c: invoke('draft', 'd'),
  d: invoke('decide', 'e'),
  e: invoke('check', 'end'),
};

describe('long-chain', () => {
  it('finds more answers in a row than are all right often enough at the rate stated', () => {
    expect(found(four, 0.97)).toEqual([
      {
        message:
          '4 answers of models in a row: classify, draft, decide, check; at 0.97 each all are right in 88 of 100 runs. No gate judges any of them.',
        path: 'classify → ok, lookUp → ok, draft → ok, decide → ok, check → ok',
      },
    ]);
    expect(found(four, 0.99)).toEqual([]);
  });

  it('says nothing without a rate, but reports the chain', () => {
    expect(found(four)).toEqual([]);
    expect(reportOf(four).worst.chain.actors).toEqual(['classify', 'draft', 'decide', 'check']);
  });

  it('lets a person who answers end a chain', () => {
    const asking = { ...person({ title: 'Good?' }), on: { YES: 'd' }, after: { 9: 'end' } };
    const { e, d } = four;
    expect(found({ ...four, c: invoke('draft', 'asking'), asking, d, e }, 0.97)).toEqual([]);
  });

  it('counts an actor once, however often a loop asks it', () => {
    const again = [{ guard: 'few', target: 'b', actions: 'count' }, { target: 'end' }];
    const states = { a: invoke('classify', 'b'), b: invoke('draft', 'c'), c: invoke('decide', again) };
    expect(reportOf(states).worst.chain.actors).toEqual(['classify', 'draft', 'decide']);
  });

  it('counts an actor in each state that invokes it', () => {
    const states = { a: invoke('draft', 'b'), b: invoke('draft', 'end') };
    expect(reportOf(states).worst.chain.actors).toEqual(['draft', 'draft']);
  });

  it('begins anew where an actor fails', () => {
    const states = { a: invoke('classify', 'b'), b: invoke('draft', 'end', 'c'), c: invoke('decide', 'end') };
    expect(reportOf(states).worst.chain.actors).toEqual(['classify', 'draft']);
  });

  it('says which answers a gate judges, and counts them nevertheless', () => {
    const judged = [{ guard: 'fine', target: 'b' }, { target: 'end' }];
    const [first] = found({ ...four, a: invoke('classify', judged) }, 0.97);
    expect(first?.message).toMatch(/^4 answers .* Gates judge classify\.$/);
  });
});
