import { type AnyStateMachine, createMachine } from 'xstate';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';

import { AnswerNotAllowed, WorkflowInvalid } from '../errors.ts';
import { type PersonQuestion, person } from '../gates/person.ts';
import { type AnyWorkflow, defineWorkflow } from '../workflow.ts';
import { advance } from './advance.ts';
import { answerRecord, refusalOfAnswer } from './answers.ts';

const define = (config: object): AnyWorkflow =>
  defineWorkflow({ machine: createMachine(config as never) as AnyStateMachine, version: '1' });

interface Told {
  readonly about?: string;
}

const ann = { id: 'ann', roles: ['legal'] };
const bo = { id: 'bo', roles: ['legal', 'finance'] };
const eve = { id: 'eve', roles: ['support'] };

const isAbout =
  (region: string) =>
  ({ event }: { event: unknown }): boolean =>
    (event as Told).about === region;

/** Two regions that each ask one role; `on` says what the question of a region takes. */
function sideBySide(
  on: (region: 'legal' | 'finance') => Record<string, unknown>,
  question: Partial<PersonQuestion> = {},
  root: Record<string, unknown> = {},
): AnyWorkflow {
  const region = (name: 'legal' | 'finance') => ({
    initial: 'asked',
    states: {
      asked: { ...person({ title: name, who: { roles: [name] }, ...question }), on: on(name) },
      answered: { type: 'final' },
    },
  });
  return define({
    id: 'both',
    type: 'parallel',
    ...root,
    states: { legal: region('legal'), finance: region('finance') },
  });
}

const startOf = (workflow: AnyWorkflow) =>
  advance(workflow, undefined, { type: 'start', at: 1, input: {} }).state;

const refusal = (workflow: AnyWorkflow, event: { type: string } & Told, by?: typeof ann) =>
  refusalOfAnswer({ id: 'r1', workflow, state: startOf(workflow) }, event, by);

describe('two questions that are open at once', () => {
  it('are refused when they are defined, if one answer would count for both', () => {
    expect(() => sideBySide(() => ({ APPROVE: 'answered' }))).toThrow(WorkflowInvalid);
    // One guard is not enough: without one, the other question takes every answer.
    expect(() =>
      sideBySide((region) => ({
        APPROVE: region === 'legal' ? { guard: isAbout('legal'), target: 'answered' } : 'answered',
      })),
    ).not.toThrow();
    expect(() => sideBySide(() => ({ 'APPROVE.*': 'answered' }))).toThrow(WorkflowInvalid);
    expect(() => sideBySide((region) => ({ [`${region}.APPROVE`]: 'answered' }))).not.toThrow();
  });

  it('are each answered by those whom that question names', () => {
    const workflow = sideBySide((region) => ({ APPROVE: { guard: isAbout(region), target: 'answered' } }));
    expect(refusal(workflow, { type: 'APPROVE', about: 'legal' }, ann)).toBeUndefined();
    expect(refusal(workflow, { type: 'APPROVE', about: 'finance' }, ann)).toMatchObject({
      details: { state: 'both.finance.asked', who: { roles: ['finance'] } },
    });
    expect(refusal(workflow, { type: 'APPROVE', about: 'nothing' }, eve)).toBeInstanceOf(AnswerNotAllowed);
  });

  it('take no answer that would count for both after all', () => {
    const workflow = sideBySide(() => ({ APPROVE: { guard: () => true, target: 'answered' } }));
    expect(refusal(workflow, { type: 'APPROVE' }, bo)).toMatchObject({
      code: 'ANSWER_NOT_ALLOWED',
      details: { states: ['both.legal.asked', 'both.finance.asked'] },
    });
  });

  it('are ended together by an answer that the state around them takes, which either may give', () => {
    const workflow = sideBySide(
      (region) => ({ [`${region}.OK`]: 'answered' }),
      {},
      { on: { DECLINE: '.legal.answered' } },
    );
    expect(refusal(workflow, { type: 'DECLINE' }, eve)).toBeUndefined();
    const declared = define({
      id: 'declared',
      type: 'parallel',
      on: { DECLINE: { actions: () => {} } },
      states: Object.fromEntries(
        ['legal', 'finance'].map((name) => [
          name,
          { ...person({ title: name, who: { roles: [name] }, answers: { DECLINE: {} } }) },
        ]),
      ),
    });
    expect(refusal(declared, { type: 'DECLINE' }, ann)).toBeUndefined();
    expect(refusal(declared, { type: 'DECLINE' }, eve)).toBeInstanceOf(AnswerNotAllowed);
  });

  it('are told apart by where they stand: of one in another, the inner one is answered', () => {
    const workflow = define({
      id: 'nested',
      initial: 'outer',
      states: {
        outer: {
          ...person({ title: 'outer', who: { roles: ['finance'] } }),
          on: { APPROVE: 'over' },
          initial: 'inner',
          states: {
            inner: { ...person({ title: 'inner', who: { roles: ['legal'] } }), on: { APPROVE: 'said' } },
            said: {},
          },
        },
        over: { type: 'final' },
      },
    });
    const state = startOf(workflow);
    expect(
      refusalOfAnswer({ id: 'r1', workflow, state }, { type: 'APPROVE' }, { id: 'fin', roles: ['finance'] }),
    ).toMatchObject({ details: { state: 'nested.outer.inner' } });
    const answered = advance(workflow, state, { type: 'event', at: 2, event: { type: 'APPROVE' } }).state;
    expect(answered.snapshot.value).toEqual({ outer: 'said' });
    expect(refusalOfAnswer({ id: 'r1', workflow, state: answered }, { type: 'APPROVE' }, ann)).toBeInstanceOf(
      AnswerNotAllowed,
    );
  });

  it('have an edit on record of the one that was answered', () => {
    const schema = z.object({ amount: z.number(), about: z.string() });
    const workflow = define({
      id: 'edits',
      type: 'parallel',
      states: Object.fromEntries(
        ['legal', 'finance'].map((name, index) => [
          name,
          {
            initial: 'asked',
            states: {
              asked: {
                ...person({
                  title: name,
                  proposes: () => ({ amount: index + 1 }),
                  answers: { EDIT: { schema, proposal: 'edited' } },
                }),
                on: { EDIT: { guard: isAbout(name), target: 'done' } },
              },
              done: { type: 'final' },
            },
          },
        ]),
      ),
    });
    const event = { type: 'EDIT', amount: 2, about: 'finance' };
    expect(answerRecord({ workflow, state: startOf(workflow) }, event, ann).edit).toMatchObject({
      state: 'edits.finance.asked',
      changed: false,
    });
  });
});
