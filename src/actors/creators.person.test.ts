/** What holds for every actor (`creators.test.ts`) holds for a question to a person, which is a state and no actor. */
import { assign, createActor, setup, SimulatedClock, toPromise } from 'xstate';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';

import { createWorld } from '../../test/support/world.ts';
import { person } from '../gates/person.ts';
import { defineWorkflow } from '../workflow.ts';
import { fromTool } from './from-tool.ts';

const dayMs = 86_400_000;
const dana = { by: { id: 'dana' } };

/** Proposes, asks, and pays what was approved; `paid` has what was asked of the outside. */
function approving() {
  const paid: string[] = [];
  const doing = (name: string) =>
    fromTool({
      name,
      input: z.object({}),
      output: z.string(),
      run: async (_, { idempotencyKey }) => {
        paid.push(idempotencyKey);
        return name;
      },
    });
  const machine = setup({
    types: {
      context: {} as { amount: number },
      events: {} as { type: 'APPROVE'; amount: number } | { type: 'REJECT' },
      output: {} as { amount: number },
    },
    actors: { propose: doing('propose'), pay: doing('pay') },
    delays: { approvalTime: 3 * dayMs },
  }).createMachine({
    id: 'approving',
    context: { amount: 0 },
    initial: 'proposing',
    states: {
      proposing: { invoke: { src: 'propose', id: 'propose', input: {}, onDone: 'awaitingApproval' } },
      awaitingApproval: {
        ...person({
          title: 'Approve the payment',
          who: { ids: ['dana'] },
          answers: { APPROVE: { schema: z.object({ amount: z.number().positive() }) }, REJECT: {} },
          due: 'approvalTime',
        }),
        on: {
          APPROVE: { target: 'paying', actions: assign({ amount: ({ event }) => event.amount }) },
          REJECT: 'ended',
        },
        after: { approvalTime: 'ended' },
      },
      paying: { invoke: { src: 'pay', id: 'pay', input: {}, onDone: 'ended' } },
      ended: { type: 'final' },
    },
    output: ({ context }) => ({ amount: context.amount }),
  });
  return { paid, workflow: defineWorkflow({ machine, version: '1' }) };
}

async function asked() {
  const { paid, workflow } = approving();
  const world = createWorld(workflow);
  const engine = world.engine();
  const run = await engine.start(workflow, { id: 'r' });
  await run.waitFor({ tag: 'person' });
  return { paid, workflow, world, engine, run };
}

const approval = { type: 'APPROVE', amount: 250 } as const;

describe('a question to a person', () => {
  it('is answered once, on an engine', async () => {
    const { run, paid } = await asked();
    await run.send(approval, { ...dana, key: 'answer' });
    await run.send({ ...approval, amount: 999 }, { ...dana, key: 'answer' });
    expect(await run.result()).toEqual({ amount: 250 });
    expect(paid).toEqual(['r/propose#1', 'r/pay#1']);
  });

  it('is answered, and is due, under a plain `createActor` too', async () => {
    const { workflow, paid } = approving();
    const actor = createActor(workflow.machine).start();
    await expect.poll(() => actor.getSnapshot().hasTag('person')).toBe(true);
    actor.send(approval);
    expect(await toPromise(actor)).toEqual({ amount: 250 });
    expect(paid).toHaveLength(2);

    const clock = new SimulatedClock();
    const unanswered = createActor(workflow.machine, { clock }).start();
    await expect.poll(() => unanswered.getSnapshot().hasTag('person')).toBe(true);
    clock.increment(3 * dayMs);
    expect(unanswered.getSnapshot()).toMatchObject({ value: 'ended', output: { amount: 0 } });
  });

  it.each([
    ['who may not', approval, { by: { id: 'eve' } }, { code: 'ANSWER_NOT_ALLOWED' }],
    [
      'with fields that its schema refuses',
      { ...approval, amount: -1 },
      dana,
      { code: 'EVENT_INVALID', details: { issues: [{ path: ['amount'] }] } },
    ],
    ['with what is no answer', { type: 'NO_IDEA' }, dana, { code: 'EVENT_INVALID' }],
  ])('takes no answer %s, and still waits', async (_, event, options, refused) => {
    const { run } = await asked();
    await expect(run.send(event as never, options)).rejects.toMatchObject(refused);
    expect(await run.snapshot()).toMatchObject({ value: 'awaitingApproval', status: 'waiting' });
    await run.send(approval, dana);
    expect(await run.result()).toEqual({ amount: 250 });
  });

  it('takes no answer once it is answered', async () => {
    const { run, paid } = await asked();
    await run.send({ type: 'REJECT' }, dana);
    await expect(run.send(approval, dana)).rejects.toMatchObject({ code: 'EVENT_NOT_ACCEPTED' });
    expect(paid).toEqual(['r/propose#1']);
  });

  it('is withdrawn when its run is cancelled', async () => {
    const { run, paid, world } = await asked();
    await run.cancel('enough');
    expect(await run.snapshot()).toMatchObject({ status: 'cancelled', questions: [], timers: [] });
    await expect(run.send(approval, dana)).rejects.toMatchObject({ code: 'EVENT_NOT_ACCEPTED' });
    await world.clock.advance(4 * dayMs);
    expect(paid).toEqual(['r/propose#1']);
    expect(world.problems).toEqual([]);
  });

  it('is withdrawn, without an engine too, when its actor is stopped', async () => {
    const { workflow, paid } = approving();
    const clock = new SimulatedClock();
    const actor = createActor(workflow.machine, { clock }).start();
    await expect.poll(() => actor.getSnapshot().hasTag('person')).toBe(true);
    actor.stop();
    clock.increment(4 * dayMs);
    expect(actor.getSnapshot()).toMatchObject({ status: 'stopped', value: 'awaitingApproval' });
    expect(paid).toHaveLength(1);
  });

  it('outlives its worker: nothing before it is paid again, and it is due when it was', async () => {
    const { world, engine, run, paid } = await asked();
    const { questions } = await run.snapshot();
    const dueAt = questions[0]?.dueAt;
    await world.clock.advance(dayMs);
    engine.die();
    await world.leasesRunOut();
    const second = world.engine().run('r');
    expect(await second.snapshot()).toMatchObject({ questions: [{ title: 'Approve the payment', dueAt }] });
    await second.send(approval as never, dana);
    expect(await second.result()).toEqual({ amount: 250 });
    expect(paid).toEqual(['r/propose#1', 'r/pay#1']);
  });

  it('goes on without an answer when it is due, if its worker died meanwhile', async () => {
    const { world, engine, paid } = await asked();
    engine.die();
    await world.clock.advance(3 * dayMs - 1);
    const second = world.engine().run('r');
    expect(await second.snapshot()).toMatchObject({ status: 'waiting' });
    await world.clock.advance(1);
    expect(await second.result()).toEqual({ amount: 0 });
    expect(paid).toEqual(['r/propose#1']);
  });
});
