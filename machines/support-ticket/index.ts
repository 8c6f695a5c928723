/** The support ticket as a workflow, ready to run. */
import { defineWorkflow } from 'signalbox';

import { createSupportTicketMachine } from './machine.ts';
import { Outcome, Ticket, events } from './schemas.ts';
import type { SupportTicketOptions } from './setup.ts';

export type { SupportTicketOptions } from './setup.ts';
export { startServices } from './services/start.ts';

/** The workflow with limits, retries and times of your own. */
export function createSupportTicket(options: SupportTicketOptions = {}) {
  return defineWorkflow({
    machine: createSupportTicketMachine(options),
    version: '1.0.0',
    input: Ticket,
    output: Outcome,
    events,
    owner: 'support',
    title: 'Answer a support ticket',
  });
}

export const supportTicket = createSupportTicket();
