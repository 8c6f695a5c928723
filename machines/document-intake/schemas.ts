/** The shapes that go in and out of the document intake: its input, output and events, and what its actors answer. */
import { z, type ZodType } from 'zod';

const Text = z.string().trim().min(1);
/** Who answered: it goes on record with the answer. */
const Name = Text.max(100);

const mostBytes = 4 * 1024 * 1024;

export const Document = z.object({
  /** Names the document in every system: it is registered, told of and answered at most once under it. */
  id: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/, 'Expected letters, digits, - and _'),
  fileName: z.string().trim().min(1).max(200),
  /** The mail address that it came from; `null` if it came another way. Anyone can write any address: it proves nothing. */
  receivedFrom: z.email().nullable(),
  receivedAt: z.iso.datetime({ offset: true }).optional(),
  /** The file, in base64, with or without line breaks. At most 4 MB of it. */
  pdf: z.string().max(Math.ceil((mostBytes * 4) / 3) * 1.05),
});
export type Document = z.infer<typeof Document>;

// ---- What is read --------------------------------------------------------------------------------------------------

/**
 * Why a file cannot be worked on as it is.
 * `not-base64`, `empty`, `not-a-pdf`, `blank`: there is no document in it · `encrypted`, `damaged`, `too-many-pages`: only
 * a person can read it · `no-text`: the model can read it, but nothing that it says can be checked.
 */
export const Problem = z.enum([
  'not-base64',
  'empty',
  'not-a-pdf',
  'blank',
  'encrypted',
  'damaged',
  'too-many-pages',
  'no-text',
]);
export type Problem = z.infer<typeof Problem>;

export const Page = z.object({
  /** From 1. */
  number: z.int(),
  /** What a reader of the page sees, and what was filled into its form. */
  text: z.string(),
  /** What is in the file and cannot be seen on the page: white, tiny, or drawn as invisible. */
  hidden: z.string(),
});
export type Page = z.infer<typeof Page>;

export const Reading = z.object({
  problem: Problem.nullable(),
  /** Of the bytes, in hex; `null` if there are none. */
  sha256: z.string().nullable(),
  pageCount: z.int().nullable(),
  pages: z.array(Page),
  /** The text is longer than is looked at, and its end is left out. */
  cut: z.boolean(),
});
export type Reading = z.infer<typeof Reading>;

// ---- What is extracted ---------------------------------------------------------------------------------------------

export const kinds = [
  'order',
  'complaint',
  'cancellation',
  'change-of-address',
  'invoice-query',
  'other',
] as const;

/** A value with where it stands. */
function cited<TValue extends ZodType, TQuote extends ZodType, TPage extends ZodType>(
  value: TValue,
  quote: TQuote,
  page: TPage,
) {
  return z.object({ value, quote, page });
}

/** What a document is about, for what a model says, which is quoted, and for what a person types, which need not be. */
function entitiesCited<TQuote extends ZodType, TPage extends ZodType>(quote: TQuote, page: TPage) {
  return z.object({
    kind: z.enum(kinds),
    /** Person or company. */
    sender: cited(Text.max(200), quote, page).nullable(),
    customerNumber: cited(Text.max(40), quote, page).nullable(),
    references: z
      .array(cited(Text.max(60), quote, page).extend({ of: z.enum(['contract', 'order', 'invoice']) }))
      .max(10),
    dates: z.array(cited(z.iso.date(), quote, page).extend({ meaning: Text.max(120) })).max(10),
    amounts: z
      .array(
        cited(z.number(), quote, page).extend({
          currency: z.string().regex(/^[A-Z]{3}$/, 'Expected the three letters of a currency'),
          meaning: Text.max(120),
        }),
      )
      .max(15),
    /** What is asked of us, in one sentence. */
    request: cited(Text.max(400), quote, page),
  });
}

/** What the model answers. Each quote is word for word, from the page that is named. */
export const Extraction = entitiesCited(Text.max(300), z.int().min(1));
export type Extraction = z.infer<typeof Extraction>;

/** What is worked with. Of what a person has said it need not be known where it stands. */
const Quote = Text.max(300).nullable();
const PageNumber = z.int().min(1).nullable();
export const Entities = entitiesCited(Quote, PageNumber);
export type Entities = z.infer<typeof Entities>;

/** What a person types. */
const TypedEntities = entitiesCited(Quote.default(null), PageNumber.default(null));

export const ExtractInput = z.object({
  fileName: z.string(),
  receivedFrom: z.string().nullable(),
  pdf: z.string(),
  pages: z.array(Page),
});
export type ExtractInput = z.infer<typeof ExtractInput>;

// ---- What other systems say ----------------------------------------------------------------------------------------

export const Registration = z.object({
  /** `duplicate`: another document brought the same bytes · `refused`: the id was used for another file. */
  status: z.enum(['registered', 'duplicate', 'refused']),
  /** Of a duplicate: the id of the document that came first. */
  of: z.string().nullable(),
  reason: z.string().nullable(),
});
export type Registration = z.infer<typeof Registration>;

export const Customer = z.object({
  number: z.string(),
  name: z.string(),
  city: z.string(),
  /** As it is on file: where a reply goes, whoever the document says to write to. */
  email: z.email(),
  /** People who write for it. */
  contacts: z.array(z.string()),
  contracts: z.array(
    z.object({ number: z.string(), product: z.string(), cancelledOn: z.iso.date().nullable() }),
  ),
  manager: z.object({ id: z.string(), name: z.string(), email: z.string() }),
});
export type Customer = z.infer<typeof Customer>;

export const LookUpInput = z.object({
  customerNumber: z.string().nullable(),
  name: z.string().nullable(),
  contracts: z.array(z.string()),
});
export type LookUpInput = z.infer<typeof LookUpInput>;

export const Found = z.object({
  /** The first few of those that fit any of what was asked for. */
  customers: z.array(Customer),
  total: z.int(),
});
export type Found = z.infer<typeof Found>;

/** What a system that acts has said. Silence is no answer: it is an error, and the outcome is unknown. */
export const Receipt = z.object({
  status: z.enum(['done', 'refused']),
  id: z.string().nullable(),
  reason: z.string().nullable(),
});
export type Receipt = z.infer<typeof Receipt>;

// ---- The reply -----------------------------------------------------------------------------------------------------

export const DraftInput = z.object({
  entities: Entities,
  customer: Customer,
  pages: z.array(Page),
});
export type DraftInput = z.infer<typeof DraftInput>;

export const Draft = z.object({ subject: Text.max(200), body: Text.max(4_000) });
export type Draft = z.infer<typeof Draft>;

// ---- The end -------------------------------------------------------------------------------------------------------

/**
 * What became of the message to the account manager.
 * `none`: it did not come to that · `sent` · `confirmed`: a person found it · `unknown`: nobody knows · `skipped`: a person
 * went on without, or nobody decided after it was refused.
 */
export const NotificationStatus = z.enum(['none', 'sent', 'confirmed', 'unknown', 'skipped']);
export type NotificationStatus = z.infer<typeof NotificationStatus>;

const Correction = z.object({
  by: z.string(),
  of: z.enum(['entities', 'reply']),
  changes: z.array(
    z.object({
      path: z.array(z.union([z.string(), z.number()])).readonly(),
      from: z.unknown().optional(),
      to: z.unknown().optional(),
    }),
  ),
});
export type Correction = z.infer<typeof Correction>;

export const Outcome = z.object({
  documentId: z.string(),
  fileName: z.string(),
  /**
   * `handled`: the manager was told and a reply is saved · `incomplete`: one of the two is not so · `duplicate` ·
   * `unreadable`: there is no document in the file · `rejected`: by a person, or for want of one.
   */
  status: z.enum(['handled', 'incomplete', 'duplicate', 'unreadable', 'rejected']),
  problem: Problem.nullable(),
  kind: z.enum(kinds).nullable(),
  /** `document`: each value stands in its text · `person`: one typed or confirmed them. */
  checkedBy: z.enum(['document', 'person']).nullable(),
  notified: z.object({ status: NotificationStatus, id: z.string().nullable() }),
  /** The reply that was saved as a draft. Nothing was sent. */
  draftId: z.string().nullable(),
  /** `model`, or the name of the person who wrote or approved the reply, or `nobody`. */
  repliedBy: z.string(),
  duplicateOf: z.string().nullable(),
  closed: z.object({ by: z.string(), reason: z.string() }).nullable(),
  /** Whether the same file can come again under another id; `null` if it was not registered or stays so. */
  released: z.boolean().nullable(),
  /** What is odd about the file: text that cannot be seen, text that was too long. */
  warnings: z.array(z.string()),
  customer: Customer.nullable(),
  entities: Entities.nullable(),
  /** The people who had a say, with what they said. */
  decisions: z.array(z.object({ by: z.string(), decided: z.string() })),
  /** What people changed of what a model said. */
  corrections: z.array(Correction),
});
export type Outcome = z.infer<typeof Outcome>;

/** The events that people send, by type; the payloads without the type. */
export const events = {
  TRY_AGAIN: z.object({ by: Name }),
  CONFIRM_ENTITIES: z.object({ by: Name }),
  CORRECT_ENTITIES: z.object({ by: Name, entities: TypedEntities }),
  PICK_CUSTOMER: z.object({ by: Name, customerNumber: Text.max(40) }),
  CONFIRM_DONE: z.object({ by: Name, reference: Text.max(200) }),
  GO_ON: z.object({ by: Name, reason: Text }),
  WRITE_REPLY: z.object({ by: Name, subject: Draft.shape.subject, body: Draft.shape.body }),
  APPROVE_REPLY: z.object({ by: Name }),
  REJECT: z.object({ by: Name, reason: Text }),
};

type Payload<TType extends keyof typeof events> = z.infer<(typeof events)[TType]>;

export type IntakeEvent = {
  [TType in keyof typeof events]: { type: TType } & Payload<TType>;
}[keyof typeof events];
