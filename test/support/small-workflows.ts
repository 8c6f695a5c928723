/** Workflows of a few states, for tests of what is done to runs from outside. */
import { assign, fromPromise, setup } from 'xstate';

import { type AnyWorkflow, defineWorkflow } from '../../src/workflow.ts';

/** Waits for `GO`, and then for `END`; counts `ADD`. `second` names the state in between. */
export function waiting(second = 'second', version = '1'): AnyWorkflow {
  return defineWorkflow({
    version,
    machine: setup({
      types: { context: {} as { count: number }, events: {} as { type: 'GO' | 'END' | 'ADD' } },
    }).createMachine({
      id: 'waiting',
      context: { count: 0 },
      initial: 'first',
      on: { ADD: { actions: assign({ count: ({ context }) => context.count + 1 }) } },
      states: {
        first: { tags: 'person', on: { GO: second, END: 'ended' } },
        [second]: { on: { END: 'ended' } },
        ended: { type: 'final' },
      },
    }),
  }) as AnyWorkflow;
}

/** Calls `call`, and is done with what it gives; fails if it throws. */
export function calling(call: (signal: AbortSignal) => Promise<unknown>, id = 'calling'): AnyWorkflow {
  return defineWorkflow({
    version: '1',
    machine: setup({
      types: { context: {} as { given: unknown } },
      actors: { call: fromPromise<unknown>(({ signal }) => call(signal)) },
    }).createMachine({
      id,
      context: { given: null },
      initial: 'calling',
      states: {
        calling: {
          invoke: {
            src: 'call',
            id: 'call',
            onDone: { target: 'ended', actions: assign({ given: ({ event }) => event.output }) },
          },
        },
        ended: { type: 'final' },
      },
      output: ({ context }) => context.given,
    }),
  }) as AnyWorkflow;
}
