/**
 * What a workflow is: a machine, and what makes it runnable by others.
 *
 * `defineWorkflow` refuses a machine that could not run durably, before anything of it has run.
 */
import type { AnyStateMachine, ContextFrom, EventFromLogic, InputFrom, OutputFrom } from 'xstate';
import type { ZodType } from 'zod';

import { actorSources, isStateMachine, sourceKind, stateNodes } from './actor-sources.ts';
import { type ErrorClass, refuseErrorClasses } from './error-classes.ts';
import { InvalidOption, WorkflowInvalid } from './errors.ts';
import { matchesDescriptor, outsideEvents } from './event-descriptor.ts';
import { answerSchemas, type Schemas } from './gates/people-fit.ts';
import { durableActor } from './invocation.ts';
import { refuseBrokenConfig } from './machine-config.ts';
import { type AllowedPermissions, refuseUnpermitted } from './permissions.ts';
import { refuseOtherCopy } from './xstate-copies.ts';

/** The schemas of the events that come from outside, by event type; each checks the event without its `type`. */
export type EventSchemas<TMachine extends AnyStateMachine> = {
  readonly [TType in EventFromLogic<TMachine>['type']]?: ZodType;
};

/** A run to think of: what paths begin with, and what they are made of beside what the schemas tell. */
export interface WorkflowExample<TInput> {
  readonly name: string;
  readonly input: TInput;
  /** What actors may answer, by the `src` of each. */
  readonly outputs?: Readonly<Record<string, readonly unknown[]>>;
  /** What events may hold beside their type, by type. */
  readonly events?: Readonly<Record<string, ReadonlyArray<Readonly<Record<string, unknown>>>>>;
}

export interface RunBudget {
  /** Input and output, cached ones included. */
  readonly tokens?: number;
  /** US dollars, by the engine's price table. */
  readonly usd?: number;
}

/** A finding of `check` that is meant. */
export interface AcceptedFinding {
  /** The rule's id: `no-timer`. */
  readonly rule: string;
  /** Where, as the finding has it: a state, a transition's id, an actor's `src`. Default: wherever the rule finds something. */
  readonly where?: string;
  /** Why it is right as it is. */
  readonly reason: string;
}

export interface WorkflowDefinition<TMachine extends AnyStateMachine, TInput> {
  /** A plain XState v5 machine. Its `id` names the workflow, for ever. */
  readonly machine: TMachine;
  /** Runs stay on the version that they started with. */
  readonly version: string;
  /** Checks and parses the input before a run is stored. Without it the input is taken as it is. */
  readonly input?: ZodType<InputFrom<TMachine>, TInput>;
  /** Checks the final output; a run whose output it refuses fails. */
  readonly output?: ZodType<OutputFrom<TMachine>>;
  /** Schemas of the events from outside, but for those that a `person` declares. An event without one is taken with any payload. */
  readonly events?: EventSchemas<TMachine>;
  /**
   * Error classes of your own that guards tell apart with `instanceof`. Errors of other classes come back from an actor as
   * instances of the nearest class that they extend and that is known, before a restart as after. Own fields come back if
   * they can be stored, and what a class has on its prototype; private state (`#fields`) cannot.
   */
  readonly errors?: readonly ErrorClass[];
  /** What the model calls of one run may use and cost in all. A call that could overrun it is not made. */
  readonly budget?: RunBudget;
  /**
   * What its actors may touch. `read-only`: nothing that writes. Every actor must then say what it touches, with `reads`
   * and `writes`; a workflow that it starts runs of counts as the `permissions` that it declares, or else as its actors
   * together. Default: anything.
   */
  readonly permissions?: AllowedPermissions;
  /** What it is for, in a line. */
  readonly title?: string;
  /** Who answers for it. */
  readonly owner?: string;
  readonly examples?: ReadonlyArray<WorkflowExample<TInput>>;
  /**
   * What of the context decides on which way a run goes on, where exploring cannot tell what does, or finds too much:
   * `({ tries, notes }) => [tries, notes.length > 3]`. Paths and checks take states at one place for which it gives the same
   * as one; runs know nothing of it. Default: what the guards, delays and assigners were seen to read.
   */
  readonly fold?: (context: ContextFrom<TMachine>) => unknown;
  /** What `check` finds and somebody has looked at: it is listed, and counts no more. */
  readonly accepted?: readonly AcceptedFinding[];
}

export interface Workflow<
  TMachine extends AnyStateMachine = AnyStateMachine,
  TInput = InputFrom<TMachine>,
> extends WorkflowDefinition<TMachine, TInput> {
  readonly name: string;
  /** `name@version`. */
  readonly ref: string;
}

/** A workflow whose types do not matter. */
// oxlint-disable-next-line typescript/no-explicit-any -- the one place where a workflow of any machine and input is meant
export type AnyWorkflow = Workflow<any, any>;

const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

/**
 * Make a workflow of a machine.
 *
 * Throws `WorkflowInvalid` if the machine names a state, actor, guard, action or delay that is not there, or uses actor logic
 * that cannot run durably (`fromCallback`, observables), if an actor's `compensatedBy` is not there, if what a state
 * declares with `person` is not borne out by its transitions, if error classes cannot be told apart, or if the machine comes
 * from another copy of `xstate`; `InvalidOption` if a name or version is not usable.
 *
 * @example
 * ```ts
 * const supportTicket = defineWorkflow({ machine, version: '1.0.0', input: Ticket, events: { APPROVE: Approval } });
 * ```
 */
export function defineWorkflow<TMachine extends AnyStateMachine, TInput = InputFrom<TMachine>>(
  definition: WorkflowDefinition<TMachine, TInput>,
): Workflow<TMachine, TInput> {
  const { machine, version, events = {} } = definition;
  refuseOtherCopy(machine, '`machine`');
  if (!isStateMachine(machine)) {
    throw new InvalidOption(
      'Expected `machine` to be an XState v5 machine made by `setup(…).createMachine(…)` or `createMachine(…)`.',
    );
  }
  const name = machine.id;
  if (!namePattern.test(name)) {
    throw new InvalidOption(
      `Expected the machine's \`id\` to name the workflow with letters, digits, \`.\`, \`_\` and \`-\`, got \`${name}\`. Set \`id\` in the machine's config.`,
    );
  }
  if (typeof version !== 'string' || !namePattern.test(version)) {
    throw new InvalidOption(
      `Expected \`version\` of workflow \`${name}\` to be a version such as \`1.0.0\`, got \`${String(version)}\`.`,
    );
  }
  refuseUnknownEvents(machine, name, Object.keys(events));
  refuseUnrunnable(machine, name, new Set());
  if (definition.errors) refuseErrorClasses(name, definition.errors);
  assertBudget(name, definition.budget);
  if (definition.permissions) refuseUnpermitted(machine, name, definition.permissions);
  const schemas = { ...answerSchemas(machine, name, events as Schemas), ...events } as EventSchemas<TMachine>;
  return { ...definition, events: schemas, name, ref: `${name}@${version}` };
}

function refuseUnknownEvents(machine: AnyStateMachine, name: string, types: readonly string[]): void {
  const known = outsideEvents(machine);
  // An event that no transition takes may be there for a guard of `always` to look at.
  if (stateNodes(machine).some(({ always = [] }) => always.some(({ guard }) => guard !== undefined))) return;
  const unknown = types.find((type) => !known.some((descriptor) => matchesDescriptor(type, descriptor)));
  if (unknown !== undefined) {
    throw new InvalidOption(
      `\`events.${unknown}\` of workflow \`${name}\` is the schema of an event that no state accepts. Remove it or name one of: ${known.join(', ') || '(it accepts none)'}.`,
    );
  }
}

const useInstead: Record<string, string> = {
  callback:
    'is `fromCallback` logic, which pushes events at any time; they cannot be recorded or replayed. Use `fromPromise` (or `fromTool`) for work that ends, and send what comes from outside with `run.send`.',
  observable:
    'is observable logic, which pushes values at any time; they cannot be recorded or replayed. Use `fromPromise` for work that ends, and send each value with `run.send`.',
  unknown: 'is not actor logic that can run durably. Use `fromPromise`, `fromTransition`, or a machine.',
};

function refuseUnrunnable(machine: AnyStateMachine, name: string, seen: Set<AnyStateMachine>): void {
  if (seen.has(machine)) return;
  seen.add(machine);
  refuseBrokenConfig(machine, name);
  for (const { src, logic, place } of actorSources(machine)) {
    refuseOtherCopy(logic, `Actor \`${src}\` of workflow \`${name}\` (${place})`);
    if (!logic) {
      throw new WorkflowInvalid(
        `State \`${place}\` of workflow \`${name}\` invokes \`${src}\`, but there is no such actor. Add it to \`setup({ actors: { ${src} } })\`.`,
        { details: { src, place } },
      );
    }
    const problem = useInstead[sourceKind(logic)];
    if (problem) {
      throw new WorkflowInvalid(`Actor \`${src}\` of workflow \`${name}\` (${place}) ${problem}`, {
        details: { src, place },
      });
    }
    if (isStateMachine(logic)) refuseUnrunnable(logic, name, seen);
  }
  refuseUnknownCompensators(machine, name);
  for (const { kind, ref, place } of implementationRefs(machine)) {
    const implementations: object = machine.implementations[kind];
    if (Object.hasOwn(implementations, ref) && implementations[ref as keyof object] !== undefined) continue;
    throw new WorkflowInvalid(
      `State \`${place}\` of workflow \`${name}\` names \`${ref}\`, but there is no such ${kind.slice(0, -1)}. Add it to \`setup({ ${kind}: { ${ref} } })\`.`,
      { details: { [kind.slice(0, -1)]: ref, place } },
    );
  }
}

function refuseUnknownCompensators(machine: AnyStateMachine, name: string): void {
  const sources = actorSources(machine);
  const known = [...new Set(sources.map(({ src }) => src))];
  for (const { src, logic, place } of sources) {
    const compensator = logic && durableActor(logic)?.compensatedBy;
    if (compensator === undefined || known.includes(compensator)) continue;
    throw new WorkflowInvalid(
      `Actor \`${src}\` of workflow \`${name}\` (${place}) says that \`${compensator}\` undoes it (\`compensatedBy\`), but there is no such actor. Add it to \`setup({ actors: { ${compensator} } })\`, or name one of: ${known.join(', ')}.`,
      { details: { src, compensatedBy: compensator, place } },
    );
  }
}

function assertBudget(name: string, budget: RunBudget | undefined): void {
  if (budget === undefined) return;
  const { tokens, usd } = budget;
  const limits = [tokens, usd].filter((limit) => limit !== undefined);
  if (limits.length > 0 && limits.every((limit) => Number.isFinite(limit) && limit >= 0)) return;
  throw new InvalidOption(
    `Expected \`budget\` of workflow \`${name}\` to be \`{ tokens, usd }\` with at least one number from 0, got \`${JSON.stringify(budget)}\`.`,
  );
}

interface ImplementationRef {
  readonly kind: 'actors' | 'actions' | 'guards' | 'delays';
  readonly ref: string;
  readonly place: string;
}

/** What an action, guard or nested guard in a machine's config may look like. */
interface Referring {
  readonly type?: unknown;
  readonly src?: unknown;
  readonly delay?: unknown;
  readonly guards?: readonly unknown[];
}

/** Every action, guard, delay and spawned actor that the machine's config names by a string. */
function implementationRefs(machine: AnyStateMachine): ImplementationRef[] {
  const refs: ImplementationRef[] = [];

  const guard = (value: unknown, place: string): void => {
    if (typeof value === 'string') refs.push({ kind: 'guards', ref: value, place });
    else if (typeof value === 'function')
      (value as Referring).guards?.forEach((inner) => guard(inner, place));
    else if (isReferring(value)) refs.push({ kind: 'guards', ref: value.type, place });
  };
  const action = (value: unknown, place: string): void => {
    if (typeof value === 'string') refs.push({ kind: 'actions', ref: value, place });
    else if (typeof value === 'function') builtin(value as Referring, place);
    else if (isReferring(value)) refs.push({ kind: 'actions', ref: value.type, place });
  };
  const builtin = ({ type, src, delay }: Referring, place: string): void => {
    if (typeof delay === 'string') refs.push({ kind: 'delays', ref: delay, place });
    if (type !== 'xstate.spawnChild' || src === undefined) return;
    if (typeof src === 'string') refs.push({ kind: 'actors', ref: src, place });
    else {
      throw new WorkflowInvalid(
        `State \`${place}\` spawns an actor from inline logic, which cannot be found again after a restart. Name it in \`setup({ actors })\` and spawn it by that name.`,
        { details: { place } },
      );
    }
  };

  for (const node of stateNodes(machine)) {
    const { id } = node;
    [...node.entry, ...node.exit].forEach((value) => action(value, id));
    if (node.type === 'compound') node.initial.actions.forEach((value) => action(value, id));
    for (const transition of [...[...node.transitions.values()].flat(), ...(node.always ?? [])]) {
      transition.actions.forEach((value) => action(value, id));
      if (transition.guard !== undefined) guard(transition.guard, id);
    }
  }
  for (const [name, value] of Object.entries(machine.implementations.actions as object))
    action(value, `action ${name}`);
  for (const [name, value] of Object.entries(machine.implementations.guards as object))
    guard(value, `guard ${name}`);
  return refs;
}

function isReferring(value: unknown): value is { readonly type: string } {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}
