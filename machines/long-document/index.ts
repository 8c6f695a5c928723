/** The long document as a workflow, ready to run. */
import { defineWorkflow } from 'signalbox';

import { examples } from './examples.ts';
import { createLongDocumentMachine } from './machine.ts';
import { Document, Outcome, events } from './schemas.ts';
import { defaultBudgetUsd, type LongDocumentOptions } from './setup.ts';

export { estimate as estimateLongDocument } from './estimate.ts';
export type { LongDocumentOptions } from './setup.ts';

/** The workflow with limits, sizes and times of your own. */
export function createLongDocument(options: LongDocumentOptions = {}) {
  return defineWorkflow({
    machine: createLongDocumentMachine(options),
    version: '1.0.0',
    input: Document,
    output: Outcome,
    events,
    budget: { usd: options.budgetUsd ?? defaultBudgetUsd },
    permissions: 'read-only',
    owner: 'research',
    title: 'Summarise a long document',
    examples,
  });
}

export const longDocument = createLongDocument();
