/** The document intake as a workflow, ready to run. */
import { defineWorkflow } from 'signalbox';

import { type StartOptions, startService } from '../services/start-service.ts';
import { examples } from './examples.ts';
import { createDocumentIntakeMachine } from './machine.ts';
import { Document, events, Outcome } from './schemas.ts';
import { intakeServices } from './services/names.ts';
import { defaultBudgetUsd, type DocumentIntakeOptions } from './setup.ts';

export type { DocumentIntakeOptions } from './setup.ts';

/** The workflow with servers, limits and times of your own. */
export function createDocumentIntake(options: DocumentIntakeOptions = {}) {
  return defineWorkflow({
    machine: createDocumentIntakeMachine(options),
    version: '1.0.0',
    input: Document,
    output: Outcome,
    events,
    budget: { usd: options.budgetUsd ?? defaultBudgetUsd },
    permissions: {
      reads: ['file', 'customers'],
      writes: ['documents', 'notifications', 'drafts'],
    },
    owner: 'back-office',
    title: 'Take in a document',
    examples,
    accepted: [
      {
        rule: 'ungated-effect',
        where: 'notifyManager extractEntities.kind',
        reason: 'The notice says what the model took the letter for; the manager reads the letter.',
      },
      {
        rule: 'ungated-effect',
        where: 'notifyManager extractEntities.amounts.0.meaning',
        reason:
          'The amount stands in the letter; what it is for is told as the model understood it, and moves no money.',
      },
    ],
  });
}

export const documentIntake = createDocumentIntake();

/** Starts what its tools talk to. */
export function startServices(options: StartOptions) {
  return startService(intakeServices, options);
}
