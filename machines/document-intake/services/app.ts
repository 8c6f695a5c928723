/** The office's other systems as three MCP servers over streamable HTTP: `/crm`, `/notifications` and `/drafts`. */
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import { z, type ZodObject } from 'zod';

import { type NewEntry, Refused } from '../../services/ledger.ts';
import { createServiceApp } from '../../services/service-app.ts';
import type { OpenOptions, OpenService, Service } from '../../services/service.ts';
import { type Crm, openCrm } from './crm.ts';
import { faulty } from './faulty.ts';

export const entryKinds = ['notifications', 'drafts', 'reminders'] as const;

const faultTargets = ['register', 'lookup', ...entryKinds] as const;

export const intakeService: Service = { faultTargets, open: openApp };

/** By tool, what its faults are ordered for. */
const targets = {
  register_document: 'register',
  find_customers: 'lookup',
  notify_manager: 'notifications',
  remind_clerk: 'reminders',
  save_draft: 'drafts',
};

const Id = z.string().min(1).max(200);
const Sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const Receipt = z.object({
  status: z.enum(['done', 'refused']),
  id: z.string().nullable(),
  reason: z.string().nullable(),
});

function openApp(options: OpenOptions): OpenService {
  const { app } = createServiceApp({ ...options, faultTargets, kinds: entryKinds });
  const crm = openCrm(options.ledger);
  /** Makes the entry once under the key; a refusal is an answer too. */
  const entered: Entered = (kind, key, entry) => {
    try {
      return { status: 'done', reason: null, ...options.ledger.once(kind, key, entry) };
    } catch (error) {
      if (error instanceof Refused) return { status: 'refused', id: null, reason: error.message };
      throw error;
    }
  };
  const servers = {
    '/crm': () => crmServer(crm),
    '/notifications': () => notificationServer(crm, entered),
    '/drafts': () => draftServer(entered),
  };
  const handlers = Object.entries(servers).map(([path, create]) => {
    const handler = createMcpHandler(create);
    const endpoint = faulty(
      (request, parsedBody) => handler.fetch(request, { parsedBody }),
      targets,
      options,
    );
    app.all(path, (context) => endpoint(context.req.raw));
    return handler;
  });
  return {
    fetch: app.fetch,
    close: async () => void (await Promise.all(handlers.map((handler) => handler.close()))),
  };
}

type Entered = (kind: (typeof entryKinds)[number], key: string, entry: NewEntry) => object;

function crmServer(crm: Crm): McpServer {
  const server = new McpServer({ name: 'crm', version: '1.0.0' });
  addTool(server, 'register_document', {
    description:
      'Registers an incoming file by its id and the SHA-256 of its bytes, or says which document it repeats.',
    input: z.object({ documentId: Id, sha256: Sha256, fileName: z.string() }),
    output: z.object({
      status: z.enum(['registered', 'duplicate', 'refused']),
      of: z.string().nullable(),
      reason: z.string().nullable(),
    }),
    run: (document) => crm.register(document),
  });
  addTool(server, 'release_document', {
    description:
      'Takes a document out of the register, so that the same file can come again under another id.',
    input: z.object({ documentId: Id, sha256: Sha256 }),
    output: z.object({ released: z.literal(true) }),
    run: (document) => {
      crm.release(document);
      return { released: true as const };
    },
  });
  addTool(server, 'find_customers', {
    description:
      'Finds the customers with this number, with this name or contact, or with any of these contracts.',
    input: z.object({
      customerNumber: z.string().nullable(),
      name: z.string().nullable(),
      contracts: z.array(z.string()),
    }),
    output: z.object({ customers: z.array(z.looseObject({ number: z.string() })), total: z.int() }),
    run: (query) => crm.find(query),
  });
  return server;
}

function notificationServer(crm: Crm, entered: Entered): McpServer {
  const server = new McpServer({ name: 'notifications', version: '1.0.0' });
  addTool(server, 'notify_manager', {
    description: 'Tells an account manager of a document, once for each idempotency key.',
    input: z.object({
      idempotencyKey: Id,
      documentId: Id,
      managerId: Id,
      subject: z.string().min(1),
      text: z.string().min(1),
    }),
    output: Receipt,
    run: ({ idempotencyKey, ...body }) =>
      entered('notifications', idempotencyKey, {
        body,
        answer: (id) => {
          const takesMail = crm.takesMail(body.managerId);
          if (takesMail === undefined) throw new Refused(409, `There is no manager ${body.managerId}.`);
          if (!takesMail)
            throw new Refused(409, `Manager ${body.managerId} has left; nobody reads the mail.`);
          return { id: `note-${id}` };
        },
      }),
  });
  addTool(server, 'remind_clerk', {
    description: 'Reminds whoever is on duty of a question about a document, once for each idempotency key.',
    input: z.object({ idempotencyKey: Id, documentId: Id }),
    output: Receipt,
    run: ({ idempotencyKey, ...body }) =>
      entered('reminders', idempotencyKey, { body, answer: (id) => ({ id: `reminder-${id}` }) }),
  });
  return server;
}

function draftServer(entered: Entered): McpServer {
  const server = new McpServer({ name: 'drafts', version: '1.0.0' });
  addTool(server, 'save_draft', {
    description: 'Saves a mail as a draft, once for each idempotency key. It is never sent from here.',
    input: z.object({
      idempotencyKey: Id,
      documentId: Id,
      to: z.email(),
      subject: z.string().min(1),
      body: z.string().min(1),
    }),
    output: Receipt,
    run: ({ idempotencyKey, ...body }) =>
      entered('drafts', idempotencyKey, { body, answer: (id) => ({ id: `draft-${id}` }) }),
  });
  return server;
}

interface Tool<TInput extends ZodObject, TOutput extends ZodObject> {
  readonly description: string;
  readonly input: TInput;
  readonly output: TOutput;
  run(input: z.output<TInput>): object;
}

function addTool<TInput extends ZodObject, TOutput extends ZodObject>(
  server: McpServer,
  name: keyof typeof targets | 'release_document',
  { description, input, output, run }: Tool<TInput, TOutput>,
): void {
  const config = { description, inputSchema: input as ZodObject, outputSchema: output as ZodObject };
  server.registerTool(name, config, (given) => {
    const structuredContent = run(given as z.output<TInput>) as Record<string, unknown>;
    return { content: [{ type: 'text', text: JSON.stringify(structuredContent) }], structuredContent };
  });
}
