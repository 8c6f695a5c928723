/** Says why a run does not accept an event, in a sentence for whoever sent it. */
import type { EventObject } from 'xstate';

import type { AnyWorkflow } from '../workflow.ts';
import { explainRefusal, type HostCache } from './advance.ts';
import { statusOf } from './progress.ts';
import type { RunState } from './run-state.ts';

export interface Refusing {
  readonly id: string;
  readonly workflow: AnyWorkflow;
  readonly state: RunState;
  readonly hosts?: HostCache;
}

export function refusalOf({ id, workflow, state, hosts }: Refusing, event: EventObject): string {
  if (state.snapshot.status !== 'active') {
    return `Run \`${id}\` has ended (${statusOf(state)}); it does not accept \`${event.type}\`.`;
  }
  const value = JSON.stringify(state.snapshot.value);
  const why = explainRefusal(workflow, state, event, hosts);
  return `Run \`${id}\` is in state ${value}, which does not accept \`${event.type}\` now. ${why}`;
}
