import { describe, expect, it } from 'vitest';
import { assign, createMachine, enqueueActions, fromPromise, log, raise, setup, spawnChild } from 'xstate';
import { z } from 'zod';

import { fromTool } from '../../actors/index.ts';
import { type DurablePromiseLogic, durableLogic } from '../../actors/durable-logic.ts';
import { advance, performerOf } from '../../engine/advance.ts';
import { performActions } from '../../engine/actions.ts';
import { durableActor } from '../../invocation.ts';
import { paths } from '../../graph/index.ts';
import { type AnyWorkflow, defineWorkflow } from '../../workflow.ts';
import { pathTests } from './path-tests.ts';
import { scriptedWorkflow } from './scripted-workflow.ts';

const never = (): Promise<never> => new Promise(() => {});

function workflowOf(machine: unknown): AnyWorkflow {
  return defineWorkflow({ machine: machine as never, version: '1' });
}

/** Plays all paths, by processes that die too. */
async function playAll(workflow: AnyWorkflow, threshold = 100): Promise<number> {
  const tests = pathTests(workflow, { crash: 'every-commit', threshold });
  for (const { run } of tests) await run();
  return tests.played.kills;
}

describe('a scripted workflow', () => {
  it('keeps what an actor declares, and answers in its place', async () => {
    const performed: string[] = [];
    const pay = fromTool({
      name: 'pay',
      input: z.number(),
      output: z.string(),
      irreversible: true,
      idempotencyKey: () => 'k',
      writes: ['money'],
      run: async () => {
        performed.push('pay');
        return 'paid';
      },
    });
    const machine = setup({ actors: { pay } }).createMachine({ invoke: { src: 'pay', input: 5 }, id: 'm' });
    const scripted = scriptedWorkflow(workflowOf(machine), async ({ name }, input) => [name, input]);
    const actor = durableActor(performerOf(scripted, 'pay') as never);
    const { perform: _, ...declared } = durableActor(pay) ?? {};
    expect(actor).toMatchObject(declared);
    await expect(actor?.perform(5, {} as never)).resolves.toEqual(['pay', 5]);
    expect(performed).toEqual([]);
  });

  it('has actions of the same types, and none with an effect', () => {
    const done: string[] = [];
    const failed: unknown[] = [];
    function sayHello(): void {
      done.push('hello');
    }
    const machine = setup({ actions: { ring: () => void done.push('ring') } }).createMachine({
      id: 'acting',
      entry: ['ring', sayHello, log('entered')],
      context: { count: 0 },
      initial: 'a',
      states: {
        a: {
          entry: enqueueActions(({ enqueue, context }) => {
            enqueue.assign({ count: (context as { count: number }).count + 1 });
            enqueue(sayHello);
            enqueue('ring');
          }),
          exit: () => void done.push('exit'),
          always: { target: 'b', actions: [sayHello, 'ring'] },
        },
        b: {},
      },
    });
    const workflow = workflowOf(machine);
    const start = { type: 'start', at: 0 } as const;
    const led = advance(workflow, undefined, start);
    const quiet = advance(scriptedWorkflow(workflow, never), undefined, start);
    expect(quiet.actions.map(({ type }) => type)).toEqual(led.actions.map(({ type }) => type));
    expect(quiet.actions.map(({ type }) => type)).toContain('sayHello');
    expect(quiet.state).toEqual(led.state);
    expect(quiet.state.snapshot.context).toEqual({ count: 1 });
    performActions(
      'run',
      quiet.actions,
      (_action, error) => failed.push(error),
      (error) => failed.push(error),
    );
    expect(failed).toEqual([]);
    expect(done).toEqual([]);
  });

  it('plays inline actors, machines in machines, and one that invokes itself', async () => {
    const inner = createMachine({
      id: 'inner',
      initial: 'at',
      states: {
        at: { invoke: { src: fromPromise(async () => {}), onDone: 'end', onError: 'end' } },
        end: { type: 'final' },
      },
    });
    const outer = createMachine({
      id: 'outer',
      initial: 'one',
      states: {
        one: { invoke: { id: 'inner', src: inner, onDone: 'two' } },
        two: { invoke: { src: fromPromise(async () => {}), onDone: 'end', onError: 'end' } },
        end: { type: 'final' },
      },
    });
    // How much of an inline machine the paths take is the graph's to tell.
    expect(await playAll(workflowOf(outer), 0)).toBeGreaterThan(10);

    const itself = setup({
      types: { input: {} as { depth: number }, context: {} as { depth: number } },
      actors: { self: fromPromise(never), work: fromPromise(async () => {}) },
      guards: { deep: ({ context }) => context.depth > 1 },
    }).createMachine({
      id: 'itself',
      context: ({ input }) => ({ depth: (input as { depth?: number } | undefined)?.depth ?? 0 }),
      initial: 'asking',
      states: {
        asking: { always: [{ guard: 'deep', target: 'working' }, { target: 'going' }] },
        going: {
          invoke: {
            id: 'deeper',
            src: 'self',
            input: ({ context }) => ({ depth: context.depth + 1 }),
            onDone: 'end',
          },
        },
        working: { invoke: { id: 'work', src: 'work', onDone: 'end', onError: 'end' } },
        end: { type: 'final' },
      },
    });
    (itself.implementations.actors as Record<string, unknown>)['self'] = itself;
    expect(await playAll(workflowOf(itself))).toBeGreaterThan(3);
  });

  it('plays spawned actors, delayed events, history, and what is stopped on the way', async () => {
    const child = durableLogic<string, undefined>({
      kind: 'test',
      name: 'child',
      irreversible: false,
      idempotent: false,
      perform: never,
      stopped: never,
    });
    const machine = setup({
      types: { context: {} as { rounds: number } },
      actors: { child: child as DurablePromiseLogic<string, undefined>, side: fromPromise(async () => {}) },
      guards: { tired: ({ context }) => context.rounds > 1 },
    }).createMachine({
      id: 'shapes',
      context: { rounds: 0 },
      initial: 'working',
      on: { STOP: '.stopped' },
      states: {
        working: {
          entry: [spawnChild('side', { id: 'side' }), raise({ type: 'NUDGE' }, { delay: 500 })],
          exit: assign({ rounds: ({ context }) => context.rounds + 1 }),
          initial: 'first',
          invoke: { id: 'child', src: 'child', onDone: 'stopped', onError: 'stopped' },
          on: { PAUSE: 'paused', NUDGE: '.second' },
          states: { first: { after: { 200: 'second' } }, second: {}, last: { type: 'history' } },
        },
        paused: { always: { guard: 'tired', target: 'stopped' }, on: { RESUME: 'working.last' } },
        stopped: { type: 'final' },
      },
    });
    const workflow = workflowOf(machine);
    const { paths: found } = paths(workflow);
    expect(found.map(({ name }) => name).join('\n')).toMatch(/PAUSE, RESUME/);
    expect(await playAll(workflow)).toBeGreaterThan(30);
  });
});
