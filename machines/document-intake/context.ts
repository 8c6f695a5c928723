/** What a document's machine remembers: plain data, and how it starts. */
import { hiddenWarnings } from './page-text.ts';
import type {
  Correction,
  Customer,
  Document,
  Draft,
  DraftInput,
  Entities,
  ExtractInput,
  NotificationStatus,
  Outcome,
  Page,
  Problem,
  Reading,
} from './schemas.ts';

export interface IntakeContext {
  /** Without its bytes once they are not needed any more. */
  document: Document;
  problem: Problem | null;
  sha256: string | null;
  pages: Page[];
  warnings: string[];
  duplicateOf: string | null;
  released: boolean | null;
  /** What a model said that is not borne out, or not looked at, for a person to start from. */
  proposed: Entities | null;
  entities: Entities | null;
  checkedBy: 'document' | 'person' | null;
  /** The customers among whom a person is to choose. */
  found: Customer[];
  picked: string | null;
  customer: Customer | null;
  notified: { status: NotificationStatus; id: string | null };
  draft: Draft | null;
  reply: Draft | null;
  repliedBy: string;
  draftId: string | null;
  /** How often people have had something tried again. */
  rounds: number;
  reminders: number;
  /** Why a person is being asked, in sentences. */
  doubts: string[];
  decisions: Array<{ by: string; decided: string }>;
  corrections: Correction[];
  closed: { by: string; reason: string } | null;
}

export function initialContext(document: Document): IntakeContext {
  return {
    document,
    problem: null,
    sha256: null,
    pages: [],
    warnings: [],
    duplicateOf: null,
    released: null,
    proposed: null,
    entities: null,
    checkedBy: null,
    found: [],
    picked: null,
    customer: null,
    notified: { status: 'none', id: null },
    draft: null,
    reply: null,
    repliedBy: 'nobody',
    draftId: null,
    rounds: 0,
    reminders: 0,
    doubts: [],
    decisions: [],
    corrections: [],
    closed: null,
  };
}

/** What is known of a file once it is read. */
export function readOf({ problem, sha256, pages, cut }: Reading): Partial<IntakeContext> {
  return {
    problem,
    sha256,
    pages,
    warnings: [
      ...hiddenWarnings(pages),
      ...(cut ? ['The text is longer than is looked at; its end was left out.'] : []),
    ],
  };
}

export function extractInputOf({ document, pages }: IntakeContext): ExtractInput {
  const { fileName, receivedFrom, pdf } = document;
  return { fileName, receivedFrom, pdf, pages };
}

export function draftInputOf({ entities, customer, pages }: IntakeContext): DraftInput {
  if (!entities || !customer) throw new Error('Expected entities and a customer before a reply is drafted.');
  return { entities, customer, pages };
}

export function hasText({ problem }: IntakeContext): boolean {
  return problem === null;
}

export function isHandled({ notified, draftId }: IntakeContext): boolean {
  return draftId !== null && (notified.status === 'sent' || notified.status === 'confirmed');
}

/** As much of the text as people read on a screen. */
const mostShown = 10_000;

/** What people are shown of the document: all but its bytes, the text that nobody can see, and most of what is very long. */
export function shownDocument({ document, pages }: IntakeContext) {
  const { pdf: _, ...rest } = document;
  const shown = pages.map(({ number, text }, index) => {
    const before = pages.slice(0, index).reduce((length, page) => length + page.text.length, 0);
    return { number, text: text.slice(0, Math.max(0, mostShown - before)) };
  });
  return { ...rest, pages: shown.filter(({ text }) => text !== '') };
}

export function outcomeOf(context: IntakeContext): Outcome {
  const { document, problem, entities, checkedBy, customer, notified, draftId, repliedBy } = context;
  return {
    documentId: document.id,
    fileName: document.fileName,
    status: statusOf(context),
    problem,
    kind: entities?.kind ?? null,
    checkedBy,
    notified,
    draftId,
    repliedBy: draftId === null ? 'nobody' : repliedBy,
    duplicateOf: context.duplicateOf,
    closed: context.closed,
    released: context.released,
    warnings: context.warnings,
    customer,
    entities,
    decisions: context.decisions,
    corrections: context.corrections,
  };
}

function statusOf(context: IntakeContext): Outcome['status'] {
  if (context.closed) return 'rejected';
  if (context.duplicateOf !== null) return 'duplicate';
  if (isHandled(context)) return 'handled';
  return context.customer ? 'incomplete' : 'unreadable';
}
