import { describe, expect, it } from 'vitest';
import { assign, setup } from 'xstate';
import { z } from 'zod';

import { fromTool } from '../../actors/index.ts';
import { races } from '../../graph/index.ts';
import { type AnyWorkflow, defineWorkflow } from '../../workflow.ts';
import { pathTests } from './path-tests.ts';
import { testPaths } from './test-paths.ts';

const look = fromTool({
  name: 'look',
  input: z.undefined(),
  output: z.object({ word: z.enum(['late', 'never']) }),
  run: async () => ({ word: 'late' as const }),
});

/** A question with a reminder, while something is looked up. Note and reminder write the same field. */
function asking(accepted: readonly object[] = []): AnyWorkflow {
  const machine = setup({
    types: { context: {} as { last: string }, events: {} as { type: 'APPROVE' | 'NOTE' } },
    actors: { look },
    delays: { reminder: 3_600_000 },
  }).createMachine({
    id: 'asking',
    context: { last: '' },
    initial: 'asking',
    states: {
      asking: {
        type: 'parallel',
        on: {
          APPROVE: 'done',
          NOTE: { actions: assign({ last: 'noted' }) },
        },
        states: {
          person: {
            initial: 'waiting',
            states: {
              waiting: {
                after: { reminder: { target: 'reminded', actions: assign({ last: 'reminded' }) } },
              },
              reminded: { after: { reminder: '#asking.done' } },
            },
          },
          facts: {
            initial: 'looking',
            states: {
              looking: {
                invoke: { id: 'look', src: 'look', input: undefined, onDone: 'known', onError: 'known' },
              },
              known: {},
            },
          },
        },
      },
      done: { type: 'final' },
    },
  });
  return defineWorkflow({ machine: machine as never, version: '1', accepted } as never) as AnyWorkflow;
}

const where = 'asking.person.waiting NOTE / after reminder';
const reason = 'The later of the two holds';

function raceNames(tests: Iterable<{ readonly name: string }>): string[] {
  return [...tests].map(({ name }) => name).filter((name) => name.startsWith('race '));
}

describe('each order of each race, killed at every write', () => {
  const workflow = asking();
  const tests = testPaths(workflow, { describe, it, races: true, crash: 'every-commit' });

  it('has a test', () => {
    expect(raceNames(tests)).toHaveLength(2 * races(workflow).races.length);
    expect(tests.played.paths).toBe([...tests].length - 1);
  });
});

describe('the tests of races', () => {
  it('are named after the two inputs, and say whether the race is meant, and what is lost', () => {
    const names = raceNames(pathTests(asking([{ rule: 'race', where, reason }]), { races: true }));
    expect(names.slice(0, 2)).toEqual([
      `race in asking.person.waiting: NOTE, then after reminder (meant: ${reason})`,
      `race in asking.person.waiting: after reminder, then NOTE (meant: ${reason})`,
    ]);
    expect(names).toContain(
      'race in asking.person.waiting: APPROVE, then after reminder, which is lost (not marked as meant)',
    );
    expect(new Set(names).size).toBe(names.length);
  });

  it('come between those of paths and that of coverage, which does not count them', () => {
    const workflow = asking();
    const without = [...pathTests(workflow)].map(({ name }) => name);
    const tests = pathTests(workflow, { races: true });
    const names = [...tests].map(({ name }) => name);
    expect(names.filter((name) => !name.startsWith('race '))).toEqual(without);
    expect(names.at(-1)).toBe(without.at(-1));
    expect(raceNames(pathTests(workflow))).toEqual([]);
  });

  it('are of races that were found before', () => {
    const workflow = asking();
    const found = races(workflow);
    const [first] = found.races;
    const tests = pathTests(workflow, { races: { ...found, races: first ? [first] : [] } });
    expect(raceNames(tests)).toHaveLength(2);
  });

  it('fail where the order has to be meant and is not, and say how to mark it', async () => {
    const failing = async (accepted: readonly object[], racesMeant: boolean): Promise<string[]> => {
      const failed: string[] = [];
      for (const { name, run } of pathTests(asking(accepted), { races: true, racesMeant })) {
        if (!name.startsWith('race ')) continue;
        await run().catch((error: unknown) => failed.push(`${name}: ${(error as Error).message}`));
      }
      return failed;
    };
    const failed = await failing([], true);
    expect(failed).toHaveLength(2);
    for (const message of failed) {
      expect(message).toContain(
        '(not marked as meant): In `asking.person.waiting` of asking@1, `NOTE` before',
      );
      expect(message).toContain('What differs: context.last.');
      expect(message).toContain(
        `accepted: [{ rule: 'race', where: ${JSON.stringify(where)}, reason: '<why>' }]`,
      );
    }
    expect(await failing([{ rule: 'race', where, reason }], true)).toEqual([]);
    expect(await failing([], false)).toEqual([]);
  });

  it('notice that the machine goes otherwise than the race was found', () => {
    const found = races(asking());
    const machine = setup({}).createMachine({
      id: 'asking',
      initial: 'a',
      states: { a: { on: { NOTE: 'a' } } },
    });
    const other = defineWorkflow({ machine: machine as never, version: '2' });
    expect(() => pathTests(other, { races: found })).toThrow(/is not one of `asking@2` as it is now/);
  });
});
