/**
 * Random schedules of one or two workers on a store that is slow, refuses, answers too late, is away, or freezes; with
 * workers that die or stop. Whatever happens, nothing is lost, done twice, or left lying.
 */
import { describe, expect, it } from 'vitest';
import { assign, setup } from 'xstate';

import {
  randomOf,
  type Random,
  simulate,
  type Simulation,
  type StoreMode,
} from '../../test/support/simulated-workers.ts';
import { durableLogic } from '../actors/durable-logic.ts';
import { Deferred, type InvocationScope } from '../invocation.ts';
import { defineWorkflow } from '../workflow.ts';
import { onceName } from './performer.ts';
import { stateOf } from './progress.ts';

interface Seen {
  /** How often each irreversible invocation was performed, by key. */
  readonly paid: Map<string, number>;
  readonly wrong: string[];
}

const kept = ['one', 'two', 'three'];

function createWorkflow(world: () => Simulation, seen: Seen, isAlone: () => boolean) {
  const actor = (
    name: string,
    perform: (scope: InvocationScope) => Promise<unknown>,
    { irreversible = false, idempotent = false } = {},
  ) =>
    durableLogic<unknown, unknown>({
      kind: 'test',
      name,
      irreversible,
      idempotent,
      perform: (_input, scope) => perform(scope),
    });

  /** Compute a value under a name, which must not be on record yet for whoever has the run. */
  async function once(scope: InvocationScope, name: string): Promise<void> {
    await scope.once(name, async () => {
      const stored = world().data.runs.get(scope.runId);
      const key = scope.key.slice(scope.runId.length + 1);
      const holds = isAlone() || stored?.lease?.token === world().current()?.token;
      if (holds && stored?.journal.has(onceName(key, name))) seen.wrong.push(`${name} is computed again`);
      await world().sleep(200);
      return name;
    });
  }

  const machine = setup({
    types: { context: {} as { count: number; why?: unknown }, events: {} as { type: 'INC' | 'GO' | 'SKIP' } },
    actors: {
      work: actor('work', () => world().sleep(1_500)),
      agent: actor('agent', async (scope) => {
        for (const name of kept) {
          try {
            await once(scope, name);
          } catch (error) {
            if (!scope.signal.aborted) seen.wrong.push(`\`once\` rejected with ${String(error)}`);
            throw error;
          }
          await world().sleep(700);
        }
      }),
      map: actor('map', (scope) => Promise.all(kept.map((name) => once(scope, name)))),
      pay: actor(
        'pay',
        async (scope) => {
          seen.paid.set(scope.key, (seen.paid.get(scope.key) ?? 0) + 1);
          await world().sleep(900);
        },
        { irreversible: true },
      ),
      later: actor('later', async (scope) => {
        if (scope.attempt < 3) throw new Deferred(scope.now() + 4_000, 'Not yet.');
      }),
      deaf: actor('deaf', () => new Promise(() => {})),
    },
    actions: {
      keepError: assign({
        why: ({ event }) =>
          'error' in event ? ((event.error as { code?: string }).code ?? String(event.error)) : undefined,
      }),
    },
  }).createMachine({
    id: 'life',
    context: { count: 0 },
    initial: 'working',
    on: { INC: { actions: assign({ count: ({ context }) => context.count + 1 }) } },
    states: {
      working: { invoke: { src: 'work', onDone: 'asking', onError: 'broken' } },
      asking: {
        invoke: { src: 'agent', onDone: 'mapping', onError: 'broken' },
        on: { SKIP: 'mapping' },
      },
      mapping: { invoke: { src: 'map', onDone: 'paying', onError: 'broken' } },
      paying: { invoke: { src: 'pay', onDone: 'putOff', onError: 'putOff' }, exit: 'keepError' },
      putOff: { invoke: { src: 'later', onDone: 'listening', onError: 'broken' } },
      listening: { invoke: { src: 'deaf' }, on: { GO: 'ended' }, after: { 30_000: 'ended' } },
      broken: { entry: 'keepError', type: 'final' },
      ended: { type: 'final' },
    },
  });
  return defineWorkflow({ machine, version: '1' });
}

const modes: readonly StoreMode[] = ['well', 'well', 'flaky', 'away', 'frozen'];

async function play(seed: number, { mayDie, mostWorkers }: { mayDie: boolean; mostWorkers: number }) {
  const random: Random = randomOf(seed);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  const seen: Seen = { paid: new Map(), wrong: [] };
  const workflow = createWorkflow(
    () => world,
    seen,
    () => mostWorkers === 1 && !mayDie,
  );
  const world: Simulation = simulate(workflow, random);
  const runs = ['a', 'b'];
  for (const id of runs) await world.start(id, undefined);
  for (let count = 0; count < mostWorkers; count++) world.addWorker();
  let sent = 0;
  const incremented = new Map(runs.map((id) => [id, 0]));
  let cancelled: string | undefined;

  for (let step = 0; step < 250; step++) {
    if (random() < 0.05) world.mode = pick(modes);
    if (random() < 0.03) {
      const id = pick(runs);
      const stored = world.data.runs.get(id);
      if (stored && stateOf(stored.progress.state).snapshot.status === 'active' && cancelled !== id) {
        const type = pick(['INC', 'INC', 'INC', 'SKIP', 'GO']);
        const hold = type === 'INC' ? {} : { hold: true as const };
        const key = `message ${++sent}`;
        world.send(id, { type: 'event', event: { type }, ...hold }, key);
        if (type === 'INC') incremented.set(id, (incremented.get(id) ?? 0) + 1);
      }
    }
    if (random() < 0.002 && !cancelled) {
      cancelled = pick(runs);
      world.send(cancelled, { type: 'cancel' }, 'cancel');
    }
    if (mayDie && random() < 0.01) {
      const worker = pick(world.workers);
      if (random() < 0.5) world.kill(worker);
      else world.stop(worker);
      world.addWorker();
    }
    await world.step();
  }

  world.mode = 'well';
  const hasEnded = (id: string): boolean =>
    stateOf(world.data.runs.get(id)?.progress.state ?? '').snapshot.status !== 'active';
  let steps = 0;
  while (!(runs.every(hasEnded) && world.isQuiet()) && steps++ < 4_000) await world.step();
  return { world, seen, runs, incremented, cancelled, hasEnded, steps };
}

async function expectRight(seed: number, options: { mayDie: boolean; mostWorkers: number }): Promise<void> {
  const { world, seen, runs, incremented, cancelled, hasEnded } = await play(seed, options);
  const what = `seed ${seed}`;
  expect(world.isQuiet(), `${what}: a run is held, or the store is still asked`).toBe(true);
  expect(seen.wrong, what).toEqual([]);
  expect(world.overlapping, `${what}: two steps are written at a time`).toEqual([]);
  expect(
    [...seen.paid.values()].filter((times) => times > 1),
    `${what}: performed twice`,
  ).toEqual([]);
  for (const id of runs) {
    const stored = world.data.runs.get(id);
    const { snapshot } = stateOf(stored?.progress.state ?? '');
    expect(hasEnded(id), `${what}: ${id} stands at ${JSON.stringify(snapshot.value)}`).toBe(true);
    expect(stored?.problem, `${what}: ${id}`).toBeUndefined();
    if (cancelled !== id) {
      expect(snapshot.value, `${what}: ${id} failed of ${JSON.stringify(snapshot.context)}`).toBe('ended');
    }
    const { count } = snapshot.context as { count: number };
    expect(count, `${what}: ${id} counted`).toBeLessThanOrEqual(incremented.get(id) ?? 0);
    const accepted = stored?.log.filter(
      (entry) => entry.includes('"INC"') && entry.includes('"type":"message"'),
    );
    expect(count, `${what}: ${id} counted`).toBe(accepted?.length);
  }
}

const schedules = Number(process.env['SCHEDULES'] ?? 40);

describe('whatever the store does', () => {
  it('one worker ends every run, and computes and performs nothing twice', async () => {
    for (let seed = 1; seed <= schedules; seed++) await expectRight(seed, { mayDie: false, mostWorkers: 1 });
  });

  it('two workers do not do so together', async () => {
    for (let seed = 1; seed <= schedules; seed++) await expectRight(seed, { mayDie: false, mostWorkers: 2 });
  });

  it('nor if they die or stop', async () => {
    for (let seed = 1; seed <= schedules; seed++) await expectRight(seed, { mayDie: true, mostWorkers: 2 });
  });
});
