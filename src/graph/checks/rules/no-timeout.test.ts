import { describe, expect, it } from 'vitest';
import { fromPromise, setup } from 'xstate';
import { z } from 'zod';

import { fromTool } from '../../../actors/index.ts';
import { type AnyWorkflow, defineWorkflow } from '../../../workflow.ts';
import { check } from '../check.ts';

const tool = (options: object = {}) =>
  fromTool({
    name: 'weigh',
    input: z.undefined(),
    output: z.object({ kg: z.literal(1) }),
    run: async () => ({ kg: 1 as const }),
    ...options,
  });
const machines = setup({
  actors: { plain: fromPromise(async () => 1), slow: tool(), timed: tool({ timeoutMs: 1_000 }) },
});
const done = { type: 'final' } as const;

function found(config: object): unknown[] {
  const machine = machines.createMachine({ id: 'waiting', ...config } as Parameters<
    typeof machines.createMachine
  >[0]);
  const workflow = defineWorkflow({ machine, version: '1', owner: 'us' }) as AnyWorkflow;
  return check(workflow)
    .findings.filter(({ rule }) => rule === 'no-timeout')
    .map(({ where, message, witness }) => [where, message, witness?.name]);
}

const waiting = (src: string, more: object = {}) => ({
  initial: 'a',
  states: { a: { invoke: { id: 'it', src, onDone: 'b', onError: 'b' }, ...more }, b: done },
});

describe('no-timeout', () => {
  it.each(['plain', 'slow'])('finds a state that waits for `%s` with nothing that bounds it', (src) => {
    expect(found(waiting(src))).toEqual([['a it', '`a` waits for `it`, and nothing says for how long.', '']]);
  });

  it('does not find it where the actor has a timeout, or the state a timer', () => {
    expect(found(waiting('timed'))).toEqual([]);
    expect(found(waiting('plain', { after: { 1_000: 'b' } }))).toEqual([]);
  });

  it('takes the timer of a state around it, and not that of a region beside it', () => {
    const inner = waiting('plain');
    const within = (more: object) => ({
      initial: 'x',
      states: { x: { ...inner, onDone: 'y', ...more }, y: done },
    });
    expect(found(within({ after: { 1_000: 'y' } }))).toEqual([]);
    const beside = {
      type: 'parallel',
      states: {
        one: inner,
        two: { initial: 'p', states: { p: { after: { 1_000: 'q' } }, q: done } },
      },
    };
    expect(found(beside).map((one) => (one as unknown[])[0])).toEqual(['one.a it']);
  });

  it('says it once of a state, however often and on whatever way a run comes there', () => {
    const states = {
      a: { on: { X: 'b', Y: 'c' }, after: { 9: 'b' } },
      b: { invoke: { id: 'it', src: 'slow', onDone: 'c', onError: 'a' } },
      c: { invoke: { id: 'it', src: 'slow', onDone: 'd', onError: 'b' } },
      d: done,
    };
    expect(found({ initial: 'a', states }).map((one) => (one as unknown[])[0])).toEqual(['b it', 'c it']);
  });
});
