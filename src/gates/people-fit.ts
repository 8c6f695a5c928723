/** Whether what a machine's states declare with `person` is borne out by their transitions. */
import type { AnyStateMachine } from 'xstate';
import type { ZodType } from 'zod';

import { type StateNode, stateNodes } from '../actor-sources.ts';
import { WorkflowInvalid } from '../errors.ts';
import { matchesDescriptor } from '../event-descriptor.ts';
import { type PersonQuestion, personQuestion } from './person.ts';

export type Schemas = Readonly<Record<string, ZodType | undefined>>;

/**
 * The schemas of the machine's answers, by event type.
 *
 * Throws `WorkflowInvalid` for an answer that its state does not take, an event of the state that is no declared answer, a
 * due time or reminder without its `after`, one event with two schemas, those of `events` included, or one event that
 * answers two questions that may be open at once.
 */
export function answerSchemas(machine: AnyStateMachine, workflow: string, events: Schemas): Schemas {
  const schemas: Record<string, ZodType> = {};
  refuseAmbiguous(machine, workflow);
  for (const node of stateNodes(machine)) {
    const question = personQuestion(node.meta);
    if (!question) continue;
    const problem = problemOf(node, question);
    if (problem !== undefined) {
      throw new WorkflowInvalid(
        `State \`${node.id}\` of workflow \`${workflow}\` asks a person, but ${problem}`,
        {
          details: { place: node.id },
        },
      );
    }
    for (const [type, { schema }] of Object.entries(question.answers ?? {})) {
      if (!schema) continue;
      const known = events[type] ?? schemas[type];
      if (known && known !== schema) {
        throw new WorkflowInvalid(
          `Event \`${type}\` of workflow \`${workflow}\` has another schema in state \`${node.id}\` than elsewhere. An event has one; for other fields, use another event.`,
          { details: { place: node.id, event: type } },
        );
      }
      schemas[type] = schema;
    }
  }
  return schemas;
}

/**
 * Refuses answers that belong to two questions in regions side by side: XState hands an event to every region that takes
 * it. Guards may tell them apart; what they do not is refused when it is answered.
 */
function refuseAmbiguous(machine: AnyStateMachine, workflow: string): void {
  const asking = stateNodes(machine).flatMap((node) => {
    const question = personQuestion(node.meta);
    return question
      ? [{ node, types: question.answers ? Object.keys(question.answers) : eventsOf(node) }]
      : [];
  });
  for (const [index, { node, types }] of asking.entries()) {
    for (const other of asking.slice(0, index)) {
      if (!areSideBySide(node, other.node)) continue;
      const shared = types.find(
        (type) =>
          other.types.includes(type) && takesUnguarded(node, type) && takesUnguarded(other.node, type),
      );
      if (shared === undefined) continue;
      throw new WorkflowInvalid(
        `In workflow \`${workflow}\` the event \`${shared}\` answers the questions of \`${other.node.id}\` and \`${node.id}\`, which may be open at once; one answer would count for both. Give each an event of its own, or guards of which only one lets an answer pass.`,
        { details: { place: node.id, other: other.node.id, event: shared } },
      );
    }
  }
}

/** Whether both may be active at once, and neither is in the other. */
function areSideBySide(one: StateNode, other: StateNode): boolean {
  const shared = above(one).find((node) => isWithin(other, node));
  return shared?.type === 'parallel' && shared !== one && shared !== other;
}

/** Whether the state or one in it takes the event, and a guard is not always asked. */
function takesUnguarded(node: StateNode, type: string): boolean {
  return within(node).some(({ transitions }) =>
    [...transitions].some(
      ([descriptor, list]) =>
        matchesDescriptor(type, descriptor) && list.some(({ guard }) => guard === undefined),
    ),
  );
}

/** Whether the state is the other, or in it. */
export function isWithin(node: StateNode, other: StateNode): boolean {
  return above(node).includes(other);
}

/** The types of the events from outside that the state or one in it takes, in the order of the machine. */
export function eventsOf(node: StateNode): string[] {
  return [...new Set(within(node).flatMap(ownEvents))];
}

/** The event of the timer that a key of `after` arms, for each state that has that key. */
export function dueEvents(node: StateNode, key: string | number): string[] {
  return afterEvents(above(node), key);
}

export function remindEvents(node: StateNode, key: string | number): string[] {
  return afterEvents(within(node), key);
}

function problemOf(node: StateNode, { answers, due, remind }: PersonQuestion): string | undefined {
  if (answers) {
    const taken = [...eventsOf(node), ...above(node).flatMap(ownEvents)];
    const types = Object.keys(answers);
    const untaken = types.find((type) => !taken.some((descriptor) => matchesDescriptor(type, descriptor)));
    if (untaken !== undefined) {
      return `no transition takes its answer \`${untaken}\`. Add it to \`on\`, or take it out of \`answers\`.`;
    }
    const undeclared = eventsOf(node).find((type) => !types.some((one) => matchesDescriptor(type, one)));
    if (undeclared !== undefined) {
      return `does not declare \`${undeclared}\`, which it takes, among its \`answers\`; nothing would say who may send it.`;
    }
  }
  if (due !== undefined && dueEvents(node, due).length === 0) {
    return `neither it nor a state above it has \`after: { ${due}: … }\`, which it names as \`due\`.`;
  }
  if (remind !== undefined && remindEvents(node, remind).length === 0) {
    return `neither it nor a state in it has \`after: { ${remind}: … }\`, which it names as \`remind\`.`;
  }
  return undefined;
}

/** The state and all in it. */
function within(node: StateNode): StateNode[] {
  return [node, ...Object.values(node.states).flatMap(within)];
}

/** The state and all that it is in. */
function above(node: StateNode): StateNode[] {
  return [node, ...(node.parent ? above(node.parent) : [])];
}

/** A transition that leads nowhere only forbids the event. */
function ownEvents({ transitions }: StateNode): string[] {
  return [...transitions]
    .filter(
      ([type, list]) =>
        !type.startsWith('xstate.') && list.some(({ target, actions }) => target || actions.length > 0),
    )
    .map(([type]) => type);
}

function afterEvents(nodes: readonly StateNode[], key: string | number): string[] {
  return nodes
    .map(({ id, transitions }) => ({ type: `xstate.after.${key}.${id}`, transitions }))
    .filter(({ type, transitions }) => transitions.has(type))
    .map(({ type }) => type);
}
