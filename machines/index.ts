/** The workflows that come with Signalbox, ready to run. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { AnyWorkflow } from 'signalbox';

import {
  createDocumentIntake,
  documentIntake,
  startServices as startIntakeServices,
} from './document-intake/index.ts';
import {
  createHelpdeskRouter,
  helpdeskRouter,
  startServices as startHelpdeskServices,
} from './helpdesk-router/index.ts';
import { createLongDocument, estimateLongDocument, longDocument } from './long-document/index.ts';
import { createSupportTicket, startServices, supportTicket } from './support-ticket/index.ts';

export interface ReadyWorkflow {
  readonly workflow: AnyWorkflow;
  /** The folder of its sample inputs, one JSON file each. */
  readonly samples: string;
  /** Starts what its tools talk to, as processes of their own, with their data in a folder. */
  readonly startServices?: (options: ServiceOptions) => Promise<Services>;
}

export interface ServiceOptions {
  /** Created if it does not exist. What the services keep stays there when they are closed. */
  readonly dataFolder: string;
  /** Added to the services' environment. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface Services {
  readonly url: string;
  /** To be set in the environment of whoever runs the workflow. */
  readonly env: Record<string, string>;
  close(): Promise<void>;
}

export {
  createDocumentIntake,
  createHelpdeskRouter,
  createLongDocument,
  createSupportTicket,
  documentIntake,
  estimateLongDocument,
  helpdeskRouter,
  longDocument,
  supportTicket,
};
export type { DocumentIntakeOptions } from './document-intake/index.ts';
export type { HelpdeskRouterOptions } from './helpdesk-router/index.ts';
export type { LongDocumentOptions } from './long-document/index.ts';
export type { SupportTicketOptions } from './support-ticket/index.ts';

export const readyWorkflows: readonly ReadyWorkflow[] = [
  { workflow: supportTicket, samples: samplesOf('support-ticket'), startServices },
  { workflow: longDocument, samples: samplesOf('long-document') },
  { workflow: helpdeskRouter, samples: samplesOf('helpdesk-router'), startServices: startHelpdeskServices },
  { workflow: documentIntake, samples: samplesOf('document-intake'), startServices: startIntakeServices },
];

/** Samples are data and stay where they are in the package, whether this file runs from its source or from `dist`. */
function samplesOf(name: string): string {
  return join(packageRoot(), 'machines', name, 'samples');
}

function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) {
    const parent = dirname(folder);
    if (parent === folder)
      throw new Error(
        `Expected ${import.meta.url} to be in a package; none of its folders has a package.json.`,
      );
    folder = parent;
  }
  return folder;
}
