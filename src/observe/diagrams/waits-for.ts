/** What a transition waits for, in words for people. */
import type { AnyStateMachine } from 'xstate';

import type { StateNode } from '../../actor-sources.ts';
import { invokeName } from '../../graph/invocation-name.ts';
import { delayText } from './delay-text.ts';

/** `APPROVE`, `draftReply done`, `draftReply error`, `after 4 h (approvalTime)`, `done`, `always`. */
export function waitsFor(eventType: string, node: StateNode, machine: AnyStateMachine): string {
  if (eventType === '') return 'always';
  for (const [index, { id }] of node.invoke.entries()) {
    const name = invokeName(node, index);
    if (eventType === `xstate.done.actor.${id}`) return `${name} done`;
    if (eventType === `xstate.error.actor.${id}`) return `${name} error`;
    if (eventType === `xstate.snapshot.${id}`) return `${name} snapshot`;
  }
  if (eventType === `xstate.done.state.${node.id}`) return 'done';
  const [head, tail] = ['xstate.after.', `.${node.id}`];
  return eventType.startsWith(head) && eventType.endsWith(tail)
    ? afterText(eventType.slice(head.length, -tail.length), machine)
    : eventType;
}

function afterText(delay: string, { implementations }: AnyStateMachine): string {
  const named: unknown = (implementations.delays as Readonly<Record<string, unknown>>)[delay];
  if (typeof named === 'number') return `after ${delayText(named)} (${delay})`;
  return `after ${/^\d+$/.test(delay) ? delayText(Number(delay)) : delay}`;
}
