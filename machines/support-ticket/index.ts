/** The support ticket as a workflow, ready to run. */
import { defineWorkflow } from 'signalbox';

import { type StartOptions, startService } from '../services/start-service.ts';
import { examples } from './examples.ts';
import { createSupportTicketMachine } from './machine.ts';
import { Outcome, Ticket, events } from './schemas.ts';
import { supportServices } from './services/names.ts';
import { defaultBudgetUsd, type SupportTicketOptions } from './setup.ts';

export type { SupportTicketOptions } from './setup.ts';

/** The workflow with limits, retries and times of your own. */
export function createSupportTicket(options: SupportTicketOptions = {}) {
  return defineWorkflow({
    machine: createSupportTicketMachine(options),
    version: '1.0.0',
    input: Ticket,
    output: Outcome,
    events,
    budget: { usd: options.budgetUsd ?? defaultBudgetUsd },
    permissions: {
      reads: ['billing', 'known issues', 'faq'],
      writes: ['refunds', 'mails', 'outcomes'],
    },
    owner: 'support',
    title: 'Answer a support ticket',
    examples,
    accepted: [
      {
        rule: 'over-budget',
        reason:
          'Only the longest ticket, with everything tried again, costs more than it may; a person answers it then.',
      },
    ],
  });
}

export const supportTicket = createSupportTicket();

/** Starts what its tools talk to. */
export function startServices(options: StartOptions) {
  return startService(supportServices, options);
}
