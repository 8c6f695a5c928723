/** What the helpdesk router's machine remembers: plain data, and how it starts. */
import { allFaults, type Faults, faultsOfReply, noFaults } from './reply-check.ts';
import { faultsOfQuotes } from './routing.ts';
import type {
  Classification,
  Decision,
  DraftInput,
  Facts,
  HelpRequest,
  Incident,
  Mail,
  Outcome,
  Route,
  RoutedBy,
  Status,
  Votes,
} from './schemas.ts';
import { beginningOf, tellingWords, wholeText } from './words.ts';

export interface DeskContext {
  request: HelpRequest;
  /** What the model said of the request, or the winning vote. */
  classification: Classification | null;
  route: Route | null;
  routedBy: RoutedBy | null;
  votes: Votes | null;
  /** `null`: nothing could be looked up. */
  facts: Facts | null;
  draft: string | null;
  /** What an agent says that its draft rests on. */
  sources: string[];
  /** Who wrote the draft. */
  draftedBy: 'model' | 'agent';
  /** What is wrong with the draft. The next one is written with it in view. */
  faults: Faults;
  redrafts: number;
  reply: string | null;
  handledBy: string;
  incident: Incident;
  mail: Mail;
  /** How often a person has had an incident, or then the mail, tried again. */
  rounds: number;
  /** How often people were reminded, over all questions. */
  reminders: number;
  /** Why a person is being asked, in sentences. */
  doubts: string[];
  decisions: Decision[];
  status: Status | null;
}

export function initialContext(request: HelpRequest): DeskContext {
  return {
    request,
    classification: null,
    route: null,
    routedBy: null,
    votes: null,
    facts: null,
    draft: null,
    sources: [],
    draftedBy: 'model',
    faults: noFaults,
    redrafts: 0,
    reply: null,
    handledBy: 'nobody',
    incident: { status: 'none', id: null },
    mail: { status: 'none', id: null },
    rounds: 0,
    reminders: 0,
    doubts: [],
    decisions: [],
    status: null,
  };
}

/** What a reading tool is asked: the request as a search. */
export function queryOf({ request }: DeskContext): { query: string } {
  return { query: wholeText(request) };
}

/** Whose account may be looked up: the sender's, and no other. */
export function accountOf({ request: { account, from } }: DeskContext) {
  return { account, sender: from };
}

/** What whoever is woken has to know at once; the rest is in the request. */
export function incidentOf({ request: { id, account, subject, text } }: DeskContext) {
  return { requestId: id, account, subject, excerpt: beginningOf(text, mostOfExcerpt) };
}

const mostOfExcerpt = 600;

export function draftInputOf(context: DeskContext): DraftInput {
  const { request, facts, draft, faults } = context;
  return {
    subject: request.subject,
    text: request.text,
    route: routeOf(context),
    facts,
    previous: draft,
    faults: allFaults(faults),
  };
}

function routeOf({ route }: DeskContext): Route {
  if (route === null) throw new Error('Expected the request to have a route.');
  return route;
}

/** What is wrong with the draft in hand. */
export function draftFaultsOf(context: DeskContext): Faults {
  const { draft, request, facts } = context;
  return faultsOfReply(draft ?? '', { request, problem: problemOf(context), facts });
}

/** The words that bear out the route which was taken; all of the request if there are none, or they say nothing. */
function problemOf({ request, classification, route }: DeskContext): string {
  const quotes = classification?.route === route ? (classification?.quotes ?? []) : [];
  const quoted = quotes.join('\n');
  const saysWhat = faultsOfQuotes(quotes, request).length === 0 && tellingWords(quoted, 1).length > 0;
  return saysWhat ? quoted : wholeText(request);
}

export function outcomeOf(context: DeskContext): Outcome {
  const { request, status, route, routedBy, votes, reply, handledBy, incident, mail, decisions } = context;
  return {
    requestId: request.id,
    status: status ?? 'unanswered',
    route,
    routedBy,
    votes,
    reply,
    handledBy,
    incident,
    mail,
    decisions,
  };
}
