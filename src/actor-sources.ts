/**
 * What actor logics a machine names, and which kinds of logic can run durably.
 *
 * XState marks its logics with nothing that tells them apart, so a kind is known by how the logic answers.
 */
import { type AnyActorLogic, type AnyStateMachine, StateMachine } from 'xstate';

/**
 * `promise`: an invocation, performed outside. `machine` and `transition`: hosted, because they are pure.
 * `callback` and `observable` push events from outside at any time, which cannot be recorded or replayed.
 */
export type SourceKind = 'promise' | 'machine' | 'transition' | 'callback' | 'observable' | 'unknown';

export interface ActorSource {
  /** The name that the machine knows it by; for inline logic, one made from its place in the machine. */
  readonly src: string;
  readonly logic: AnyActorLogic | undefined;
  /** Where it is named: a state's id, or `setup({ actors })`. */
  readonly place: string;
}

export interface StateNodeConfigLike {
  readonly invoke?: unknown;
  readonly states?: Readonly<Record<string, StateNodeConfigLike>>;
}

export interface InvokeConfigLike {
  readonly src: string | AnyActorLogic;
}

export function isStateMachine(logic: unknown): logic is AnyStateMachine {
  return logic instanceof StateMachine;
}

export function sourceKind(logic: AnyActorLogic): SourceKind {
  if (isStateMachine(logic)) return 'machine';
  if (typeof logic?.transition !== 'function' || typeof logic.getInitialSnapshot !== 'function')
    return 'unknown';
  if (typeof logic.start !== 'function') return 'transition';
  if (isPromiseLogic(logic)) return 'promise';
  return typeof logic.config === 'function'
    ? hasSubscription(logic)
      ? 'observable'
      : 'callback'
    : 'unknown';
}

/** Every actor logic that the machine names, inline ones included; those of nested machines are theirs to tell. */
export function actorSources(machine: AnyStateMachine): ActorSource[] {
  const named = Object.entries(machine.implementations.actors as Record<string, AnyActorLogic>).map(
    ([src, logic]) => ({ src, logic, place: 'setup({ actors })' }),
  );
  const known = new Map(named.map(({ src, logic }) => [src, logic]));
  const invoked = stateNodes(machine).flatMap(({ id, config }) =>
    invokesOf(config as StateNodeConfigLike).map(({ src }, index) =>
      typeof src === 'string'
        ? { src, logic: known.get(src), place: id }
        : { src: inlineSource(id, index), logic: src, place: id },
    ),
  );
  return [...named, ...invoked];
}

export function invokesOf(config: StateNodeConfigLike): readonly InvokeConfigLike[] {
  const { invoke } = config;
  return (
    invoke === undefined ? [] : Array.isArray(invoke) ? invoke : [invoke]
  ) as readonly InvokeConfigLike[];
}

/** A name for logic that stands inline in `invoke`, stable as long as the state keeps its id and the invoke its place. */
export function inlineSource(stateNodeId: string, index: number): string {
  return `inline:${stateNodeId}:${index}`;
}

export function isInlineSource(src: unknown): boolean {
  return typeof src === 'string' && src.startsWith('inline:');
}

export type StateNode = AnyStateMachine['root'];

/** The root and every state below it. */
export function stateNodes(machine: AnyStateMachine): StateNode[] {
  const within = (node: StateNode): StateNode[] => [node, ...Object.values(node.states).flatMap(within)];
  return within(machine.root);
}

/** `fromPromise` logic, and only that, is done with the data of `xstate.promise.resolve`. */
function isPromiseLogic(logic: AnyActorLogic): boolean {
  const data = {};
  try {
    const next = logic.transition(
      { status: 'active' },
      { type: 'xstate.promise.resolve', data },
      {} as never,
    ) as {
      status?: string;
      output?: unknown;
    };
    return next.status === 'done' && next.output === data;
  } catch {
    return false;
  }
}

function hasSubscription(logic: AnyActorLogic): boolean {
  try {
    return '_subscription' in (logic.getInitialSnapshot({} as never, undefined) as object);
  } catch {
    return false;
  }
}
