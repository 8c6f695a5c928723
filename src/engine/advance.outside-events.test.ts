/** Events from outside of which there is more to say than that a transition takes them. */
import { type AnyStateMachine, createMachine, setup } from 'xstate';
import { describe, expect, it } from 'vitest';

import { sameEveryWay } from '../../test/support/drive.ts';
import { act } from '../../test/support/plain-driver.ts';
import { createWorld } from '../../test/support/world.ts';
import { explore } from '../graph/index.ts';
import { defineWorkflow } from '../workflow.ts';
import { advance, canAccept, viewState } from './advance.ts';
import { z } from 'zod';

const shop = setup({ guards: { open: ({ context }) => (context as { open: boolean }).open } }).createMachine({
  id: 'shop',
  context: { open: false },
  initial: 'home',
  states: {
    home: { id: 'home', route: {} },
    cart: { id: 'cart', route: {}, initial: 'list', states: { list: {}, item: { id: 'item', route: {} } } },
    back: { id: 'back', route: { guard: 'open' } },
  },
} as never) as unknown as AnyStateMachine;

describe('`xstate.route`', () => {
  it('leads to the state that it names', async () => {
    const to = (id: string) => ({ type: 'xstate.route', to: `#${id}` });
    const seen = await sameEveryWay(shop, { steps: [to('item'), to('back'), to('nowhere'), to('home')] });
    expect(seen.map(({ value }) => value)).toEqual([
      'home',
      { cart: 'item' },
      { cart: 'item' },
      { cart: 'item' },
      'home',
    ]);
  });

  it('is sent to a run like any event, is among those that it accepts, and is refused where it leads nowhere', async () => {
    const workflow = defineWorkflow({ machine: shop, version: '1' });
    const run = await createWorld(workflow).engine().start(workflow, { id: 'r' });
    const send = (to: string): Promise<{ readonly value: unknown }> =>
      run.send({ type: 'xstate.route', to } as never) as never;
    expect((await run.snapshot()).accepts).toEqual([{ type: 'xstate.route' }]);
    expect(await send('#cart')).toMatchObject({ value: { cart: 'list' } });
    for (const to of ['#back', '#nowhere']) {
      await expect(send(to)).rejects.toMatchObject({ code: 'EVENT_NOT_ACCEPTED' });
    }
    await expect(run.send({ type: 'xstate.init' } as never)).rejects.toMatchObject({ code: 'EVENT_INVALID' });
  });

  it('may have a schema, and is unknown to a machine without routes', async () => {
    const events = { 'xstate.route': z.object({ to: z.enum(['#home', '#item']) }) } as never;
    const workflow = defineWorkflow({ machine: shop, version: '1', events });
    const bare = defineWorkflow({
      machine: createMachine({ id: 'bare', on: { GO: '.a' }, initial: 'a', states: { a: {} } }),
      version: '1',
    });
    const engine = createWorld(workflow, bare).engine();
    const run = await engine.start(workflow, { id: 'r' });
    await expect(run.send({ type: 'xstate.route', to: '#cart' } as never)).rejects.toMatchObject({
      code: 'EVENT_INVALID',
    });
    const other = await engine.start(bare, { id: 's' });
    await expect(other.send({ type: 'xstate.route', to: '#a' } as never)).rejects.toMatchObject({
      code: 'EVENT_INVALID',
    });
    expect(() => defineWorkflow({ machine: bare.machine, version: '2', events })).toThrowError(
      expect.objectContaining({ code: 'INVALID_OPTION' }) as Error,
    );
  });

  it('is explored to every state that has one', () => {
    const places = explore(defineWorkflow({ machine: shop, version: '1' })).nodes.map(
      ({ state }) => state?.snapshot.value,
    );
    expect(places).toEqual(expect.arrayContaining(['home', { cart: 'list' }, { cart: 'item' }]));
  });
});

describe('an event that only `always` looks at', () => {
  const machine = setup({
    actions: { seen: act() },
    guards: {
      nudged: ({ event }) => event.type === 'NUDGE',
      loud: ({ event }) => 'loud' in event,
    },
  }).createMachine({
    id: 'watching',
    type: 'parallel',
    states: {
      one: {
        initial: 'idle',
        states: {
          idle: { always: { guard: 'nudged', target: 'moved', actions: 'seen' } },
          moved: { on: { NUDGE: { guard: 'loud', target: 'idle' }, BACK: 'idle' } },
        },
      },
      two: { always: { guard: 'loud', actions: 'seen' } },
    },
  });
  const workflow = defineWorkflow({ machine, version: '1', events: { POKE: z.object({}).loose() } as never });

  it('has the effect that it has in XState', async () => {
    const seen = await sameEveryWay(machine, {
      steps: [
        { type: 'POKE' },
        { type: 'NUDGE' },
        { type: 'NUDGE' },
        { type: 'POKE', loud: 1 },
        { type: 'BACK' },
      ],
    });
    expect(seen.map(({ value }) => (value as { one: string }).one)).toEqual([
      'idle',
      'idle',
      'moved',
      'moved',
      'moved',
      'idle',
    ]);
    expect(seen[4]).toMatchObject({ actions: [{ type: 'seen' }] });
  });

  it('is accepted where it has one, and nowhere else', async () => {
    const { state } = advance(workflow, undefined, { type: 'start', at: 0 });
    expect(canAccept(workflow, state, { type: 'NUDGE' })).toBe(true);
    expect(canAccept(workflow, state, { type: 'POKE' })).toBe(false);
    expect(advance(workflow, state, { type: 'event', at: 1, event: { type: 'POKE' } }).accepted).toBe(false);
    const moved = advance(workflow, state, { type: 'event', at: 1, event: { type: 'NUDGE' } });
    expect(moved).toMatchObject({ accepted: true, actions: [{ type: 'seen' }] });
    expect(canAccept(workflow, moved.state, { type: 'NUDGE' })).toBe(false);
    expect(viewState(workflow, moved.state).accepts.toSorted()).toEqual(['BACK', 'NUDGE']);
  });

  it('can be sent to a run once the workflow declares it', async () => {
    const run = await createWorld(workflow).engine().start(workflow, { id: 'r' });
    await run.send({ type: 'POKE', loud: 1 } as never);
    await expect(run.send({ type: 'POKE' } as never)).rejects.toMatchObject({ code: 'EVENT_NOT_ACCEPTED' });
    await expect(run.send({ type: 'OTHER', loud: 1 } as never)).rejects.toMatchObject({
      code: 'EVENT_INVALID',
    });
  });

  it('fails the run as in XState if its guard throws', () => {
    const throwing = createMachine(
      {
        id: 'throwing',
        on: { GO: {}, STAY: { actions: () => {} } },
        always: { guard: 'bad', actions: () => {} },
      },
      {
        guards: {
          bad: ({ event }) => {
            if (event.type === 'GO') throw new Error('bad');
            return false;
          },
        },
      },
    );
    const bad = defineWorkflow({ machine: throwing, version: '1' });
    const { state } = advance(bad, undefined, { type: 'start', at: 0 });
    expect(advance(bad, state, { type: 'event', at: 1, event: { type: 'GO' } }).state.snapshot).toMatchObject(
      {
        status: 'error',
        error: { message: 'bad' },
      },
    );
  });
});
