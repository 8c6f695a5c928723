/** What a diagram says of a state in its box: who is asked, what it invokes, what it does, how it is tagged. */
import type { AnyActorLogic, AnyStateMachine } from 'xstate';

import { invokesOf, sourceKind, type StateNode, type StateNodeConfigLike } from '../../actor-sources.ts';
import { invokeName } from '../../graph/invocation-name.ts';
import { guardName, leadsOn } from '../../graph/transitions.ts';
import { durableActor } from '../../invocation.ts';
import { actionName } from './action-name.ts';
import type { Fact } from './diagram.ts';
import { waitsFor } from './waits-for.ts';

export function factsOf(node: StateNode, machine: AnyStateMachine): Fact[] {
  const plain = (text: string): Fact => ({ kind: 'plain', text });
  // As they are in the config: XState adds its own to those of the node.
  const { entry, exit } = node.config as { readonly entry?: unknown; readonly exit?: unknown };
  const does = (when: string, given: unknown): Fact[] => {
    const actions: readonly unknown[] = given === undefined ? [] : Array.isArray(given) ? given : [given];
    return actions.length === 0 ? [] : [plain(`${when} / ${actions.map(actionName).join(', ')}`)];
  };
  return [
    ...(node.tags.includes('person') ? [{ kind: 'person', text: personText(node.meta) } as const] : []),
    ...invokesOf(node.config as StateNodeConfigLike).map(({ src }, index) =>
      actorFact(src, invokeName(node, index), machine),
    ),
    ...does('entry', entry),
    ...does('exit', exit),
    ...node.tags.filter((tag) => tag !== 'person').map((tag) => plain(`#${tag}`)),
    ...forbidden(node, machine).map((what) => plain(`${what} is ignored`)),
  ];
}

/** `person · Approve the refund`. A title that is made of the context is not known here. */
function personText(meta: unknown): string {
  const title = (meta as { readonly person?: { readonly title?: unknown } } | undefined)?.person?.title;
  return typeof title === 'string' ? `person · ${title}` : 'person';
}

/** `▸ draftReply (model)`, `⚠ issueRefund (tool), irreversible`. */
function actorFact(src: string | AnyActorLogic, name: string, machine: AnyStateMachine): Fact {
  const actors = machine.implementations.actors as Readonly<Record<string, AnyActorLogic | undefined>>;
  const logic = typeof src === 'string' ? actors[src] : src;
  const declared = logic && durableActor(logic);
  const kind = declared?.kind ?? (logic ? sourceKind(logic) : 'unknown');
  const title = typeof src === 'string' && src !== name ? `${name}: ${src}` : name;
  if (!declared?.irreversible) return { kind: 'actor', text: `▸ ${title} (${kind})` };
  const often = declared.idempotent ? 'irreversible, idempotent' : 'irreversible';
  return { kind: 'irreversible', text: `⚠ ${title} (${kind}), ${often}` };
}

/** Events that the state keeps from those above it. */
function forbidden(node: StateNode, machine: AnyStateMachine): string[] {
  return [...node.transitions].flatMap(([type, list]) =>
    list
      .filter((transition) => !leadsOn(transition))
      .map(({ guard }) => {
        const name = guardName(guard);
        return `${waitsFor(type, node, machine)}${name === undefined ? '' : ` [${name}]`}`;
      }),
  );
}
