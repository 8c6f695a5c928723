import { createMachine, setup } from 'xstate';
import { describe, expect, it } from 'vitest';

import { gate } from '../gates/gate.ts';
import { person } from '../gates/person.ts';
import { type AnyWorkflow, defineWorkflow } from '../workflow.ts';
import { advance, canAccept, viewState } from './advance.ts';
import type { Message, RunState } from './run-state.ts';

const start = (workflow: AnyWorkflow): { state: RunState } =>
  advance(workflow, undefined, { type: 'start', at: 1000 });
const event = (type: string): Message => ({ type: 'event', at: 1000, event: { type } });

describe('what a state shows of itself', () => {
  const asking = defineWorkflow({
    version: '1',
    machine: setup({
      types: {
        context: {} as { amount: number },
        events: {} as
          | { type: 'APPROVE'; amount: number }
          | { type: 'REJECT' }
          | { type: 'INFO' }
          | { type: 'user.typed' }
          | { type: 'LEAVE' },
      },
      guards: {
        enough: gate(
          'enough',
          ({ context, event: cause }) => cause.type === 'APPROVE' && cause.amount >= context.amount,
        ),
      },
    }).createMachine({
      id: 'asking',
      context: { amount: 10 },
      on: { LEAVE: '.end', INFO: { actions: () => {} } },
      initial: 'both',
      states: {
        both: {
          type: 'parallel',
          tags: ['busy'],
          states: {
            approval: {
              initial: 'waiting',
              states: {
                waiting: {
                  ...person({ title: 'Approve it', shows: ['amount'] }),
                  on: {
                    APPROVE: { guard: 'enough', target: 'approved' },
                    REJECT: 'approved',
                    'user.*': { actions: () => {} },
                  },
                  after: { 1000: 'approved' },
                },
                approved: {},
              },
            },
            quiet: {
              initial: 'a',
              states: { a: { on: { INFO: {} }, always: { guard: 'enough', target: 'a' } } },
            },
          },
        },
        end: { type: 'final' },
      },
    }),
  });
  const { state } = start(asking);

  it('are its tags, its questions, and the types of events that it takes, guards aside', () => {
    expect(viewState(asking, state)).toEqual({
      tags: ['busy', 'person'],
      accepts: ['APPROVE', 'REJECT', 'user.*', 'LEAVE'],
      questions: [
        {
          state: 'asking.both.approval.waiting',
          title: 'Approve it',
          shows: { amount: 10 },
          answers: [{ event: 'APPROVE' }, { event: 'REJECT' }, { event: 'user.*' }],
        },
      ],
    });
  });

  it('is whether it takes a certain event, guards asked', () => {
    expect(canAccept(asking, state, { type: 'APPROVE', amount: 10 } as never)).toBe(true);
    expect(canAccept(asking, state, { type: 'APPROVE', amount: 9 } as never)).toBe(false);
    expect(canAccept(asking, state, { type: 'user.typed.something' })).toBe(true);
    expect(canAccept(asking, state, { type: 'INFO' })).toBe(false);
    expect(canAccept(asking, state, { type: 'LEAVE' })).toBe(true);
  });

  it('agrees with what advance accepts', () => {
    for (const type of ['APPROVE', 'REJECT', 'INFO', 'LEAVE', 'user', 'user.x', 'NOBODY']) {
      expect(canAccept(asking, state, { type })).toBe(advance(asking, state, event(type)).accepted);
    }
  });

  it('includes events that lead to an error, which fails the run when it is sent', () => {
    const throwing = defineWorkflow({
      version: '1',
      machine: createMachine({
        id: 'throwing',
        on: {
          GO: {
            guard: () => {
              throw new Error('no guard');
            },
            actions: () => {},
          },
        },
      }),
    });
    const begun = start(throwing).state;
    expect(canAccept(throwing, begun, { type: 'GO' })).toBe(true);
    expect(advance(throwing, begun, event('GO')).state.snapshot).toMatchObject({ status: 'error' });
  });
});
