/** The shapes that go in and out of the helpdesk router: its input, output and events, and what its actors answer. */
import { z } from 'zod';

/** `none`: it fits no handler, so the fenced agent takes it. */
export const Route = z.enum(['technical', 'billing', 'urgent', 'general', 'none']);
export type Route = z.infer<typeof Route>;

const Text = z.string().trim().min(1);
/** Who answered: it goes on record with the answer. */
const Name = Text.max(100);

export const HelpRequest = z.object({
  /** Names the request in every system: at most one incident and one mail are made under it. */
  id: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/, 'Expected letters, digits, - and _'),
  /** The mail address that it came from, and that the reply goes to; `null` if there is none. */
  from: z.email().max(320).nullable(),
  /** The account that it names; `null` if it names none. It is looked up only if it is the sender's. */
  account: z.string().min(1).max(64).nullable(),
  subject: z.string().max(500),
  text: z.string().max(100_000),
});
export type HelpRequest = z.infer<typeof HelpRequest>;

/** What a request says, to whoever sorts or answers it. */
export const RequestText = HelpRequest.pick({ subject: true, text: true });
export type RequestText = z.infer<typeof RequestText>;

/** Where the model would send a request. How sure that is, the gate sees from the rest, and not from a number. */
export const Classification = z.object({
  route: Route,
  /** Other routes that it could be as well. */
  others: z.array(Route),
  /** The words of the request, letter for letter, that bear the route out. */
  quotes: z.array(z.string()),
});
export type Classification = z.infer<typeof Classification>;

// ---- What is known -------------------------------------------------------------------------------------------------

export const Article = z.object({ id: z.string(), title: z.string(), text: z.string(), link: z.url() });

export const Issue = z.object({
  id: z.string(),
  title: z.string(),
  steps: z.array(z.string()),
  status: z.string(),
});

export const Account = z.object({
  id: z.string(),
  plan: z.string(),
  currency: z.string().regex(/^[A-Z]{3}$/),
  charges: z.array(z.object({ date: z.iso.date(), amount: z.number(), description: z.string() })),
});

export const Component = z.object({
  name: z.string(),
  state: z.enum(['working', 'disturbed', 'down']),
  note: z.string(),
});

/**
 * What is known about a request: the same shape for every route, each of which fills in its part. A part that is there
 * and empty was looked for and not found; one that is not there was not looked for.
 */
export const Facts = z.object({
  issues: z.array(Issue).optional(),
  /** `null`: there is no such account, or it is not the sender's. */
  account: Account.nullable().optional(),
  components: z.array(Component).optional(),
  articles: z.array(Article).optional(),
  /** The one that was opened for this request. */
  incident: z.object({ id: z.string() }).optional(),
});
export type Facts = z.infer<typeof Facts>;

// ---- What the actors are asked and answer --------------------------------------------------------------------------

export const DraftInput = RequestText.extend({
  route: Route,
  facts: Facts.nullable(),
  /** The draft before, if there is one, and why it may not go out. */
  previous: z.string().nullable(),
  faults: z.array(z.string()),
});
export type DraftInput = z.infer<typeof DraftInput>;

export const Draft = z.object({ reply: z.string() });
export type Draft = z.infer<typeof Draft>;

export const AgentAnswer = z.object({
  reply: z.string(),
  /** What the reply rests on: ids of articles and known issues, `status`. */
  sources: z.array(z.string().max(64)).max(12),
});
export type AgentAnswer = z.infer<typeof AgentAnswer>;

/** What the on-call team said. Silence, a crash and a 5xx are no answer: they are errors, and the outcome is unknown. */
export const IncidentReceipt = z.discriminatedUnion('status', [
  z.object({ status: z.literal('opened'), id: z.string() }),
  z.object({ status: z.literal('refused'), reason: z.string() }),
]);
export type IncidentReceipt = z.infer<typeof IncidentReceipt>;

export const MailReceipt = z.discriminatedUnion('status', [
  z.object({ status: z.literal('sent'), id: z.string() }),
  z.object({ status: z.literal('refused'), reason: z.string() }),
]);
export type MailReceipt = z.infer<typeof MailReceipt>;

// ---- The output ----------------------------------------------------------------------------------------------------

export const Votes = z.object({
  /** How many of the five it took. */
  cast: z.int(),
  /** How many said so, by route. Who gave no usable answer is not among them. */
  for: z.partialRecord(Route, z.int()),
});
export type Votes = z.infer<typeof Votes>;

/** Who chose the route. */
export const RoutedBy = z.enum(['model', 'vote', 'person']);
export type RoutedBy = z.infer<typeof RoutedBy>;

/**
 * How it ended.
 * `answered`: the reply went out · `unsent`: the reply is ready, and it was not sent or nobody knows · `noAddress`: the
 * reply is ready, and there is nowhere to send it · `unanswered`: no person answered in time · `closed`: by a person ·
 * `empty`: there was nothing to read.
 */
export const Status = z.enum(['answered', 'unsent', 'noAddress', 'unanswered', 'closed', 'empty']);
export type Status = z.infer<typeof Status>;

/** `none`: none was asked for. `unknown`: the on-call desk gave no answer, and nobody has found out. */
export const Incident = z.object({
  status: z.enum(['none', 'opened', 'refused', 'unknown']),
  id: z.string().nullable(),
});
export type Incident = z.infer<typeof Incident>;

/** `none`: none was sent off. `unknown`: the outbox gave no answer, and nobody has found out. */
export const Mail = z.object({
  status: z.enum(['none', 'sent', 'refused', 'unknown']),
  id: z.string().nullable(),
});
export type Mail = z.infer<typeof Mail>;

/** What a person decided, beside the route and the reply. */
export const Decision = z.object({ by: z.string(), decided: z.string() });
export type Decision = z.infer<typeof Decision>;

export const Outcome = z.object({
  requestId: z.string(),
  status: Status,
  /** `null` if nobody chose one. */
  route: Route.nullable(),
  routedBy: RoutedBy.nullable(),
  /** `null` if it was not put to the vote. */
  votes: Votes.nullable(),
  /** As it was checked, without what the mail says below it; `null` if nobody wrote one. */
  reply: z.string().nullable(),
  /** `model`, `agent`, the name of the person who wrote the reply or let it go out, or `nobody`. */
  handledBy: z.string(),
  incident: Incident,
  mail: Mail,
  decisions: z.array(Decision),
});
export type Outcome = z.infer<typeof Outcome>;

// ---- Events --------------------------------------------------------------------------------------------------------

/** The events that people send, by type; the payloads without the type. */
export const events = {
  ROUTE: z.object({ by: Name, route: Route }),
  REPLY: z.object({ by: Name, text: Text.max(10_000) }),
  SEND_DRAFT: z.object({ by: Name }),
  CLOSE: z.object({ by: Name, reason: Text }),
  CONFIRM: z.object({ by: Name, reference: Text.max(100) }),
  RETRY: z.object({ by: Name }),
  GO_ON: z.object({ by: Name, reason: Text }),
};

type Payload<TType extends keyof typeof events> = z.infer<(typeof events)[TType]>;

export type DeskEvent = {
  [TType in keyof typeof events]: { type: TType } & Payload<TType>;
}[keyof typeof events];
