/**
 * A workflow's machine as JSON that `createMachine` takes and the Stately editor imports: its config, with a name in place of
 * each function.
 *
 * Guards, actions, actors and delays become references by name, which `machine.provide` and `setup` can fill. What XState has no
 * name for is left out: functions that make context, input, output and parameters.
 */
import type { AnyStateMachine } from 'xstate';

import { inlineSource, type StateNode } from '../../actor-sources.ts';
import { invokeName } from '../../graph/invocation-name.ts';
import { guardName, transitionId } from '../../graph/transitions.ts';
import type { AnyWorkflow } from '../../workflow.ts';
import { actionName } from './action-name.ts';
import { createDiagram, stateKey } from './create-diagram.ts';
import { type DrawOptions, type Marks, marksOf } from './overlay.ts';

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = Readonly<Record<string, Json>>;

type Config = Readonly<Record<string, unknown>>;

/**
 * The config of the workflow's own machine; those that it invokes are references by their `src`. With an overlay, states and
 * transitions carry theirs in `meta.signalbox`: `{ "mark": "taken", "count": "×3" }`.
 *
 * @example
 * ```ts
 * const machine = createMachine(toMachineConfig(refund));
 * ```
 */
export function toMachineConfig(workflow: AnyWorkflow, { overlay }: DrawOptions = {}): JsonObject {
  const { machine: given, version } = workflow;
  const machine = given as AnyStateMachine;
  const marks = overlay && marksOf(createDiagram(workflow), overlay);
  const config = stateConfig(machine.config as Config, machine.root, marks);
  return { id: machine.id, version, ...config };
}

function stateConfig(config: Config, node: StateNode, marks: Marks | undefined): JsonObject {
  const source = node.path.join('.');
  const transitions = (on: string, given: unknown): Json => {
    const list = listOf(given).map((one, index) =>
      transitionConfig(one, marks, transitionId({ machine: '', source, on, index })),
    );
    const [only] = list;
    return list.length === 1 && only !== undefined ? only : list;
  };
  const each = (given: unknown, naming: (key: string) => string): JsonObject =>
    Object.fromEntries(
      Object.entries(given as Config).map(([key, value]) => [key, transitions(naming(key), value)]),
    );
  const { id, type, initial, history, description, tags, context, output, entry, exit } = config;
  const { on, after, always, onDone, target, states } = config;
  const invokes = listOf(config['invoke']).map((one, index) =>
    invokeConfig(one as Config, index, node, transitions),
  );
  const mark = marks?.ofState(stateKey(node, ''));
  const meta = { ...plainObject(config['meta']), ...(mark ? { signalbox: { mark } } : {}) };
  return {
    ...present({ id, type, history, description, tags, context, output }),
    ...(initial === undefined ? {} : { initial: initialConfig(initial) }),
    ...(target === undefined ? {} : { target: plain(target) ?? null }),
    ...(Object.keys(meta).length > 0 ? { meta } : {}),
    ...(entry === undefined ? {} : { entry: actionsConfig(entry) }),
    ...(exit === undefined ? {} : { exit: actionsConfig(exit) }),
    ...(invokes.length > 0 ? { invoke: invokes } : {}),
    ...(on === undefined ? {} : { on: each(on, (key) => key) }),
    ...(after === undefined ? {} : { after: each(after, (key) => `after ${key}`) }),
    ...(always === undefined ? {} : { always: transitions('always', always) }),
    ...(onDone === undefined ? {} : { onDone: transitions('done', onDone) }),
    ...(states === undefined
      ? {}
      : {
          states: Object.fromEntries(
            Object.entries(states as Readonly<Record<string, Config>>).flatMap(([key, child]) => {
              const inner = node.states[key];
              return inner ? [[key, stateConfig(child, inner, marks)]] : [];
            }),
          ),
        }),
  };
}

function transitionConfig(given: unknown, marks: Marks | undefined, id: string): Json {
  const transition: Config =
    typeof given === 'object' && given !== null ? (given as Config) : { target: given };
  const { target, guard, actions, reenter, description } = transition;
  const mark = marks?.ofTransition(id);
  const count = marks?.countOf(id) ?? '';
  const seen = mark ? { signalbox: { mark, ...(count === '' ? {} : { count }) } } : {};
  const meta = { ...plainObject(transition['meta']), ...seen };
  return {
    ...present({ target, reenter, description }),
    ...(guard === undefined ? {} : { guard: guardConfig(guard) }),
    ...(actions === undefined ? {} : { actions: actionsConfig(actions) }),
    ...(Object.keys(meta).length > 0 ? { meta } : {}),
  };
}

function invokeConfig(
  { id, src, input, systemId, onDone, onError, onSnapshot }: Config,
  index: number,
  node: StateNode,
  transitions: (on: string, given: unknown) => Json,
): JsonObject {
  const actor = invokeName(node, index);
  return {
    ...present({ id, systemId, input }),
    src: typeof src === 'string' ? src : inlineSource(node.id, index),
    ...(onDone === undefined ? {} : { onDone: transitions(`${actor}.done`, onDone) }),
    ...(onError === undefined ? {} : { onError: transitions(`${actor}.error`, onError) }),
    ...(onSnapshot === undefined ? {} : { onSnapshot: transitions(`${actor}.snapshot`, onSnapshot) }),
  };
}

function initialConfig(initial: unknown): Json {
  if (typeof initial !== 'object' || initial === null) return plain(initial) ?? null;
  const { target, actions } = initial as Config;
  return { ...present({ target }), ...(actions === undefined ? {} : { actions: actionsConfig(actions) }) };
}

function guardConfig(guard: unknown): Json {
  if (typeof guard === 'object' && guard !== null) {
    const { type, params } = guard as Config;
    return { ...present({ type, params }) };
  }
  return guardName(guard) ?? '';
}

function actionsConfig(given: unknown): readonly Json[] {
  return listOf(given).map((action) => {
    if (typeof action !== 'object' || action === null) return { type: actionName(action) };
    const { type, params } = action as Config;
    return { ...present({ type, params }) };
  });
}

// --- plain values ----------------------------------------------------------------------------------------------------

function listOf(given: unknown): readonly unknown[] {
  return given === undefined ? [] : Array.isArray(given) ? given : [given];
}

/** Those that JSON can hold. */
function present(given: Config): JsonObject {
  return Object.fromEntries(
    Object.entries(given).flatMap(([key, value]) => {
      const json = plain(value);
      return json === undefined ? [] : [[key, json]];
    }),
  );
}

function plainObject(given: unknown): JsonObject {
  const json = plain(given);
  return typeof json === 'object' && json !== null && !Array.isArray(json) ? (json as JsonObject) : {};
}

/** The value without what JSON cannot hold: functions, instances of classes, what holds itself. */
function plain(value: unknown, within: readonly object[] = []): Json | undefined {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value !== 'object' || within.includes(value)) return undefined;
  const inner = [...within, value];
  if (Array.isArray(value)) return value.flatMap((item) => plain(item, inner) ?? []);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return undefined;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, item]) => {
      const json = plain(item, inner);
      return json === undefined ? [] : [[key, json]];
    }),
  );
}
