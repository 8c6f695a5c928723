/**
 * What the actors of one run do while a path is played: they wait for the path to say how each invocation ends. Every
 * performance is on the list, those of processes that have died since included.
 *
 * I1. Only what the machine waits for may be performed, and once in each process.
 * I2. An irreversible actor without an idempotency key is performed once for each invocation, whatever dies; each
 *     performance counts as an effect, whether or not it came to its end.
 * I3. What is performed again has the same input and gives the same idempotency key: whoever is asked again then knows it.
 * I4. What succeeded under an idempotency key is not asked for under that key with another input: whoever honours the key does
 *     not do the second. Two invocations with the same key and the same input are one effect.
 */
import { isDeepStrictEqual } from 'node:util';

import type { ZodType } from 'zod';

import { describeIssues, type Issue } from '../../errors.ts';
import type { DurableActor, InvocationScope } from '../../invocation.ts';
import { describeError } from '../../plain-error.ts';

export interface ScriptPorts {
  /** Whether the stored state waits for this invocation. */
  isPending(key: string): boolean;
  /** Something was performed that should not have been. */
  fail(problem: string): void;
  /** Something was begun, or aborted. */
  changed(): void;
}

export interface Script {
  /** In the place of the actor. */
  answer(actor: DurableActor, input: unknown, scope: InvocationScope): Promise<unknown>;
  /** Whether the invocation is being performed now. */
  isOpen(key: string): boolean;
  /** Names of the actors that are being performed and have not been aborted, but for invocations that are awaited. */
  goingOn(isAwaited: (key: string) => boolean): readonly string[];
  /** End a performance that is under way. */
  settle(key: string, outcome: Outcome): void;
  /** The process that performs has died, or is at its end. */
  endLife(): void;
}

export type Outcome = { readonly output: unknown } | { readonly error: unknown };

interface Performance {
  readonly actor: DurableActor;
  readonly input: unknown;
  readonly signal: AbortSignal;
  settle(outcome: Outcome): void;
}

export function createScript({ isPending, fail, changed }: ScriptPorts): Script {
  /** In this process. */
  const open = new Map<string, Performance>();
  const begunInThisLife = new Set<string>();
  /** What each invocation was first performed with, by whatever process. */
  const inputs = new Map<string, unknown>();
  /** The idempotency key that each gave. */
  const keys = new Map<string, string>();
  /** What has succeeded, by actor and idempotency key. */
  const effects = new Map<string, { readonly key: string; readonly input: unknown }>();

  function problemOf(
    key: string,
    { name, irreversible, idempotent }: DurableActor,
    input: unknown,
  ): string | undefined {
    if (!isPending(key))
      return `\`${name}\` was performed for \`${key}\`, which the machine does not wait for.`;
    if (begunInThisLife.has(key)) return `\`${name}\` was performed twice for \`${key}\` by one process.`;
    if (!inputs.has(key)) return undefined;
    if (irreversible && !idempotent) {
      return `\`${name}\` had a second effect for \`${key}\`: it is irreversible and has no idempotency key, and was performed again.`;
    }
    if (!isDeepStrictEqual(input, inputs.get(key))) {
      return `\`${name}\` was performed again for \`${key}\` with another input, so it may have had a second effect.`;
    }
    return undefined;
  }

  /** Whoever is asked knows what is the same by the idempotency key alone. */
  function effectProblem(
    key: string,
    { name }: DurableActor,
    input: unknown,
    idempotencyKey: string | undefined,
  ): string | undefined {
    if (idempotencyKey === undefined) return undefined;
    const before = keys.get(key);
    if (before !== undefined && before !== idempotencyKey) {
      return `\`${name}\` had a second effect for \`${key}\`: it was performed again with the idempotency key \`${idempotencyKey}\`, and before with \`${before}\`. Make the key of the input and the invocation's own key alone.`;
    }
    const done = effects.get(effectName(name, idempotencyKey));
    if (!done || isDeepStrictEqual(done.input, input)) return undefined;
    return `\`${name}\` was asked for another effect under the idempotency key \`${idempotencyKey}\`: for \`${done.key}\` it was done, and for \`${key}\` it has another input, so it will not be. Make the key of all that makes it another effect.`;
  }

  function noteEffect(key: string, { actor, input }: Performance): void {
    const idempotencyKey = keys.get(key);
    if (idempotencyKey === undefined) return;
    const name = effectName(actor.name, idempotencyKey);
    if (!effects.has(name)) effects.set(name, { key, input });
  }

  return {
    answer(actor, input, { key: scopeKey, runId, signal }) {
      const key = scopeKey.slice(runId.length + 1);
      let idempotencyKey: string | undefined;
      try {
        idempotencyKey = idempotencyKeyOf(actor, input, { key: scopeKey, runId });
      } catch (error) {
        fail(
          `\`idempotencyKey\` of \`${actor.name}\` throws for \`${key}\`: ${describeError(error).message}`,
        );
      }
      const problem = problemOf(key, actor, input) ?? effectProblem(key, actor, input, idempotencyKey);
      if (problem) fail(problem);
      begunInThisLife.add(key);
      if (!inputs.has(key)) inputs.set(key, input);
      if (idempotencyKey !== undefined && !keys.has(key)) keys.set(key, idempotencyKey);
      signal.addEventListener('abort', changed, { once: true });
      return new Promise((resolve, reject) => {
        open.set(key, {
          actor,
          input,
          signal,
          settle: (outcome) =>
            'error' in outcome ? reject(outcome.error as Error) : resolve(outcome.output),
        });
        changed();
      });
    },
    isOpen: (key) => open.has(key),
    goingOn: (isAwaited) =>
      [...open].flatMap(([key, { actor, signal }]) => (isAwaited(key) || signal.aborted ? [] : [actor.name])),
    settle(key, outcome) {
      const performance = open.get(key);
      open.delete(key);
      const refusal = performance && 'output' in outcome ? refusedInput(performance) : undefined;
      if (refusal) return fail(refusal);
      if (performance && 'output' in outcome) noteEffect(key, performance);
      performance?.settle(outcome);
    },
    endLife() {
      open.clear();
      begunInThisLife.clear();
    },
  };
}

function effectName(actor: string, idempotencyKey: string): string {
  return JSON.stringify([actor, idempotencyKey]);
}

/** Undefined if it has none, or none for an input that it would not have taken. */
function idempotencyKeyOf(
  actor: DurableActor,
  input: unknown,
  invocation: { readonly key: string; readonly runId: string },
): string | undefined {
  if (!actor.idempotencyKey || !takes(actor, input)) return undefined;
  return actor.idempotencyKey(input, invocation);
}

function takes({ input: schema }: DurableActor, input: unknown): boolean {
  try {
    return schema?.safeParse(input).success ?? true;
  } catch {
    // A schema that has to wait cannot tell here.
    return true;
  }
}

/** What the actor would not have taken, it could not have answered either. */
function refusedInput({ actor, input }: Performance): string | undefined {
  const parsed = (actor.input as ZodType | undefined)?.safeParse(input);
  if (!parsed || parsed.success) return undefined;
  const issues = parsed.error.issues as readonly Issue[];
  return `The machine gave \`${actor.name}\` an input that its schema refuses, so it could not have answered: ${describeIssues(issues)}`;
}
