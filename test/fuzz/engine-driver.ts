/**
 * Runs a machine on an engine and a store, with a clock and promises that are moved by hand. It may stop the engine after every
 * step, so that the next begins with another one and what the store has.
 */
import type { AnyStateMachine, EventObject } from 'xstate';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { z } from 'zod';

import type { Store } from '../../persistence/store.ts';
import { stateNodes } from '../../src/actor-sources.ts';
import { createEngine, type Engine } from '../../src/engine/engine.ts';
import type { HistoryEntry, MessageEntry } from '../../src/engine/history.ts';
import { stateOf } from '../../src/engine/progress.ts';
import type { RunState } from '../../src/engine/run-state.ts';
import { createVirtualClock } from '../../src/testing/virtual-clock.ts';
import { type AnyWorkflow, defineWorkflow } from '../../src/workflow.ts';
import { type Deferred, engineRuns } from '../support/plain-driver.ts';
import {
  createNaming,
  type Driver,
  errorSeen,
  pathless,
  type Seen,
  startAt,
  storedChildren,
} from '../support/seen.ts';

export interface EngineDriver extends Driver {
  /** What the engine could tell nobody of. */
  readonly problems: readonly Error[];
  close(): Promise<void>;
}

let runs = 0;

export function engineDriver(machine: AnyStateMachine, store: Store, isKilled: boolean): EngineDriver {
  const runId = `run-${process.pid}-${++runs}`;
  const workflow = defineWorkflow({
    machine,
    version: '1',
    events: watched(machine),
  } as never) as AnyWorkflow;
  const clock = createVirtualClock(startAt);
  const naming = createNaming();
  const problems: Error[] = [];
  const open = new Map<string, Deferred>();
  let acted: string[] = [];
  let from = 0;
  let engine = started();

  engineRuns.set(runId, {
    opened(path, signal, deferred) {
      open.set(path, deferred);
      signal.addEventListener('abort', () => {
        if (open.get(path) === deferred) open.delete(path);
      });
    },
    acted: (path) => void acted.push(path),
  });

  function started(): Engine {
    return createEngine({
      // As in another process: nothing of the machine that was hosted before is left.
      workflows: [{ ...workflow }],
      store,
      clock,
      work: 'own',
      leaseMs: 1_000_000_000,
      onProblem: (error) => void problems.push(error),
    });
  }

  async function state(): Promise<RunState> {
    const run = await store.load(runId);
    if (!run) throw new Error(`There is no run ${runId}.`);
    return stateOf(run.state);
  }

  async function until(isMet: (state: RunState) => boolean): Promise<void> {
    while (!isMet(await state())) await nextTurn();
  }

  async function after(): Promise<Seen> {
    const { snapshot, timers, invocations } = await state();
    const isActive = snapshot.status === 'active';
    const tags = isActive ? (await engine.run(runId).snapshot()).tags : [];
    const history = await engine.run(runId).history({ from });
    from += history.length;
    const entries = history.filter(isMessage);
    const all = entries.flatMap((entry) => entry.started ?? []);
    const stopped = entries.flatMap((entry) => entry.stopped ?? []);
    // Time may pass several timers, and what one started another may stop: that is nothing.
    const brief = new Set(all.map(({ key }) => key).filter((key) => stopped.includes(key)));
    const actions = entries.flatMap((entry) => entry.actions ?? []);
    const custom = actions.filter(({ type }) => type !== 'xstate.log').map(({ path }) => path);
    if (custom.join() !== acted.join()) {
      throw new Error(`Actions were decided by [${custom.join()}], and performed for [${acted.join()}].`);
    }
    acted = [];
    if (isKilled) {
      await engine.stop({ graceMs: 0 });
      open.clear();
      engine = started();
      await engine.resume(runId);
    }
    return naming({
      status: snapshot.status,
      value: snapshot.value,
      context: pathless(snapshot.context),
      output: snapshot.output,
      error: errorSeen(snapshot.error),
      tags,
      children: isActive ? storedChildren(snapshot) : {},
      timers: timers.map(({ source, target, event, deadline }) => ({
        source,
        target,
        event,
        in: deadline - clock.now(),
      })),
      invocations: invocations.map(({ key }) => key),
      started: all.filter(({ key }) => !brief.has(key)).map(({ key, input }) => ({ key, input })),
      stopped: stopped.filter((key) => !brief.has(key)),
      actions: actions.map(({ path, type, params }) => ({ path, type, params })),
      emitted: entries.flatMap((entry) => entry.emitted ?? []),
    });
  }

  async function elapse(ms: number): Promise<void> {
    const end = clock.now() + ms;
    for (;;) {
      const { timers, snapshot } = await state();
      const [due] = timers;
      if (snapshot.status !== 'active' || !due || due.deadline > end) break;
      await clock.advance(due.deadline - clock.now());
      await until(
        (now) =>
          !now.timers.some(
            ({ source, id, deadline }) => source === due.source && id === due.id && deadline === due.deadline,
          ),
      );
    }
    await clock.advance(end - clock.now());
  }

  async function send(event: EventObject): Promise<void> {
    try {
      await engine.run(runId).send(event as never);
    } catch (error) {
      // The machine has no such event, or does not take it here; XState ignores it.
      const { code } = error as { code?: unknown };
      if (code !== 'EVENT_NOT_ACCEPTED' && code !== 'EVENT_INVALID') throw error;
    }
  }

  async function settle(
    key: string,
    step: { readonly output?: unknown; readonly error?: unknown },
  ): Promise<void> {
    const isPending = ({ invocations }: RunState): boolean =>
      invocations.some((pending) => pending.key === key);
    if (!isPending(await state())) return;
    const path = key.slice(0, key.lastIndexOf('#'));
    while (!open.has(path)) await nextTurn();
    const deferred = open.get(path) as Deferred;
    open.delete(path);
    if ('error' in step) deferred.reject(step.error);
    else deferred.resolve(step.output);
    await until((now) => !isPending(now));
  }

  return {
    problems,
    async start(input) {
      await engine.start(workflow.name, { id: runId, input });
      return after();
    },
    async step(step) {
      if ('type' in step) await send(step as EventObject);
      else if ('cancel' in step) await engine.run(runId).cancel();
      else if ('settle' in step) await settle(naming.raw(step.settle), step);
      else await elapse(step.elapse);
      return after();
    },
    async close() {
      engineRuns.delete(runId);
      await engine.stop({ graceMs: 0 });
    },
  };
}

/** Events that only guards of `always` look at have to be declared. */
function watched(machine: AnyStateMachine): Record<string, unknown> {
  const isWatched = stateNodes(machine).some(({ always = [] }) =>
    always.some(({ guard }) => guard !== undefined),
  );
  return isWatched
    ? Object.fromEntries(['E0', 'E1', 'E2', 'E3', 'G.one'].map((type) => [type, z.object({})]))
    : {};
}

function isMessage(entry: HistoryEntry): entry is MessageEntry {
  return entry.type === 'message';
}
