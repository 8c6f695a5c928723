/** Engines on one memory store and one virtual clock, each of which can die. For tests of what outlives them. */
import { onTestFinished } from 'vitest';
import { assign, setup } from 'xstate';

import { createMemoryData, type MemoryData, memoryStore } from '../../persistence/memory.ts';
import type { DurablePromiseLogic } from '../../src/actors/durable-logic.ts';
import { createEngine, type Engine, type EngineOptions } from '../../src/engine/engine.ts';
import { createVirtualClock, type VirtualClock } from '../../src/testing/virtual-clock.ts';
import { type AnyWorkflow, defineWorkflow } from '../../src/workflow.ts';

export interface World {
  readonly clock: VirtualClock;
  readonly data: MemoryData;
  readonly problems: Error[];
  engine(options?: Partial<EngineOptions>): MortalEngine;
  /** What a dead worker left is free. */
  leasesRunOut(): Promise<void>;
}

export interface MortalEngine extends Engine {
  /** From now on nothing of it reaches the store, as if the process had been killed. */
  die(): void;
}

export function createWorld(...workflows: AnyWorkflow[]): World {
  const clock = createVirtualClock();
  const data = createMemoryData();
  const problems: Error[] = [];
  return {
    clock,
    data,
    problems,
    engine(options = {}) {
      const store = memoryStore({ data });
      const engine = createEngine({
        workflows,
        store,
        clock,
        pollMs: 5,
        onProblem: (error) => void problems.push(error),
        ...options,
      });
      onTestFinished(() => engine.stop({ graceMs: 0 }));
      return { ...engine, die: () => void store.close() };
    },
    leasesRunOut: () => clock.advance(15_001),
  };
}

/** A workflow that performs one actor, and ends with its output or its error. */
export function performing<TOutput, TInput>(
  logic: DurablePromiseLogic<TOutput, TInput>,
  input: TInput,
  definition: { readonly id?: string; readonly budget?: AnyWorkflow['budget'] } = {},
): AnyWorkflow {
  const { id = 'performing', ...rest } = definition;
  const machine = setup({
    types: { context: {} as { output: unknown; error: unknown } },
    actors: { work: logic as unknown as DurablePromiseLogic<unknown, unknown> },
  }).createMachine({
    id,
    context: { output: null, error: null },
    initial: 'working',
    states: {
      working: {
        invoke: {
          src: 'work',
          id: 'work',
          input: () => input,
          onDone: { target: 'ended', actions: assign({ output: ({ event }) => event.output }) },
          onError: { target: 'ended', actions: assign({ error: ({ event }) => event.error }) },
        },
        on: { LEAVE: 'left' },
      },
      left: { on: { END: 'ended' } },
      ended: { type: 'final' },
    },
    output: ({ context }) => context,
  });
  return defineWorkflow({ machine, version: '1', ...rest } as never) as AnyWorkflow;
}
