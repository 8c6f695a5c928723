/**
 * The one pure function that everything stands on: host a workflow's machine for exactly one message.
 *
 *     advance(workflow, state | undefined, message) -> what it led to, with the next state
 *
 * I1. No I/O, no clock, no randomness: the same workflow, state and message give an equal result, whenever and wherever.
 * I2. The state that is given is not changed. States are frozen.
 * I3. It throws only for what the caller got wrong or must stop at (`SnapshotNotRestorable`, and at the start whatever kept
 *     the machine from its first state). Later, what the machine cannot do fails the run, with the error in its state.
 */
import { type AnyActorLogic, type EventObject, getNextTransitions } from 'xstate';

import { InvalidOption, ValueNotCarriable } from '../errors.ts';
import { personQuestion, type PersonQuestion } from '../gates/person.ts';
import type { AnyWorkflow } from '../workflow.ts';
import { accepts, currentHost, type Host, restoreHost, startHost } from './host.ts';
import { type HostedLogics, hostedLogics } from './hosted-logic.ts';
import type { Advanced, Message, RunState } from './run-state.ts';

/**
 * @example
 * ```ts
 * const { state, started } = advance(supportTicket, undefined, { type: 'start', at: Date.now(), input: ticket });
 * const next = advance(supportTicket, state, { type: 'output', at: Date.now(), key: started[0].key, output: 'billing' });
 * ```
 */
export function advance(workflow: AnyWorkflow, state: RunState | undefined, message: Message): Advanced {
  const logics = logicsOf(workflow);
  if (!state) {
    if (message.type !== 'start') throw new InvalidOption(`The first message of a run is \`start\`, got \`${message.type}\`.`);
    const host = startHost(logics, workflow.name, message);
    return keep(host, host.begun as Advanced);
  }
  if (state.snapshot.status !== 'active') return unchanged(workflow, state);

  const host = takeHost(state) ?? restoreHost(logics, workflow.name, state);
  let led: Advanced | undefined;
  try {
    led = host.deliver(message);
  } catch (error) {
    if (!(error instanceof ValueNotCarriable)) throw error;
    return failed(state, error);
  }
  if (led) return keep(host, led);
  keepHost(state, host);
  return unchanged(workflow, state);
}

/** What a state shows of itself: to people, to `waitFor`, to whoever asks what it accepts. */
export interface StateView {
  readonly tags: readonly string[];
  /** Types of the events from outside that some transition takes, guards aside. May hold descriptors such as `user.*`. */
  readonly accepts: readonly string[];
  /** What people are asked in the active states. */
  readonly questions: readonly StateQuestion[];
}

export interface StateQuestion extends PersonQuestion {
  /** Id of the state that asks. */
  readonly state: string;
}

export function viewState(workflow: AnyWorkflow, state: RunState): StateView {
  if (state.snapshot.status !== 'active') return { tags: [], accepts: [], questions: [] };
  return withSnapshot(workflow, state, (snapshot) => {
    const transitions = getNextTransitions(snapshot as never);
    const types = transitions
      .map(({ eventType }) => eventType as string | null)
      .filter((type): type is string => typeof type === 'string' && type !== '' && !type.startsWith('xstate.'));
    const questions = Object.entries(snapshot.getMeta()).flatMap(([id, meta]) => {
      const question = personQuestion(meta);
      return question ? [{ ...question, state: id }] : [];
    });
    return { tags: [...snapshot.tags], accepts: [...new Set(types)], questions };
  });
}

/** Whether the state would accept the event now, its guards asked. */
export function canAccept(workflow: AnyWorkflow, state: RunState, event: EventObject): boolean {
  return state.snapshot.status === 'active' && withSnapshot(workflow, state, (snapshot) => accepts(snapshot, event));
}

/** The promise logic that performs an invocation, if the workflow still has it. */
export function performerOf(workflow: AnyWorkflow, src: string): AnyActorLogic | undefined {
  return logicsOf(workflow).performers.get(src);
}

function withSnapshot<T>(workflow: AnyWorkflow, state: RunState, body: (snapshot: ReturnType<Host['snapshot']>) => T): T {
  const host = takeHost(state) ?? restoreHost(logicsOf(workflow), workflow.name, state);
  const result = body(host.snapshot());
  keepHost(state, host);
  return result;
}

function unchanged(workflow: AnyWorkflow, state: RunState): Advanced {
  return {
    state,
    tags: viewState(workflow, state).tags,
    accepted: false,
    started: [],
    stopped: [],
    actions: [],
    emitted: [],
    verdicts: [],
  };
}

/** The machine went where no state can be stored from: the run ends there, with the last state that could be. */
function failed(state: RunState, error: Error): Advanced {
  return {
    state: {
      ...state,
      snapshot: { ...state.snapshot, status: 'error', error, children: {} },
      timers: [],
      invocations: [],
    },
    tags: [],
    accepted: true,
    started: [],
    stopped: state.invocations.map(({ key }) => key),
    actions: [],
    emitted: [],
    verdicts: [],
  };
}

const logics = new WeakMap<AnyWorkflow, HostedLogics>();

function logicsOf(workflow: AnyWorkflow): HostedLogics {
  const known = logics.get(workflow);
  if (known) return known;
  const made = hostedLogics(workflow.machine, currentHost);
  logics.set(workflow, made);
  return made;
}

/**
 * A host that has just delivered a message stands exactly where its new state says, so the next message to that state
 * need not restore it. A host is handed on, never shared: whoever takes it away leaves the state to be restored anew.
 * Only the most recent states keep theirs, so that a search over thousands of states does not keep thousands of hosts.
 */
const hosts = new WeakMap<RunState, Host>();
const recent: Array<WeakRef<RunState> | undefined> = Array.from({ length: 1024 });
let next = 0;

function keep(host: Host, led: Advanced): Advanced {
  if (led.state.snapshot.status === 'active') keepHost(led.state, host);
  return led;
}

function keepHost(state: RunState, host: Host): void {
  const oldest = recent[next]?.deref();
  if (oldest) hosts.delete(oldest);
  recent[next] = new WeakRef(state);
  next = (next + 1) % recent.length;
  hosts.set(state, host);
}

function takeHost(state: RunState): Host | undefined {
  const host = hosts.get(state);
  if (host) hosts.delete(state);
  return host;
}
