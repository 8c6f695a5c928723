/**
 * What a document's workflow does in the world: it reads the file here, and all else through MCP.
 *
 * I1. A refusal is an answer; silence is an error, and says nothing about what happened.
 * I2. Whatever has an effect goes under a key made from the document alone: whoever calls again, and from whichever run,
 *     gets the first call's answer.
 */
import { fromMcp, fromTool, type McpServer, mcpServer, type RetryPolicy } from 'signalbox';
import { z } from 'zod';

import { readPdf } from './pdf/read-pdf.ts';
import { Found, LookUpInput, Reading, Receipt, Registration } from './schemas.ts';
import { intakeServices } from './services/names.ts';

export interface IntakeServers {
  /** Has `register_document`, `release_document` and `find_customers`. */
  readonly crm: McpServer;
  /** Has `notify_manager` and `remind_clerk`. */
  readonly notifications: McpServer;
  /** Has `save_draft`. */
  readonly drafts: McpServer;
}

export interface ToolOptions {
  /** Default: those at INTAKE_SERVICES_URL, which is read at each connect. */
  readonly servers?: Partial<IntakeServers> | undefined;
  readonly mostPages: number;
  readonly mostCharacters: number;
  /** How long it may take to read the file. */
  readonly readMs: number;
  /** How long one call through MCP may take. */
  readonly timeoutMs: number;
  readonly reading: RetryPolicy;
  readonly effects: RetryPolicy;
}

export function createTools({
  servers,
  mostPages,
  mostCharacters,
  readMs,
  timeoutMs,
  reading,
  effects,
}: ToolOptions) {
  const { crm, notifications, drafts } = { ...localServers(timeoutMs), ...servers };
  return {
    readPdf: fromTool({
      name: 'readPdf',
      input: z.object({ pdf: z.string() }),
      output: Reading,
      reads: ['file'],
      timeoutMs: readMs,
      run: async ({ pdf }, { signal }) => readPdf(pdf, { mostPages, mostCharacters, signal }),
    }),

    registerDocument: fromMcp({
      name: 'registerDocument',
      server: crm,
      tool: 'register_document',
      input: z.object({ documentId: z.string(), sha256: z.string(), fileName: z.string() }),
      output: Registration,
      idempotencyKey: ({ documentId }) => documentId,
      writes: ['documents'],
      retry: effects,
    }),

    releaseDocument: fromMcp({
      name: 'releaseDocument',
      server: crm,
      tool: 'release_document',
      input: z.object({ documentId: z.string(), sha256: z.string() }),
      output: z.object({ released: z.literal(true) }),
      idempotencyKey: ({ documentId }) => documentId,
      writes: ['documents'],
      retry: effects,
    }),

    lookUpCustomer: fromMcp({
      name: 'lookUpCustomer',
      server: crm,
      tool: 'find_customers',
      input: LookUpInput,
      output: Found,
      reads: ['customers'],
      retry: reading,
    }),

    notifyManager: fromMcp({
      name: 'notifyManager',
      server: notifications,
      tool: 'notify_manager',
      input: z.object({
        documentId: z.string(),
        managerId: z.string(),
        subject: z.string().min(1),
        text: z.string().min(1),
      }),
      output: Receipt,
      irreversible: true,
      idempotencyKey: ({ documentId }) => documentId,
      arguments: (notice, { idempotencyKey }) => ({ ...notice, idempotencyKey }),
      writes: ['notifications'],
      retry: effects,
    }),

    saveDraft: fromMcp({
      name: 'saveDraft',
      server: drafts,
      tool: 'save_draft',
      input: z.object({
        documentId: z.string(),
        to: z.email(),
        subject: z.string().min(1),
        body: z.string().min(1),
      }),
      output: Receipt,
      irreversible: true,
      idempotencyKey: ({ documentId }) => documentId,
      arguments: (draft, { idempotencyKey }) => ({ ...draft, idempotencyKey }),
      writes: ['drafts'],
      retry: effects,
    }),

    remindClerk: fromMcp({
      name: 'remindClerk',
      server: notifications,
      tool: 'remind_clerk',
      input: z.object({ documentId: z.string(), number: z.int() }),
      output: Receipt,
      idempotencyKey: ({ documentId, number }) => `${documentId}/${number}`,
      arguments: ({ documentId }, { idempotencyKey }) => ({ documentId, idempotencyKey }),
      writes: ['notifications'],
    }),
  };
}

function localServers(timeoutMs: number): IntakeServers {
  const at = (name: keyof IntakeServers, allow: readonly string[]) =>
    mcpServer({ name, allow, timeoutMs, url: () => addressOf(name) });
  return {
    crm: at('crm', ['register_document', 'release_document', 'find_customers']),
    notifications: at('notifications', ['notify_manager', 'remind_clerk']),
    drafts: at('drafts', ['save_draft']),
  };
}

function addressOf(name: keyof IntakeServers): string {
  const { folder, title, variable } = intakeServices;
  const base = process.env[`${variable}_URL`];
  if (!base) {
    throw new Error(
      `Expected ${variable}_URL to hold the address of the ${title}. Start them with \`node dist/machines/${folder}/services/main.js --db services.db\` and set it to the URL they print, or pass \`servers\` of your own.`,
    );
  }
  return new URL(name, `${base}/`).href;
}
