/** Two worker processes on one store: what each may do while both live, and when one of them does not. */
import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, inject, it, onTestFinished, vi } from 'vitest';

import { redisStore } from '../../persistence/redis/index.ts';
import { sqliteStore } from '../../persistence/sqlite/index.ts';
import type { Store } from '../../persistence/store.ts';
import { createEngine } from '../../src/engine/engine.ts';
import type { HistoryEntry } from '../../src/engine/history.ts';
import type { RunHandle } from '../../src/engine/handle/run-handle.ts';
import type { AnyWorkflow } from '../../src/workflow.ts';
import { type Child, startChild } from '../fixtures/child.ts';
import { keptSteps, slowSteps, sum, workflows } from '../fixtures/slow-workflows.mjs';

interface Place {
  readonly spec: object;
  open(): Store;
}

const places = {
  SQLite(folder: string): Place {
    const path = join(folder, 'runs.db');
    return { spec: { kind: 'sqlite', path }, open: () => sqliteStore(path) };
  },
  Redis(): Place {
    const options = { url: inject('redisUrl'), prefix: `distributed:${randomUUID()}` };
    return { spec: { kind: 'redis', ...options }, open: () => redisStore(options) };
  },
};

export function testTwoWorkers(name: keyof typeof places): void {
  const placeIn = places[name];
  describe(`two workers on one ${name}`, () => {
    it('perform no invocation twice while both live', async () => {
      const world = createWorld(placeIn);
      const runs = await world.startRuns(slowSteps, 60, { steps: 3, ms: 250 });
      // Long enough for each to look for leases of the dead, and to renew its own, several times.
      const options = { concurrency: 8, leaseMs: 3_000 };
      const [one, other] = [await world.worker(options), await world.worker(options)];
      for (const run of runs) expect(await run.result()).toHaveLength(3);

      const starts = world.lines('start');
      expect(starts).toHaveLength(180);
      expect(new Set(starts.map(({ key }) => key)).size).toBe(180);
      expect(new Set(starts.map(({ pid }) => pid))).toEqual(new Set([one.pid, other.pid]));
      expect([...refusals(one), ...refusals(other)]).toEqual([]);
    });

    it('take over from each other when one is killed, without waiting for its leases', async () => {
      const world = createWorld(placeIn);
      const leaseMs = 30_000;
      // Some end at once; the others are under way until they are let go.
      const runs = [
        ...(await world.startRuns(slowSteps, 10, { steps: 2, ms: 50 })),
        ...(await world.startRuns(slowSteps, 30, { steps: 2, until: world.path('go') })),
      ];
      const victim = await world.worker({ concurrency: 20, leaseMs });
      const heir = await world.worker({ concurrency: 60, leaseMs });
      await vi.waitUntil(() => world.startedOnlyBy(victim).length > 5 && world.lines('end').length > 5);
      const leases = await world.leasesOf(victim);
      victim.signal('SIGKILL');
      await victim.ended;
      const cutShort = world.startedOnlyBy(victim);
      await vi.waitUntil(async () => (await world.leasesOf(victim)).length === 0);
      expect(Date.now()).toBeLessThan(Math.min(...leases.map(({ until }) => until)));
      writeFileSync(world.path('go'), '');

      for (const run of runs) {
        expect(await run.result()).toHaveLength(2);
        expect(resultsOf(await run.history())).toEqual(['work#1', 'work#2']);
      }
      const again = world.lines('start').filter(({ key, pid }) => pid === heir.pid && cutShort.includes(key));
      expect(again.map(({ key }) => key).toSorted()).toEqual(cutShort.toSorted());
      for (const [key, pids] of world.performers()) {
        // What the victim ended just before it died was perhaps not recorded.
        expect([[victim.pid], [heir.pid], [victim.pid, heir.pid]], key).toContainEqual(pids);
      }
    });

    it('wait for the lease of one that may be alive, and no longer', async () => {
      const world = createWorld(placeIn);
      const runs = await world.startRuns(slowSteps, 5, { steps: 1, until: world.path('go') });
      const victim = await world.worker({ leaseMs: 1_500, elsewhere: true });
      await vi.waitUntil(() => world.lines('start').length === 5);
      victim.signal('SIGKILL');
      await victim.ended;
      const until = Math.min(...(await world.leasesOf(victim)).map((lease) => lease.until));

      const heir = await world.worker({ leaseMs: 1_500 });
      await vi.waitUntil(() => world.lines('start').length > 5);
      expect(Date.now()).toBeGreaterThanOrEqual(until);
      writeFileSync(world.path('go'), '');
      for (const run of runs) expect(await run.result()).toEqual([heir.pid]);
    });

    it.each([
      ['a commit', slowSteps, 'commit'],
      ['what it keeps with `once`', keptSteps, 'record'],
    ] as const)('refuse %s of one that was frozen past its lease', async (_what, workflow, call) => {
      const world = createWorld(placeIn);
      const [run] = await world.startRuns(workflow, 1, { steps: 2, ms: 1 });
      const frozen = await world.worker({ leaseMs: 1_500, freeze: { call } });
      await frozen.hears('freezing');
      const [lease] = await world.leasesOf(frozen);
      const heir = await world.worker({ leaseMs: 1_500 });
      await vi.waitUntil(() => world.lines('start').some(({ pid }) => pid === heir.pid));
      expect(Date.now()).toBeGreaterThanOrEqual(lease?.until ?? Infinity);
      expect(await run?.result()).toEqual([heir.pid, heir.pid]);
      const before = await run?.history();

      frozen.signal('SIGCONT');
      const refused = await frozen.hears('refused');
      expect(refused).toMatchObject({
        call,
        runId: run?.id,
        ...(call === 'commit' && { status: 'lease-lost' }),
      });
      // It goes on as a worker like any other.
      heir.signal('SIGKILL');
      await heir.ended;
      const [next] = await world.startRuns(slowSteps, 1, { steps: 1, ms: 1 });
      expect(await next?.result()).toEqual([frozen.pid]);
      expect(await run?.history()).toEqual(before);
    });

    it('refuse one that was frozen at any moment', async () => {
      const world = createWorld(placeIn);
      const runs = await world.startRuns(slowSteps, 20, { steps: 6, ms: 20 });
      const frozen = await world.worker({ leaseMs: 1_000, concurrency: 12 });
      await vi.waitUntil(() => world.lines('end').length > 10);
      await world.freeze(frozen);
      const heir = await world.worker({ leaseMs: 1_000 });
      for (const run of runs) expect(await run.result()).toHaveLength(6);
      frozen.signal('SIGCONT');
      frozen.tell({ type: 'stop' });
      await frozen.hears('stopped');

      for (const run of runs) {
        expect(resultsOf(await run.history())).toEqual([1, 2, 3, 4, 5, 6].map((n) => `work#${n}`));
      }
      const again = [...world.performers()].filter(([, pids]) => pids.length > 1);
      // What it was about, and what it was just beginning to do, when it was frozen; each once.
      expect(again.length).toBeLessThanOrEqual(12);
      for (const [key, pids] of again) {
        expect(pids, key).toHaveLength(2);
        expect(new Set(pids), key).toEqual(new Set([frozen.pid, heir.pid]));
      }
    });

    it('start nothing when they were frozen past their lease, not even what they have just committed to', async () => {
      const world = createWorld(placeIn);
      const [run] = await world.startRuns(slowSteps, 1, { steps: 2, ms: 1 });
      const frozen = await world.worker({ leaseMs: 1_500, freeze: { call: 'commit', when: 'after' } });
      await frozen.hears('freezing');
      const heir = await world.worker({ leaseMs: 1_500 });
      expect(await run?.result()).toEqual([frozen.pid, heir.pid]);
      frozen.signal('SIGCONT');
      frozen.tell({ type: 'stop' });
      await frozen.hears('stopped');
      expect([...world.performers().values()]).toEqual([[frozen.pid], [heir.pid]]);
    });

    it('abort an invocation in flight when another process cancels its run', async () => {
      const world = createWorld(placeIn);
      const [run] = await world.startRuns(slowSteps, 1, { steps: 1, until: world.path('never') });
      const workers = [await world.worker(), await world.worker()];
      await vi.waitUntil(() => world.lines('start').length === 1);
      const client = await world.client();
      expect(await client.call(run!, 'cancel', 'no longer wanted')).toMatchObject({
        value: { status: 'cancelled' },
      });
      await vi.waitUntil(() => world.lines('abort').length === 1);
      expect(world.lines('abort')).toEqual(world.lines('start'));
      expect(workers.map(({ pid }) => pid)).toContain(world.lines('start')[0]?.pid);
      await expect(run!.result()).rejects.toMatchObject({ code: 'RUN_CANCELLED' });
    });

    it('take each event that another process sends once', async () => {
      const world = createWorld(placeIn);
      const [run] = await world.startRuns(sum, 1, {});
      await world.worker();
      await world.worker();
      const client = await world.client();
      const numbers = Array.from({ length: 40 }, (_, n) => n + 1);
      const answers = await Promise.all(numbers.map((n) => client.call(run!, 'send', { type: 'ADD', n })));
      expect(answers).toEqual(numbers.map(() => ({ value: expect.objectContaining({ id: run!.id }) })));
      await client.call(run!, 'send', { type: 'FINISH' });
      expect(await run!.result()).toEqual({ events: 40, sum: 820 });
    });

    it('take an event that two processes send with one key at once as one', async () => {
      const world = createWorld(placeIn);
      const runs = await world.startRuns(sum, 5, {});
      await world.worker();
      await world.worker();
      const clients = [await world.client(), await world.client()];
      const sends = runs.flatMap((run) =>
        Array.from({ length: 10 }, (_, n) =>
          clients.map((client, which) =>
            client.call(run, 'send', { type: 'ADD', n: which + 1 }, { key: `key ${n}` }),
          ),
        ),
      );
      for (const [one, other] of await Promise.all(sends.map((both) => Promise.all(both)))) {
        expect(one).toMatchObject({ value: { value: 'open' } });
        expect(other).toMatchObject({ value: { value: 'open' } });
      }
      for (const run of runs) {
        await run.send({ type: 'FINISH' });
        const { events } = (await run.result()) as { events: number };
        expect(events).toBe(10);
      }
    });
  });
}

interface Line {
  readonly what: string;
  readonly key: string;
  readonly pid: number;
}

interface WorkerOptions {
  readonly concurrency?: number;
  readonly leaseMs?: number;
  readonly elsewhere?: boolean;
  readonly freeze?: { readonly call: 'commit' | 'record'; readonly when?: 'before' | 'after' };
}

/** A store, the log of what was performed on it, and a client of it in this process. */
function createWorld(placeIn: (folder: string) => Place) {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-distributed-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const { spec, open } = placeIn(folder);
  const log = join(folder, 'performed.txt');
  const store = open();
  const engine = createEngine({ workflows, store, work: 'none' });
  onTestFinished(async () => {
    await engine.stop();
    await store.close();
  });

  const lines = (wanted?: string): Line[] => {
    if (!existsSync(log)) return [];
    return readFileSync(log, 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => line.split(' '))
      .map(([what = '', key = '', pid]) => ({ what, key, pid: Number(pid) }))
      .filter(({ what }) => wanted === undefined || what === wanted)
      .map(({ key, pid, what }) => (wanted === undefined ? { what, key, pid } : { what: '', key, pid }));
  };

  return {
    lines,
    path: (name: string) => join(folder, name),
    startRuns: (workflow: AnyWorkflow, count: number, input: object): Promise<RunHandle[]> =>
      Promise.all(Array.from({ length: count }, () => engine.start(workflow, { input: { log, ...input } }))),
    async worker(options: WorkerOptions = {}): Promise<Child> {
      const child = startChild('worker.mjs', { store: spec, leaseMs: 9_000, ...options });
      await child.hears('ready');
      return child;
    },
    async client() {
      const child = startChild('client.mjs', { store: spec });
      await child.hears('ready');
      let calls = 0;
      return {
        async call(run: RunHandle, method: 'send' | 'cancel', ...args: unknown[]) {
          const id = ++calls;
          child.tell({ type: 'call', id, runId: run.id, method, args });
          const { type: _, ...outcome } = await child.hears(`answer ${id}`);
          return outcome;
        },
      };
    },
    /** Stop the process where it stands; but not within a transaction of SQLite, which nobody else could write through. */
    async freeze(child: Child): Promise<void> {
      for (;;) {
        child.signal('SIGSTOP');
        const written = engine.start(sum).then(() => true);
        if (await Promise.race([written, pause(500, false)])) return;
        child.signal('SIGCONT');
        await written;
      }
    },
    leasesOf: async ({ pid }: Child) =>
      (await store.leases()).filter(({ token }) => token.split('|').includes(String(pid))),
    /** Keys of what this process has begun and neither it nor anyone else has ended. */
    startedOnlyBy({ pid }: Child): string[] {
      const over = new Set(lines('end').map(({ key }) => key));
      return lines('start').flatMap((line) => (line.pid === pid && !over.has(line.key) ? [line.key] : []));
    },
    /** Who performed each invocation, in order. */
    performers(): Map<string, number[]> {
      const performers = new Map<string, number[]>();
      for (const { key, pid } of lines('start')) performers.set(key, [...(performers.get(key) ?? []), pid]);
      return performers;
    },
  };
}

function refusals({ said }: Child): unknown[] {
  return said.filter(({ type }) => type === 'refused' || type === 'problem');
}

/** Keys of the invocations that have a result on record, in order. */
function resultsOf(history: readonly HistoryEntry[]): string[] {
  return history.flatMap((entry) =>
    entry.type === 'message' && entry.message.type === 'output' ? [entry.message.key] : [],
  );
}
