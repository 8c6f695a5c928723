import { describe, expect, it, onTestFinished } from 'vitest';
import { assign, createMachine, fromPromise, setup } from 'xstate';
import { z } from 'zod';

import { memoryStore } from '../persistence/memory.ts';
import { fromModel, fromTool, fromWorkflow } from './actors/index.ts';
import { createEngine, type EngineOptions } from './create-engine.ts';
import { InvalidOption, WorkflowRefused } from './errors.ts';
import { type AcceptedFinding, type AnyWorkflow, defineWorkflow } from './workflow.ts';

const askForAmount = fromModel({
  name: 'askForAmount',
  model: 'claude-haiku-5-5',
  output: z.object({ cents: z.int().positive() }),
  prompt: () => 'How much?',
});
const refund = fromTool({
  name: 'refund',
  input: z.object({ cents: z.number() }),
  output: z.object({ receipt: z.string() }),
  irreversible: true,
  idempotencyKey: () => 'refund',
  run: async () => ({ receipt: 'r' }),
});

/** Pays what a model said; nobody looks at it. */
function refunding(accepted: readonly AcceptedFinding[] = [], id = 'refunding'): AnyWorkflow {
  const machine = setup({
    types: { context: {} as { cents: number } },
    actors: { askForAmount, refund },
  }).createMachine({
    id,
    context: { cents: 0 },
    initial: 'asking',
    states: {
      asking: {
        invoke: {
          src: 'askForAmount',
          onDone: { target: 'refunding', actions: assign({ cents: ({ event }) => event.output.cents }) },
          onError: 'done',
        },
      },
      refunding: {
        invoke: {
          src: 'refund',
          input: ({ context }) => ({ cents: context.cents }),
          onDone: 'done',
          onError: 'done',
        },
      },
      done: { type: 'final' },
    },
  });
  return defineWorkflow({ machine, version: '1.0.0', accepted });
}

function engineOf(workflow: AnyWorkflow, options: Partial<EngineOptions> = {}) {
  const engine = createEngine({ workflows: [workflow], store: memoryStore(), ...options });
  onTestFinished(() => engine.stop());
  return engine;
}

describe('createEngine', () => {
  it('refuses a workflow with an error, and says which, where it is seen, and what to do', () => {
    const refused = (): unknown => engineOf(refunding());
    expect(refused).toThrow(WorkflowRefused);
    expect(refused).toThrow(
      'Workflow `refunding@1.0.0` has an error that nobody has accepted, so it is not run:\n- ungated-effect at `refund askForAmount.cents`: `refund` cannot be taken back, and is given `cents` of what `askForAmount` said',
    );
    expect(refused).toThrow(/Seen on: askForAmount → .*`createEngine\(\{ check: false \}\)` takes/s);
    expect(refused).toThrow(
      expect.objectContaining({
        code: 'WORKFLOW_REFUSED',
        details: {
          workflow: 'refunding@1.0.0',
          findings: [expect.objectContaining({ rule: 'ungated-effect', severity: 'error' })],
        },
      }),
    );
  });

  it('takes it if somebody has accepted that, or if it is told not to look', () => {
    const reason = 'The model is asked for a number of a list that is checked elsewhere.';
    engineOf(refunding([{ rule: 'ungated-effect', where: 'refund askForAmount.cents', reason }]));
    engineOf(refunding(), { check: false });
  });

  it('looks at the workflows that others start runs of', () => {
    const machine = setup({
      actors: { child: fromWorkflow({ workflow: refunding([], 'child') }) },
    }).createMachine({
      id: 'parent',
      initial: 'a',
      states: { a: { invoke: { src: 'child', onDone: 'b', onError: 'b' } }, b: { type: 'final' } },
    });
    const parent = defineWorkflow({ machine, version: '1.0.0' });
    expect(() => engineOf(parent)).toThrow('Workflow `child@1.0.0` has an error');
  });

  it('runs a machine with plain actors as it is, warnings or not', async () => {
    const machine = setup({ actors: { add: fromPromise(async () => 2) } }).createMachine({
      id: 'plain',
      types: { output: {} as number },
      initial: 'a',
      states: { a: { invoke: { src: 'add', onDone: 'b' } }, b: { type: 'final' } },
      output: 2,
    });
    const workflow = defineWorkflow({ machine, version: '1.0.0' });
    const engine = createEngine({ workflows: [workflow], store: memoryStore() });
    onTestFinished(() => engine.stop());
    expect(await (await engine.start(workflow)).result()).toBe(2);
  });

  it('looks so far and no further, and each workflow once', () => {
    let asked = 0;
    const machine = setup({
      types: { context: {} as { n: number } },
      guards: {
        isFew: ({ context }) => {
          asked += 1;
          return context.n < 1e9;
        },
      },
    }).createMachine({
      id: 'endless',
      context: { n: 0 },
      on: { MORE: { guard: 'isFew', actions: assign({ n: ({ context }) => context.n + 1 }) } },
    });
    const workflow = defineWorkflow({ machine, version: '1.0.0' });
    engineOf(workflow, { check: { maxNodes: 10 } });
    expect(asked).toBeGreaterThan(9);
    expect(asked).toBeLessThan(200);
    const before = asked;
    engineOf(workflow, { check: { maxNodes: 10 } });
    expect(asked).toBe(before);
  });

  it.each([
    [{ check: { maxNodes: 0 } }, 'Expected `maxNodes` to be a positive integer'],
    [{ workflows: undefined }, 'Expected `workflows` to be a list'],
  ])('refuses %j', (options, message) => {
    const workflow = defineWorkflow({ machine: createMachine({ id: 'none' }), version: '1' });
    const create = (): unknown => engineOf(workflow, options as never);
    expect(create).toThrow(InvalidOption);
    expect(create).toThrow(message);
  });
});
