import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describe, expect, it, onTestFinished } from 'vitest';
import { assign, setup } from 'xstate';
import { z } from 'zod';

import { sqliteStore } from '../../../persistence/sqlite/index.ts';
import { fromTool } from '../../actors/index.ts';
import { createEngine, type Engine } from '../../engine/engine.ts';
import { EventNotAccepted } from '../../errors.ts';
import { gate } from '../../gates/gate.ts';
import { createVirtualClock } from '../../testing/virtual-clock.ts';
import { defineWorkflow } from '../../workflow.ts';
import { paths } from '../paths/paths.ts';
import { recordedExample } from './recorded-example.ts';
import { why, type WhyStep } from './why.ts';

const Weight = z.object({ weight: z.number() });

const parcel = defineWorkflow({
  version: '1',
  events: { REWEIGH: Weight },
  machine: setup({
    types: {
      input: {} as { weight: number },
      context: {} as { weight: number },
      events: {} as { type: 'REWEIGH'; weight: number } | { type: 'SEND' },
    },
    actors: {
      weigh: fromTool({
        name: 'weigh',
        input: Weight,
        output: Weight,
        run: async ({ weight }) => {
          if (weight < 0) throw new RangeError('It floats.');
          return { weight };
        },
      }),
    },
    guards: {
      light: gate(
        'light',
        (_, { weight }: { weight: number }) => weight <= 10 || [`${weight} kg is over 10 kg.`],
      ),
    },
    delays: { patience: 60_000 },
  }).createMachine({
    id: 'parcel',
    context: ({ input }) => input,
    initial: 'weighing',
    states: {
      weighing: {
        invoke: {
          src: 'weigh',
          id: 'weigh',
          input: ({ context }) => context,
          onDone: [
            { guard: { type: 'light', params: ({ event }) => event.output }, target: 'ready' },
            { target: 'held' },
          ],
          onError: 'held',
        },
      },
      held: {
        on: {
          REWEIGH: {
            guard: { type: 'light', params: ({ event }) => event },
            target: 'weighing',
            actions: assign({ weight: ({ event }) => event.weight }),
          },
        },
        after: { patience: 'returned' },
      },
      ready: { on: { SEND: 'sent' } },
      sent: { type: 'final' },
      returned: { type: 'final' },
    },
  }),
});

interface World {
  readonly engine: Engine;
  readonly clock: ReturnType<typeof createVirtualClock>;
}

function world(): World {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-why-'));
  const clock = createVirtualClock();
  const store = sqliteStore(join(folder, 'runs.db'));
  const engine = createEngine({ workflows: [parcel], store, clock });
  onTestFinished(async () => {
    await engine.stop();
    await store.close();
    rmSync(folder, { recursive: true });
  });
  return { engine, clock };
}

function route(steps: readonly WhyStep[]): string[] {
  const name = (value: WhyStep['to']): string => (typeof value === 'string' ? value : 'nowhere');
  return steps.map(({ what, from, to, status }) => `${what}: ${name(from)} to ${name(to)} (${status})`);
}

describe('why', () => {
  it('tells each step of a run: what came, what its gates saw and said, and where the route went', async () => {
    const { engine } = world();
    const run = await engine.start(parcel, { id: 'p1', input: { weight: 50 } });
    await run.waitFor({ state: 'held' });
    await run.send({ type: 'REWEIGH', weight: 5 }, { by: { id: 'dana' } });
    await run.waitFor({ state: 'ready' });
    await run.send({ type: 'SEND' });
    const steps = why(await run.history());
    expect(route(steps)).toEqual([
      'start: nowhere to weighing (running)',
      'weigh → 50: weighing to held (waiting)',
      'REWEIGH 5: held to weighing (running)',
      'weigh → 5: weighing to ready (waiting)',
      'SEND: ready to sent (done)',
    ]);
    expect(steps.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5]);
    expect(steps.map(({ gates }) => gates)).toEqual([
      [],
      [{ gate: 'light', passed: false, reasons: ['50 kg is over 10 kg.'], saw: { weight: 50 } }],
      [{ gate: 'light', passed: true, reasons: [], saw: { type: 'REWEIGH', weight: 5 } }],
      [{ gate: 'light', passed: true, reasons: [], saw: { weight: 5 } }],
      [],
    ]);
    expect(steps[2]).toMatchObject({ by: { id: 'dana' }, message: { event: { weight: 5 } } });
  });

  it('tells failures, timers and cancels in words', async () => {
    const { engine, clock } = world();
    const floating = await engine.start(parcel, { id: 'p1', input: { weight: -1 } });
    await floating.waitFor({ state: 'held' });
    const waiting = await engine.start(parcel, { id: 'p2', input: { weight: 5 } });
    await waiting.waitFor({ state: 'ready' });
    await waiting.cancel('not wanted');
    await clock.advance(60_000);
    await floating.result();
    expect(route(why(await floating.history()))).toEqual([
      'start: nowhere to weighing (running)',
      'weigh → failed: weighing to held (waiting)',
      'after patience: held to returned (done)',
    ]);
    expect(why(await waiting.history()).at(-1)).toMatchObject({
      what: 'cancel: not wanted',
      status: 'cancelled',
    });
  });

  it('tells an event that was refused when it was its turn, and why', async () => {
    const { engine } = world();
    const run = await engine.start(parcel, { id: 'p1', input: { weight: 50 } });
    await run.waitFor({ state: 'held' });
    await expect(run.send({ type: 'REWEIGH', weight: 11 }, { key: 'once' })).rejects.toThrow(
      EventNotAccepted,
    );
    const refused = why(await run.history()).at(-1);
    expect(refused).toMatchObject({
      what: 'REWEIGH 11',
      from: 'held',
      refused: expect.stringContaining('`light`: 11 kg is over 10 kg.'),
    });
    expect(refused).not.toHaveProperty('to');
  });

  it('gives what was on record as an example that paths are made of', async () => {
    const { engine } = world();
    const run = await engine.start(parcel, { id: 'p1', input: { weight: 50 } });
    await run.waitFor({ state: 'held' });
    await run.send({ type: 'REWEIGH', weight: 5 });
    await run.waitFor({ state: 'ready' });
    const example = recordedExample('p1', await run.history());
    expect(example).toEqual({
      name: 'p1',
      input: { weight: 50 },
      outputs: { weigh: [{ weight: 50 }, { weight: 5 }] },
      events: { REWEIGH: [{ weight: 5 }] },
    });
    expect(paths(parcel, { examples: [example] }).coverage).toMatchObject({ missing: [] });
  });
});
