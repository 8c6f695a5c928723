/**
 * The one pure function that everything stands on: host a workflow's machine for exactly one message.
 *
 *     advance(workflow, state | undefined, message) -> what it led to, with the next state
 *
 * I1. No I/O, no clock, no randomness: the same workflow, state and message give an equal result, whenever and wherever.
 * I2. The state that is given is not changed. States are frozen.
 * I3. It throws only for what the caller got wrong (`InvalidOption`) or must stop at (`SnapshotNotRestorable`). What the
 *     machine cannot do fails the run, with the error in its state; at the start, there may be nothing else in it.
 */
import {
  type AnyActorLogic,
  type AnyStateMachine,
  type EventObject,
  getNextTransitions,
  type MachineContext,
} from 'xstate';

import type { StateNode } from '../actor-sources.ts';
import {
  ActorValueInvalid,
  describeIssues,
  InvalidOption,
  type Issue,
  ValueNotCarriable,
} from '../errors.ts';
import { isFromOutside, matchesDescriptor } from '../event-descriptor.ts';
import { dueEvents, eventsOf, remindEvents } from '../gates/people-fit.ts';
import { askedQuestion, personQuestion, type StateQuestion } from '../gates/person.ts';
import type { Verdict } from '../gates/verdict.ts';
import type { AnyWorkflow } from '../workflow.ts';
import { carriedError } from './carried-error.ts';
import { accepts, createHost, currentHost, type Host, type RootSnapshot } from './host.ts';
import { type HostedLogics, hostedLogics } from './hosted-logic.ts';
import type { Advanced, Message, RunState } from './run-state.ts';

/**
 * @example
 * ```ts
 * const { state, started } = advance(supportTicket, undefined, { type: 'start', at: Date.now(), input: ticket });
 * const next = advance(supportTicket, state, { type: 'output', at: Date.now(), key: started[0].key, output: 'billing' });
 * ```
 */
export function advance(
  workflow: AnyWorkflow,
  state: RunState | undefined,
  message: Message,
  hosts: HostCache = noCache,
): Advanced {
  if (message.type === 'start' && state)
    throw new InvalidOption('A run is started once; it was sent another `start`.');
  if (message.type !== 'start' && !state) {
    throw new InvalidOption(`The first message of a run is \`start\`, got \`${message.type}\`.`);
  }
  if (state && message.type === 'retry') return retried(workflow, state, hosts);
  if (state && state.snapshot.status !== 'active') return unchanged(state, []);
  if (state && message.type === 'fail') return failed(state, carriedError(message.error));

  const host = state ? hostOf(workflow, state, hosts) : createHost(logicsOf(workflow), workflow.name);
  if (host.deliver(message)) {
    return resumable(state, outputChecked(workflow, conclude(host, state ?? unstarted, hosts)));
  }
  if (state) hosts.put(state, host);
  return unchanged(state ?? unstarted, [...host.snapshot().tags]);
}

/** A run that this message made fail keeps what it can go on from. */
function resumable(before: RunState | undefined, led: Advanced): Advanced {
  if (!before || led.state.snapshot.status !== 'error') return led;
  return { ...led, state: Object.freeze({ ...led.state, failedFrom: before }) };
}

function retried(workflow: AnyWorkflow, state: RunState, hosts: HostCache): Advanced {
  const from = state.failedFrom;
  if (!from || state.snapshot.status !== 'error')
    return unchanged(state, viewState(workflow, state, hosts).tags);
  const started = from.invocations.map((invocation) => {
    const { notBefore, ...due } = invocation;
    return notBefore === undefined ? invocation : Object.freeze(due);
  });
  const again = Object.freeze({ ...from, invocations: Object.freeze(started) });
  return { ...unchanged(again, viewState(workflow, again, hosts).tags), accepted: true, started };
}

/** A run whose output the workflow's schema refuses has failed, whatever its machine says. */
function outputChecked(workflow: AnyWorkflow, led: Advanced): Advanced {
  const { output, ...snapshot } = led.state.snapshot;
  if (!workflow.output || snapshot.status !== 'done') return led;
  const parsed = workflow.output.safeParse(output);
  if (parsed.success) return led;
  const issues = parsed.error.issues as readonly Issue[];
  const error = new ActorValueInvalid(
    `The output of \`${workflow.ref}\` is not valid: ${describeIssues(issues)}`,
    {
      details: { issues, output },
    },
  );
  const failing = Object.freeze({ ...snapshot, status: 'error' as const, error });
  return { ...led, state: Object.freeze({ ...led.state, snapshot: failing }) };
}

/** What a state shows of itself: to people, to `waitFor`, to whoever asks what it accepts. */
export interface StateView {
  readonly tags: readonly string[];
  /** Types of the events from outside that some transition takes, guards aside. May hold descriptors such as `user.*`. */
  readonly accepts: readonly string[];
  /** What people are asked in the active states. */
  readonly questions: readonly StateQuestion[];
}

export function viewState(workflow: AnyWorkflow, state: RunState, hosts: HostCache = noCache): StateView {
  if (state.snapshot.status !== 'active') return { tags: [], accepts: [], questions: [] };
  return withSnapshot(workflow, state, hosts, (snapshot) => {
    const questions = Object.entries(snapshot.getMeta()).flatMap(([id, meta]) => {
      const question = personQuestion(meta);
      if (!question) return [];
      const node = (workflow.machine as AnyStateMachine).getStateNodeById(id);
      const { due, remind } = question;
      return [
        askedQuestion(question, {
          state: id,
          context: state.snapshot.context as MachineContext,
          events: eventsOf(node),
          dueAt: due === undefined ? undefined : deadlineOf(state, dueEvents(node, due)),
          remindAt: remind === undefined ? undefined : deadlineOf(state, remindEvents(node, remind)),
        }),
      ];
    });
    return { tags: [...snapshot.tags], accepts: acceptedTypes(snapshot), questions };
  });
}

/** When the root machine's timer with one of these events fires. */
function deadlineOf({ timers }: RunState, types: readonly string[]): number | undefined {
  return timers.find(({ source, event }) => source === '' && types.includes(event.type))?.deadline;
}

/** In the order in which XState looks at them: a child state that forbids an event forbids it to those above. */
function acceptedTypes(snapshot: RootSnapshot): string[] {
  const transitions = getNextTransitions(snapshot as never) as readonly CandidateTransition[];
  const leadsOn = ({ target, actions }: CandidateTransition): boolean =>
    target !== undefined || actions.length > 0;
  const forbidding = transitions.filter(
    (transition) => !leadsOn(transition) && transition.guard === undefined,
  );
  const isForbidden = ({ eventType, source }: CandidateTransition): boolean =>
    forbidding.some((other) => other.eventType === eventType && isWithin(other.source, source));
  const types = transitions
    .filter((transition) => leadsOn(transition) && !isForbidden(transition))
    .flatMap(({ eventType }) => (eventType && isFromOutside(eventType) ? [eventType] : []));
  return [...new Set(types)];
}

interface CandidateTransition {
  /** Empty for `always`. */
  readonly eventType: string;
  readonly target: unknown;
  readonly actions: readonly unknown[];
  readonly guard: unknown;
  readonly source: StateNode;
}

function isWithin(node: StateNode, ancestor: StateNode): boolean {
  return node !== ancestor && ancestor.path.every((key, depth) => node.path[depth] === key);
}

/** Whether the state would accept the event now, its guards asked. */
export function canAccept(
  workflow: AnyWorkflow,
  state: RunState,
  event: EventObject,
  hosts: HostCache = noCache,
): boolean {
  return (
    state.snapshot.status === 'active' &&
    withSnapshot(workflow, state, hosts, (snapshot) => accepts(snapshot, event))
  );
}

/** Ids of the states whose transitions the event would take now, one for each transition. None if a guard throws. */
export function takersOf(
  workflow: AnyWorkflow,
  state: RunState,
  event: EventObject,
  hosts: HostCache = noCache,
): readonly string[] {
  if (state.snapshot.status !== 'active') return [];
  return withSnapshot(workflow, state, hosts, (snapshot) => {
    const { machine } = snapshot as unknown as { readonly machine: AnyStateMachine };
    try {
      return machine.getTransitionData(snapshot as never, event).map(({ source }) => source.id);
    } catch {
      // Delivered, it fails the run with the guard's own error.
      return [];
    }
  });
}

/** Why the state does not take the event now, as a sentence: what it accepts, or what the gates say that refuse it. */
export function explainRefusal(
  workflow: AnyWorkflow,
  state: RunState,
  event: EventObject,
  hosts: HostCache = noCache,
): string {
  const { accepts: types } = viewState(workflow, state, hosts);
  if (!types.some((descriptor) => matchesDescriptor(event.type, descriptor))) {
    return `It accepts: ${types.join(', ') || 'nothing'}.`;
  }
  const verdicts: Verdict[] = [];
  withSnapshot(workflow, state, hosts, (snapshot) => accepts(snapshot, event, verdicts));
  const refusals = verdicts.filter(({ passed }) => !passed);
  if (refusals.length === 0) return 'A guard refuses it as it is.';
  const said = refusals.map(({ gate, reasons }) => [`\`${gate}\``, ...reasons].join(': '));
  return `A gate refuses it as it is: ${said.join('; ')}`;
}

/** The promise logic that performs an invocation, if the workflow still has it. */
export function performerOf(workflow: AnyWorkflow, src: string): AnyActorLogic | undefined {
  return logicsOf(workflow).performers.get(src);
}

function withSnapshot<T>(
  workflow: AnyWorkflow,
  state: RunState,
  hosts: HostCache,
  body: (snapshot: ReturnType<Host['snapshot']>) => T,
): T {
  const host = hostOf(workflow, state, hosts);
  const result = body(host.snapshot());
  hosts.put(state, host);
  return result;
}

function unchanged(state: RunState, tags: readonly string[]): Advanced {
  return { state, tags, accepted: false, started: [], stopped: [], actions: [], emitted: [], verdicts: [] };
}

function hostOf(workflow: AnyWorkflow, state: RunState, hosts: HostCache): Host {
  const host = hosts.take(state);
  const logics = logicsOf(workflow);
  return host?.logics === logics ? host : createHost(logics, workflow.name, state);
}

const unstarted: RunState = {
  snapshot: { status: 'active' },
  timers: [],
  invocations: [],
  entries: {},
  ids: 0,
};

function conclude(host: Host, before: RunState, hosts: HostCache): Advanced {
  try {
    const led = host.conclude();
    if (led.state.snapshot.status === 'active' && host.isAsStored) hosts.put(led.state, host);
    return led;
  } catch (error) {
    if (!(error instanceof ValueNotCarriable)) throw error;
    // It went where no state can be stored from.
    return { ...failed(before, error), verdicts: host.verdicts };
  }
}

/** The run ends where it is, with nothing under way. */
function failed(before: RunState, error: unknown): Advanced {
  const snapshot = Object.freeze({ ...before.snapshot, status: 'error' as const, error, children: {} });
  const from = before === unstarted ? {} : { failedFrom: before };
  return {
    ...unchanged(Object.freeze({ ...before, snapshot, timers: [], invocations: [], ...from }), []),
    accepted: true,
    stopped: before.invocations.map(({ key }) => key),
  };
}

const logicsByWorkflow = new WeakMap<AnyWorkflow, HostedLogics>();

function logicsOf(workflow: AnyWorkflow): HostedLogics {
  const known = logicsByWorkflow.get(workflow);
  if (known) return known;
  const made = hostedLogics(workflow, currentHost);
  logicsByWorkflow.set(workflow, made);
  return made;
}

/**
 * Keeps the host that has just delivered a message for the next one: it stands exactly where its new state says, so it
 * need not be restored. For a caller that takes a run from message to message; it changes the speed and nothing else.
 */
export interface HostCache {
  /** The host that stands at this very state, which is the caller's from now on. */
  take(state: RunState): Host | undefined;
  put(state: RunState, host: Host): void;
}

export function createHostCache(): HostCache {
  let kept: { readonly state: RunState; readonly host: Host } | undefined;
  return {
    take(state) {
      const host = kept?.state === state ? kept.host : undefined;
      kept = undefined;
      return host;
    },
    put(state, host) {
      kept = { state, host };
    },
  };
}

const noCache: HostCache = { take: () => undefined, put: () => {} };
