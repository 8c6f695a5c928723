/** Every path of the document intake, generated and not run: what no route may do, no path does. */
import { advance, type RunState } from 'signalbox';
import { type PathStep, paths } from 'signalbox/graph';
import { describe, expect, it } from 'vitest';

import { messageOf } from '../../src/graph/moves.ts';
import { testEveryPath } from '../../test/support/every-path.ts';
import { documentIntake } from './index.ts';
import type { Receipt } from './schemas.ts';

const found = paths(documentIntake);
const { paths: all, coverage } = found;

/** The steps of all paths, each with those before it. */
const steps = all.flatMap(({ name, steps: path }) =>
  path.map((step, index) => ({ name, step, before: path.slice(0, index) })),
);

/** The steps that lead into a state from outside of it. */
function into(state: string) {
  return steps.filter(({ step, before }) => step.value === state && before.at(-1)?.value !== state);
}

function passed({ verdicts }: PathStep, gate: string): boolean {
  return verdicts.some((one) => one.gate === gate && one.passed);
}

describe('the paths of the document intake', () => {
  it('take every transition', () => {
    expect(coverage.missing).toEqual([]);
    expect(coverage.leftOut).toEqual([]);
    expect(coverage.covered).toBe(coverage.of);
  });

  it('end in one of the ways in which a document may end', () => {
    expect(new Set(all.map(({ steps: path }) => path.at(-1)?.value))).toEqual(
      new Set(['handled', 'incomplete', 'duplicate', 'unreadable', 'rejected']),
    );
  });

  it('look up a customer only by what stands in the document, or by what a person says', () => {
    const ways = into('lookingUp').map(({ step }) => {
      if (step.move.type === 'event') return step.move.name;
      return passed(step, 'entitiesStand') ? 'checked' : 'unchecked';
    });
    expect(ways).not.toContain('unchecked');
    expect(ways).toEqual(
      expect.arrayContaining(['checked', 'CONFIRM_ENTITIES', 'CORRECT_ENTITIES', 'PICK_CUSTOMER']),
    );
  });

  it('tell nobody of a document whose customer is not certain', () => {
    const told = into('notifying').filter(({ step }) => step.move.name !== 'TRY_AGAIN');
    expect(told.length).toBeGreaterThan(0);
    for (const { name, step } of told) expect(passed(step, 'customerCertain'), name).toBe(true);
  });

  it.each([
    ['notifyManager', 'notifying'],
    ['saveDraft', 'saving'],
  ])('do what %s does once', (src, state) => {
    let times = 0;
    for (const { name, steps: path } of all) {
      const done = path.findIndex(
        ({ move }) =>
          move.type === 'answer' &&
          move.path === src &&
          'output' in move &&
          (move.output as Receipt).status === 'done',
      );
      if (done < 0) continue;
      times += 1;
      expect(
        path.slice(done).map(({ value }) => value),
        name,
      ).not.toContain(state);
    }
    expect(times).toBeGreaterThan(0);
  });

  it('save no draft that its check has not passed, but by the word of a person', () => {
    const ways = into('saving').map(({ step }) => {
      if (step.move.type === 'event') return step.move.name;
      return passed(step, 'replyMayBeSaved') ? 'checked' : 'unchecked';
    });
    expect(new Set(ways)).toEqual(new Set(['checked', 'WRITE_REPLY', 'APPROVE_REPLY', 'TRY_AGAIN']));
  });
});

it('keep the draft of a person who asks for another while the model is away', () => {
  let drafts = 0;
  for (const { steps: path } of all) {
    let state: RunState | undefined;
    for (const { move, at } of path) {
      const message = messageOf(move, state ?? { invocations: [] }, at);
      state = message ? advance(documentIntake, state, message).state : state;
      if (!isAwaitingReply(state?.snapshot.value)) continue;
      const { draft } = state?.snapshot.context as { draft: unknown };
      if (draft === null) continue;
      drafts += 1;
      const event = { type: 'TRY_AGAIN', by: 'ana' };
      const asked = advance(documentIntake, state, { type: 'event', at, event }).state;
      const [{ key } = { key: '' }] = asked.invocations;
      const error = new Error('The model is away.');
      const { snapshot } = advance(documentIntake, asked, { type: 'error', at, key, error }).state;
      expect(isAwaitingReply(snapshot.value)).toBe(true);
      expect((snapshot.context as { draft: unknown }).draft).toEqual(draft);
    }
  }
  expect(drafts).toBeGreaterThan(0);
});

function isAwaitingReply(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'awaitingReply' in value;
}

testEveryPath(documentIntake, found);
