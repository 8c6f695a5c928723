import { describe, expect, it } from 'vitest';
import { assign, setup } from 'xstate';
import { z } from 'zod';

import { fromTool } from '../../../actors/index.ts';
import { type AnyWorkflow, defineWorkflow } from '../../../workflow.ts';
import { check } from '../check.ts';

function reader(name: string) {
  return fromTool({
    name,
    input: z.undefined(),
    output: z.object({ word: z.enum(['yes', 'no']) }),
    run: async () => ({ word: 'yes' as const }),
  });
}

const setUp = setup({
  types: { context: {} as { mail: string; order: string } },
  actors: { readMail: reader('readMail'), readOrder: reader('readOrder') },
  actions: {
    keepMail: assign({ mail: ({ event }) => wordOf(event) }),
    keepOrder: assign({ order: ({ event }) => wordOf(event) }),
  },
});

function wordOf(event: unknown): string {
  return (event as { output: { word: string } }).output.word;
}

const done = { type: 'final' } as const;

/** Two actors answer at the same time; what is done with the answer of the second. */
function reading(ofOrder: 'keepMail' | 'keepOrder', accepted: readonly object[] = []): AnyWorkflow {
  const region = (actor: 'readMail' | 'readOrder', keep: 'keepMail' | 'keepOrder') => ({
    initial: 'waiting',
    states: {
      waiting: {
        invoke: {
          id: actor,
          src: actor,
          input: undefined,
          onDone: { target: 'read', actions: keep },
          onError: 'read',
        },
      },
      read: done,
    },
  });
  const machine = setUp.createMachine({
    id: 'reading',
    context: { mail: '', order: '' },
    type: 'parallel',
    states: { mail: region('readMail', 'keepMail'), order: region('readOrder', ofOrder) },
  } as Parameters<typeof setUp.createMachine>[0]);
  return defineWorkflow({
    machine: machine as never,
    version: '1',
    owner: 'us',
    accepted,
  } as never) as AnyWorkflow;
}

/** What `race` finds. */
function findings(workflow: AnyWorkflow) {
  return check(workflow).findings.filter(({ rule }) => rule === 'race');
}

describe('race', () => {
  const where = '{ mail: waiting, order: waiting } readMail / readOrder';

  it('finds two answers that write the same, and not two that write their own', () => {
    expect(findings(reading('keepMail'))).toMatchObject([
      {
        rule: 'race',
        severity: 'warning',
        where,
        message:
          'In `{ mail: waiting, order: waiting }`, `readMail → no` before `readOrder → yes` leads to another end than after it. What differs: context.mail.',
        witness: { name: 'readMail → no, readOrder → yes' },
      },
    ]);
    expect(findings(reading('keepOrder'))).toEqual([]);
  });

  it('is accepted by the state and both names', () => {
    const accepted = [{ rule: 'race', where, reason: 'The last one holds.' }];
    const workflow = reading('keepMail', accepted);
    const report = check(workflow);
    expect([findings(workflow), report.stale]).toEqual([[], []]);
    expect(report.accepted).toMatchObject([{ where, reason: 'The last one holds.' }]);
  });

  it('finds nothing in first come, first served', () => {
    const machine = setup({}).createMachine({
      id: 'asking',
      initial: 'asking',
      states: { asking: { on: { YES: 'yes', NO: 'no' }, after: { 1000: 'no' } }, yes: done, no: done },
    });
    expect(findings(defineWorkflow({ machine, version: '1' }))).toEqual([]);
  });
});
