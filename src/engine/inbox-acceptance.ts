/** Which inbox messages a state of a run takes, worked out once for each state and only as far as it is asked. */
import { isDeepStrictEqual } from 'node:util';

import { matchesDescriptor } from '../event-descriptor.ts';
import type { AnyWorkflow } from '../workflow.ts';
import { canAccept, type HostCache, viewState } from './advance.ts';
import type { Acceptance } from './run-inbox.ts';
import type { RunState } from './run-state.ts';

export type AcceptanceOf = (state: RunState) => Acceptance;

/** `isBusy`: whether an invocation is in flight, or has an outcome that waits for its turn. */
export function createAcceptance(
  workflow: AnyWorkflow,
  hosts: HostCache,
  isBusy: (key: string) => boolean,
): AcceptanceOf {
  let last: { readonly state: RunState; readonly acceptance: Acceptance } | undefined;

  function make(state: RunState): Acceptance {
    const types = new Map<string, boolean>();
    let descriptors: readonly string[] | undefined;
    return {
      footing: last && haveSameGuards(last.state, state) ? last.acceptance.footing : {},
      hasEnded: state.snapshot.status !== 'active',
      acceptsType(type) {
        const known = types.get(type);
        if (known !== undefined) return known;
        descriptors ??= viewState(workflow, state, hosts).accepts;
        const accepted = descriptors.some((descriptor) => matchesDescriptor(type, descriptor));
        types.set(type, accepted);
        return accepted;
      },
      accepts: ({ mail }) => mail.type !== 'event' || canAccept(workflow, state, mail.event, hosts),
      isBusy,
    };
  }

  return (state) => {
    if (last?.state !== state) last = { state, acceptance: make(state) };
    return last.acceptance;
  };
}

/** Whether every guard answers the same in both states: they see the state value, the context and the children. */
function haveSameGuards({ snapshot: one }: RunState, { snapshot: other }: RunState): boolean {
  return (
    one.status === other.status &&
    one.context === other.context &&
    isChildless(one.children) &&
    isChildless(other.children) &&
    isDeepStrictEqual(one.value, other.value)
  );
}

function isChildless(children: RunState['snapshot']['children'] = {}): boolean {
  return Object.keys(children).length === 0;
}
