/** The helpdesk router as a workflow, ready to run. */
import { defineWorkflow } from 'signalbox';

import { type StartOptions, startService } from '../services/start-service.ts';
import { examples } from './examples.ts';
import { createHelpdeskRouterMachine } from './machine.ts';
import { events, HelpRequest, Outcome } from './schemas.ts';
import { helpdeskServices } from './services/names.ts';
import { defaultBudgetUsd, type HelpdeskRouterOptions } from './setup.ts';

export type { HelpdeskRouterOptions } from './setup.ts';

/** The workflow with limits, retries and times of your own. */
export function createHelpdeskRouter(options: HelpdeskRouterOptions = {}) {
  return defineWorkflow({
    machine: createHelpdeskRouterMachine(options),
    version: '1.0.0',
    input: HelpRequest,
    output: Outcome,
    events,
    budget: { usd: options.budgetUsd ?? defaultBudgetUsd },
    permissions: {
      reads: ['articles', 'issues', 'accounts', 'status'],
      writes: ['incidents', 'mails', 'reminders'],
    },
    owner: 'helpdesk',
    title: 'Route and answer a request to the helpdesk',
    examples,
    accepted: [
      {
        rule: 'over-budget',
        reason:
          'Only a request on which everything is voted on and tried again costs more than it may; a person answers it then.',
      },
    ],
  });
}

export const helpdeskRouter = createHelpdeskRouter();

/** Starts what its tools talk to. */
export function startServices(options: StartOptions) {
  return startService(helpdeskServices, options);
}
