/**
 * How the guards on an event's transitions answer in a state of a run: each alone, with the verdicts of its gates, or, for a
 * plain guard, with what it read.
 *
 * A machine is made anew from the same config, its guards on events from outside wrapped; states, and what is accepted, are
 * those of the workflow that it was made of. Guards are asked more than once, so they must be pure, as XState asks of them.
 */
import { type AnyStateMachine, and, createMachine, type EventObject } from 'xstate';

import type { StateNode } from '../../actor-sources.ts';
import { canAccept } from '../../engine/advance.ts';
import type { RunState } from '../../engine/run-state.ts';
import { collectVerdicts, type Verdict } from '../../gates/verdict.ts';
import { keepShape } from '../../engine/machine-shape.ts';
import type { AnyWorkflow } from '../../workflow.ts';
import { guardName, leadsOn, transitionId } from '../transitions.ts';
import { keysOf, watchReads } from '../watch/reads.ts';

export interface GuardAnswer {
  /** `refundSane`, `withinLimit and borneOut`. */
  readonly guard: string;
  /** The id of the transition that it guards. */
  readonly transition: string;
  readonly passed: boolean;
  /** What it guards only forbids the event to the states above. */
  readonly forbids: boolean;
  /** What its gates said. */
  readonly gates: readonly Verdict[];
  /** The parts of the context that it read, where no gate says why it did not pass. By path: `decision.amount`. */
  readonly read?: Readonly<Record<string, unknown>>;
}

/** The guards that the event meets in a state, in the order in which XState asks them. */
type AskGuards = (state: RunState, event: EventObject) => readonly GuardAnswer[];

export function createGuardAsking(workflow: AnyWorkflow): AskGuards {
  let answers: GuardAnswer[] = [];
  const machine = workflow.machine as AnyStateMachine;
  const config = wrappedNode(machine.config as Config, machine.root, (answer) => answers.push(answer));
  const standIn = createMachine(
    config as never,
    machine.implementations as never,
  ) as unknown as AnyStateMachine;
  keepShape(standIn, machine as AnyStateMachine);
  const asking = { ...workflow, machine: standIn };
  return (state, event) => {
    answers = [];
    canAccept(asking, state, event);
    return answers;
  };
}

type Config = Readonly<Record<string, unknown>>;
type Tell = (answer: GuardAnswer) => void;

function wrappedNode(config: Config, node: StateNode, tell: Tell): Config {
  const source = node.path.join('.');
  const wrapped = (on: string, given: unknown): unknown =>
    (Array.isArray(given) ? given : [given]).map((one: unknown, index) => {
      const transition = typeof one === 'object' && one !== null ? (one as Config) : { target: one };
      const { guard } = transition;
      if (guard === undefined) return transition;
      const use = {
        guard: guardName(guard) ?? '',
        transition: transitionId({ machine: '', source, on, index }),
        forbids: !leadsOn(transition),
      };
      return { ...transition, guard: telling(guard, (answer) => tell({ ...use, ...answer })) };
    });
  const { on, states } = config;
  return {
    ...config,
    ...(on ? { on: mapped(on as Config, (given, type) => wrapped(type, given)) } : {}),
    ...(states
      ? {
          states: mapped(states as Config, (state, key) =>
            wrappedNode(state as Config, node.states[key] as StateNode, tell),
          ),
        }
      : {}),
  };
}

/** A guard that XState made of others. */
interface Builtin {
  check(snapshot: unknown, args: GuardArgs, self: unknown): boolean;
}

interface GuardArgs {
  readonly context: unknown;
  readonly event: EventObject;
}

/** The guard, with its answers told. XState knows how to ask a guard of any kind: as one of others. */
function telling(
  guard: unknown,
  tell: (answer: Pick<GuardAnswer, 'passed' | 'gates' | 'read'>) => void,
): unknown {
  const inner = and([guard as never]) as unknown as Builtin;
  return Object.assign((): boolean => false, {
    check(snapshot: unknown, args: GuardArgs) {
      const gates: Verdict[] = [];
      const passed = collectVerdicts(gates, () => inner.check(snapshot, args, inner));
      const isSaid = passed || gates.some((verdict) => !verdict.passed);
      const read = isSaid
        ? {}
        : readBy(args.context, (context) => inner.check(snapshot, { ...args, context }, inner));
      tell({ passed, gates, ...read });
      return passed;
    },
  });
}

/** Values that a function looks at, without the objects and lists on the way to them. */
function readBy(context: unknown, call: (context: unknown) => unknown): Pick<GuardAnswer, 'read'> {
  const { reads } = collectVerdicts(undefined, () => watchReads(context, call));
  const read = [...reads].flatMap((one) => {
    const keys = keysOf(one.slice(1));
    const value = keys.reduce((part, key) => (part as Config | undefined)?.[key], context);
    const isOnTheWay = typeof value === 'object' && value !== null && !one.startsWith('*');
    return keys.length === 0 || isOnTheWay ? [] : [[keys.join('.'), value] as const];
  });
  return read.length > 0 ? { read: Object.fromEntries(read) } : {};
}

function mapped(given: Config, change: (value: unknown, key: string) => unknown): Config {
  return Object.fromEntries(Object.entries(given).map(([key, value]) => [key, change(value, key)]));
}
