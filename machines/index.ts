/** The workflows that come with Signalbox, ready to run. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { AnyWorkflow } from 'signalbox';

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

export { createLongDocument, createSupportTicket, estimateLongDocument, longDocument, supportTicket };
export type { LongDocumentOptions } from './long-document/index.ts';
export type { SupportTicketOptions } from './support-ticket/index.ts';

export const readyWorkflows: readonly ReadyWorkflow[] = [
  { workflow: supportTicket, samples: samplesOf('support-ticket'), startServices },
  { workflow: longDocument, samples: samplesOf('long-document') },
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
