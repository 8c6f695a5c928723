/**
 * Plays a path on the engine: with a store, a virtual clock and a script for its actors, by one process, or by one that dies
 * at a write and another that goes on.
 *
 * I1. Each step is given as it would come: an invocation's outcome by the actor, an event by `run.send`, a timer by the clock.
 *     Nothing else moves the run.
 * I2. Before each step the run is at rest: all that is pending is being performed, and what the machine has left was told by
 *     its signal.
 * I3. No engine outlives the play, and nothing that it does after its death is seen.
 */
import { AssertionError } from 'node:assert';
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';

import type { EventObject } from 'xstate';

import type { Store } from '../../../persistence/store.ts';
import { viewState } from '../../engine/advance.ts';
import { createEngine, type Engine } from '../../engine/engine.ts';
import type { RunState } from '../../engine/run-state.ts';
import type { Answerer } from '../../gates/person.ts';
import type { AnyWorkflow } from '../../workflow.ts';
import { createVirtualClock } from '../virtual-clock.ts';
import { createBell } from './bell.ts';
import type { ExpectedPath, ExpectedStep } from './expected-steps.ts';
import { createMortalStore, type Death, type MortalStore } from './mortal-store.ts';
import { createRunRecord, type Difference } from './run-record.ts';
import { createScript, type Script } from './script.ts';
import { storedProblem } from './stored-problem.ts';

export interface PlayOptions {
  readonly workflow: AnyWorkflow;
  /** The same workflow, answered by the scripts of its runs. */
  readonly scripted: AnyWorkflow;
  /** By run. */
  readonly scripts: Map<string, Script>;
  readonly store: Store;
  readonly path: ExpectedPath;
  /** When the first process dies. Default: it lives. */
  readonly death?: Death;
  /** How long the engine may take for a step, in milliseconds of real time. */
  readonly stepMs: number;
}

export interface Played {
  /** What the first process wrote. */
  readonly writes: readonly string[];
  /** The log entries of the run. */
  readonly log: readonly string[];
  /** False if the first process came to its end before its death. */
  readonly wasKilled: boolean;
}

interface Letter {
  readonly event: EventObject;
  readonly key: string;
  readonly by?: Answerer;
}

/** As long as the engine can keep one: leases are no matter of paths. */
const leaseMs = 30 * 86_400_000;

/** Rejects with an `AssertionError` if anything comes out otherwise than the path says. */
export async function playPath(options: PlayOptions): Promise<Played> {
  const { workflow, scripted, scripts, store: below, path, death, stepMs } = options;
  const runId = `path-${randomUUID()}`;
  const clock = createVirtualClock(path.steps[0]?.message.at);
  const bell = createBell();
  let failure: Error | undefined;
  const record = createRunRecord({ workflow, path, fail });
  let unanswered: Letter | undefined;
  const script = createScript({ isPending: record.isPending, fail, changed: bell.ring });
  scripts.set(runId, script);

  function fail(problem: string, difference?: Difference): void {
    failure ??= failureOf(problem, difference);
    bell.ring();
  }

  function failureOf(problem: string, difference?: Difference): AssertionError {
    const { applied } = record;
    const step = path.steps[applied];
    const where = step ? `at step ${applied + 1} of ${path.of}, ${step.name}` : `after its last step`;
    const how = death ? `, by a process killed just ${death.when} its write ${death.at}` : '';
    return new AssertionError({
      message: `${problem}\n  ${where}${how}\n  of path: ${path.name}`,
      ...(difference ? { ...difference, operator: 'deepStrictEqual' } : {}),
    });
  }

  /** Rejects if it does not come to that in time, or the process has died. `otherwise`: what is said then. */
  async function until(holds: () => boolean, mortal: MortalStore, otherwise: string): Promise<void> {
    const inTime = await bell.until(() => failure !== undefined || mortal.isDead || holds(), stepMs);
    if (failure) throw failure;
    if (mortal.isDead) throw killed();
    if (!inTime) throw failureOf(`${otherwise} within ${stepMs} ms: ${standing(record.state)}.`);
  }

  async function finished<T>(work: Promise<T>, mortal: MortalStore, otherwise: string): Promise<T> {
    let outcome: { readonly value: T } | undefined;
    work.then(
      (value) => {
        outcome = { value };
        bell.ring();
      },
      (error: unknown) => mortal.isDead || fail((error as Error).message),
    );
    await until(() => outcome !== undefined, mortal, otherwise);
    return (outcome as unknown as { readonly value: T }).value;
  }

  async function live(engine: Engine, mortal: MortalStore): Promise<void> {
    const [first] = path.steps;
    const input = first?.move.type === 'start' ? first.move.input : undefined;
    const starting = engine.start(scripted.name, { id: runId, input });
    const run = await finished(starting, mortal, 'The run was not started');

    const send = async (letter: Letter): Promise<void> => {
      const { event, ...options } = letter;
      unanswered = letter;
      await finished(run.send(event, options), mortal, 'The event had no turn');
      unanswered = undefined;
    };
    // Who has heard nothing from the process that died sends it again.
    if (unanswered) await send(unanswered);

    const take = async ({ move, message, by }: ExpectedStep, index: number): Promise<void> => {
      const taken = (): Promise<void> =>
        until(() => record.applied > index, mortal, 'The run did not take it');
      if (move.type !== 'timer') await clock.advance(Math.max(0, message.at - clock.now()));
      if (message.type === 'event') {
        await send({ event: message.event, key: `step ${index}`, ...(by ? { by } : {}) });
      } else if (move.type === 'timer') {
        await clock.advance(Math.max(0, message.at - clock.now()));
        // An alarm that was set after the clock had passed its time goes off when the clock is moved the next time.
        const poke = setInterval(() => void clock.advance(0), 10);
        return taken().finally(() => clearInterval(poke));
      } else if ('key' in message && move.type === 'answer') script.settle(message.key, move);
      return taken();
    };

    for (;;) {
      await until(isAtRest, mortal, 'The run did not come to rest');
      const step = path.steps[record.applied];
      if (!step || record.isElsewhere) return;
      await take(step, record.applied);
    }
  }

  function isAtRest(): boolean {
    const { state } = record;
    const isPerformed = ({ key }: { readonly key: string }): boolean => script.isOpen(key);
    return state !== undefined && state.invocations.every(isPerformed) && needless().length === 0;
  }

  /** Names of actors that work on although the machine has left them. */
  function needless(): readonly string[] {
    return script.goingOn((key) => record.state?.invocations.some((pending) => pending.key === key) ?? false);
  }

  function standing(state: RunState | undefined): string {
    if (!state) return 'nothing of it was stored';
    const { snapshot, invocations } = state;
    const idle = invocations
      .filter(({ key }) => !script.isOpen(key))
      .map(({ path: actor }) => `\`${actor}\``);
    const pending = idle.length > 0 ? `, and ${idle.join(', ')} should be performed but is not` : '';
    const left = needless().map((name) => `, and \`${name}\` was not told by its signal that it is left`);
    return `it is ${snapshot.status} in ${JSON.stringify(snapshot.value)}${pending}${left.join('')}`;
  }

  /** All that was sent is taken, and the store has what was written. */
  async function assertStored(mortal: MortalStore): Promise<void> {
    const deadline = Date.now() + stepMs;
    while ((await below.inbox(runId, 0)).length > 0 && !mortal.isDead) {
      if (Date.now() > deadline) throw failureOf('There is mail that the run has not taken.');
      await pause(1);
    }
    if (mortal.isDead) throw killed();
    const stored = await storedProblem(below, runId, record);
    if (stored) throw failureOf(stored.problem, stored);
    if (record.isElsewhere && record.state && !canGoOn(workflow, record.state)) {
      throw failureOf(`It hangs: ${standing(record.state)}, and nothing is left that could come.`);
    }
  }

  const dead: string[] = [];
  let writes: readonly string[] | undefined;
  let wasKilled = false;
  try {
    for (let isFirst = true; ; isFirst = false) {
      record.beginLife();
      const mortal = createMortalStore(below, {
        death: isFirst ? death : undefined,
        dead,
        wrote(log, state) {
          record.wrote(log, state);
          bell.ring();
        },
        died: bell.ring,
      });
      const engine = createEngine({
        workflows: [scripted],
        store: mortal.store,
        clock,
        work: 'own',
        leaseMs,
        onProblem: (error) => mortal.isDead || fail(`The engine reported a problem: ${error.message}`),
      });
      try {
        await live(engine, mortal);
        await assertStored(mortal);
        writes ??= mortal.writes;
        if (failure) throw failure as Error;
        return { writes, log: record.log, wasKilled };
      } catch (error) {
        if (failure || !mortal.isDead) throw failure ?? error;
        await Promise.race([mortal.settled(), pause(stepMs, undefined, { ref: false })]);
        wasKilled = true;
        writes ??= mortal.writes;
        dead.push(...mortal.tokens);
      } finally {
        mortal.kill();
        await engine.stop({ graceMs: 0 });
        script.endLife();
      }
    }
  } finally {
    scripts.delete(runId);
  }
}

function killed(): Error {
  return new Error('This process was killed.');
}

function canGoOn(workflow: AnyWorkflow, state: RunState): boolean {
  if (state.snapshot.status !== 'active') return true;
  const { accepts } = viewState(workflow, state);
  return state.invocations.length > 0 || state.timers.length > 0 || accepts.length > 0;
}
