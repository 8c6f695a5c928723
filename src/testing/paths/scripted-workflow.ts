/**
 * A workflow whose invocations are answered by a script: the same machine, with every actor's code replaced, and all that
 * the actor declares kept.
 *
 * I1. States, transitions, verdicts and invocations, with their keys, are those of the workflow that it was made of.
 * I2. No code of an actor, of a custom action or of `log` runs, but for what makes idempotency keys.
 *
 * Input and events come from paths, parsed already; so their schemas are left out, which need not take what they gave.
 */
import { type AnyActorLogic, type AnyStateMachine, createMachine } from 'xstate';

import {
  inlineSource,
  type InvokeConfigLike,
  invokesOf,
  isStateMachine,
  sourceKind,
  type StateNode,
  type StateNodeConfigLike,
} from '../../actor-sources.ts';
import { durableLogic } from '../../actors/durable-logic.ts';
import { type DurableActor, durableActor, type InvocationScope } from '../../invocation.ts';
import { keepShape } from '../../engine/machine-shape.ts';
import type { AnyWorkflow } from '../../workflow.ts';

/** Answers an invocation in the place of its actor. */
export type Answering = (actor: DurableActor, input: unknown, scope: InvocationScope) => Promise<unknown>;

export function scriptedWorkflow(workflow: AnyWorkflow, answer: Answering): AnyWorkflow {
  const { input: _, ...definition } = workflow;
  const machine = scriptedMachine(workflow.machine as AnyStateMachine, answer, new Map());
  keepShape(machine, workflow.machine as AnyStateMachine);
  return { ...definition, machine, events: {} };
}

type Config = Readonly<Record<string, unknown>>;
type Fn = (...args: readonly unknown[]) => unknown;

function scriptedMachine(
  machine: AnyStateMachine,
  answer: Answering,
  made: Map<AnyStateMachine, AnyStateMachine>,
): AnyStateMachine {
  const known = made.get(machine);
  if (known) return known;
  const inline: Record<string, AnyActorLogic> = {};
  const config = scriptedNode(machine.config as Config, machine.root, inline);
  const { actors: given, ...others } = machine.implementations;
  // Filled once the machine is there, which may invoke itself.
  const actors: Record<string, AnyActorLogic> = {};
  const actions = mapped(others.actions as Config, silent);
  const rebuilt = createMachine(
    config as never,
    { ...others, actors, actions } as never,
  ) as unknown as AnyStateMachine;
  made.set(machine, rebuilt);
  for (const [src, logic] of Object.entries({ ...(given as Record<string, AnyActorLogic>), ...inline })) {
    actors[src] = scriptedLogic(src, logic, answer, made);
  }
  return rebuilt;
}

function scriptedLogic(
  src: string,
  logic: AnyActorLogic,
  answer: Answering,
  made: Map<AnyStateMachine, AnyStateMachine>,
): AnyActorLogic {
  if (isStateMachine(logic)) return scriptedMachine(logic, answer, made);
  if (sourceKind(logic) !== 'promise') return logic;
  const { stopped, ...declared } = durableActor(logic) ?? undeclared(src);
  const actor: DurableActor = {
    ...declared,
    perform: (input, scope) => answer(declared, input, scope),
    // The engine sees to it at every stop, so it is kept as declared.
    ...(stopped ? { stopped: async () => {} } : {}),
  };
  return durableLogic(actor);
}

/** What the engine takes for granted of a plain `fromPromise`. */
function undeclared(src: string): DurableActor {
  return { kind: 'promise', name: src, irreversible: false, idempotent: false, perform: async () => {} };
}

// --- the config ------------------------------------------------------------------------------------------------------

/** `inline`: where the logic of inline invokes is put, under the name that the engine gives it too. */
function scriptedNode(config: Config, node: StateNode, inline: Record<string, AnyActorLogic>): Config {
  const { states, initial, invoke, on, after, always, onDone, entry, exit } = config;
  const transitionsBy = (given: unknown): Config => mapped(given as Config, silentTransitions);
  return {
    ...config,
    ...(on ? { on: transitionsBy(on) } : {}),
    ...(after ? { after: transitionsBy(after) } : {}),
    ...(always ? { always: silentTransitions(always) } : {}),
    ...(onDone ? { onDone: silentTransitions(onDone) } : {}),
    ...(entry ? { entry: silentAll(entry) } : {}),
    ...(exit ? { exit: silentAll(exit) } : {}),
    ...(invoke ? { invoke: scriptedInvokes(config, node, inline) } : {}),
    ...(typeof initial === 'object' ? { initial: silentTransitions(initial) } : {}),
    ...(states
      ? {
          states: mapped(states as Config, (state, key) =>
            scriptedNode(state as Config, node.states[key] as StateNode, inline),
          ),
        }
      : {}),
  };
}

function scriptedInvokes(
  config: Config,
  node: StateNode,
  inline: Record<string, AnyActorLogic>,
): readonly Config[] {
  return invokesOf(config as StateNodeConfigLike).map((definition, index) => {
    const { src, ...rest } = definition as InvokeConfigLike & Config;
    const name = typeof src === 'string' ? src : inlineSource(node.id, index);
    if (typeof src !== 'string') inline[name] = src;
    const reactions = Object.entries(rest).map(([key, value]) => [
      key,
      key === 'onDone' || key === 'onError' || key === 'onSnapshot' ? silentTransitions(value) : value,
    ]);
    return { ...(Object.fromEntries(reactions) as Config), src: name };
  });
}

function silentTransitions(given: unknown): unknown {
  if (Array.isArray(given)) return given.map(silentTransitions);
  if (typeof given !== 'object' || given === null || !('actions' in given)) return given;
  return { ...given, actions: silentAll(given.actions) };
}

// --- actions ---------------------------------------------------------------------------------------------------------

function silentAll(actions: unknown): unknown {
  return Array.isArray(actions) ? actions.map(silent) : silent(actions);
}

/** The action with its type, and without its effect. What only changes the machine, such as `assign`, stays as it is. */
function silent(action: unknown): unknown {
  if (typeof action !== 'function') return action;
  const { type } = action as unknown as { readonly type?: string };
  switch (type) {
    case undefined:
      return copyOf(action as Fn, {});
    case 'xstate.log':
      return copyOf(action as Fn, { execute: () => {} });
    case 'xstate.enqueueActions': {
      const { collect } = action as unknown as { readonly collect: Fn };
      return copyOf(action as Fn, { collect: silentCollect(collect) });
    }
    default:
      return action;
  }
}

function silentCollect(collect: Fn): Fn {
  return (args, params) => {
    const { enqueue, ...rest } = args as { readonly enqueue: Fn };
    // `enqueue.assign`, `enqueue.raise` and the like.
    const queue = Object.assign(
      (action: unknown) => enqueue(silent(action)),
      Object.fromEntries(Object.entries(enqueue)),
    );
    return collect({ ...rest, enqueue: queue }, params);
  };
}

/** XState's own actions are functions with their settings on them; of custom ones it takes the name. */
function copyOf(original: Fn, changed: Config): Fn {
  const copy: Fn = () => {};
  Object.defineProperty(copy, 'name', { value: original.name });
  return Object.assign(copy, original, changed);
}

function mapped(given: Config, change: (value: unknown, key: string) => unknown): Config {
  return Object.fromEntries(Object.entries(given ?? {}).map(([key, value]) => [key, change(value, key)]));
}
