/**
 * A request to the helpdesk, from its arrival to the mail that answers it.
 *
 *   classify, and vote if unsure → look up what is known, by route → draft, or let the agent try → check → send
 *
 * The four handlers differ in what they look up, and `urgent` in that it opens an incident; they share all the rest. What
 * fits no handler goes to an agent in a fence, and its draft through the same check as any other.
 *
 * Models and sources that are away are asked again by the actors' own policies, durably; what is left over is for people,
 * each with a due time, and after it for a supervisor, and after that for an end that says so. The two steps that cannot be
 * taken back, `openingIncident` and `sending`, go under a key made from the request, so a repeat has no second effect.
 */
import { accountOf, draftInputOf, incidentOf, initialContext, outcomeOf, queryOf } from './context.ts';
import { composeMail } from './mail.ts';
import {
  createQuestions,
  incidentAnswers,
  mailAnswers,
  reminding,
  replyAnswers,
  routeAnswers,
} from './people.ts';
import { createSetup, type HelpdeskRouterOptions } from './setup.ts';

/** Without facts, a person replies. */
const factsFailed = {
  target: 'awaitingReply',
  actions: { type: 'askBecause', params: 'What is known could not be looked up.' },
} as const;

export function createHelpdeskRouterMachine(options: HelpdeskRouterOptions = {}) {
  const questions = createQuestions(options);
  return createSetup(options).createMachine({
    id: 'helpdesk-router',
    description: 'Sends a request to the handler that it is for, and answers it.',
    context: ({ input }) => initialContext(input),
    output: ({ context }) => outcomeOf(context),
    initial: 'received',
    states: {
      // ---- The route --------------------------------------------------------------------------------------
      received: {
        description: 'A request without a single sign to read is not worth a question to anyone.',
        always: [{ guard: 'somethingToRead', target: 'classifying' }, { target: 'empty' }],
      },

      classifying: {
        description:
          'The cheap model names a route, others that it could be, and the words that bear it out.',
        invoke: {
          id: 'classifyRequest',
          src: 'classifyRequest',
          input: ({ context }) => context.request,
          onDone: [
            { guard: 'routeSure', target: 'routed', actions: 'takeClassification' },
            { target: 'votingOnRoute', actions: 'keepClassification' },
          ],
          onError: {
            target: 'awaitingRoute',
            actions: { type: 'askBecause', params: 'The request could not be classified.' },
          },
        },
      },

      votingOnRoute: {
        description: 'Up to five are asked anew; the route that most of all five name is taken.',
        invoke: {
          id: 'voteOnRoute',
          src: 'voteOnRoute',
          input: ({ context }) => context.request,
          onDone: [
            { guard: 'voteDecided', target: 'routed', actions: 'takeVote' },
            { target: 'awaitingRoute', actions: 'keepVotes' },
          ],
          onError: {
            target: 'awaitingRoute',
            actions: { type: 'askBecause', params: 'The request could not be put to the vote.' },
          },
        },
      },

      awaitingRoute: {
        description: 'A person chooses the route, or closes the request.',
        ...questions.route.ofDesk,
        ...reminding,
        on: routeAnswers,
        after: { routeTime: 'routeEscalated' },
      },

      routeEscalated: {
        description: 'Nobody chose a route in time; a supervisor does.',
        ...questions.route.ofSupervisor,
        on: routeAnswers,
        after: { supervisorTime: 'unanswered' },
      },

      // ---- What is known ----------------------------------------------------------------------------------
      routed: {
        description: 'The route says what is looked up; what fits none is for the agent.',
        always: [
          { guard: { type: 'routeIs', params: 'technical' }, target: 'searchingIssues' },
          { guard: { type: 'routeIs', params: 'billing' }, target: 'lookingUpAccount' },
          { guard: { type: 'routeIs', params: 'urgent' }, target: 'readingStatus' },
          { guard: { type: 'routeIs', params: 'general' }, target: 'searchingArticles' },
          { target: 'askingAgent' },
        ],
      },

      searchingIssues: {
        description: 'Technical: the known issues are searched.',
        invoke: {
          id: 'searchIssues',
          src: 'searchIssues',
          input: ({ context }) => queryOf(context),
          onDone: { target: 'drafting', actions: 'keepFacts' },
          onError: factsFailed,
        },
      },

      lookingUpAccount: {
        description: "Billing: the account's charges are looked up, if it is the sender's.",
        invoke: {
          id: 'lookUpAccount',
          src: 'lookUpAccount',
          input: ({ context }) => accountOf(context),
          onDone: { target: 'drafting', actions: 'keepFacts' },
          onError: factsFailed,
        },
      },

      searchingArticles: {
        description: 'General: the help articles are searched.',
        invoke: {
          id: 'searchArticles',
          src: 'searchArticles',
          input: ({ context }) => queryOf(context),
          onDone: { target: 'drafting', actions: 'keepFacts' },
          onError: factsFailed,
        },
      },

      readingStatus: {
        description: 'Urgent: what works and what does not. If that cannot be read, it is no less urgent.',
        invoke: {
          id: 'readStatus',
          src: 'readStatus',
          input: {},
          onDone: { target: 'openingIncident', actions: 'keepFacts' },
          onError: 'openingIncident',
        },
      },

      openingIncident: {
        description: 'The on-call team is paged, at most once for a request.',
        invoke: {
          id: 'openIncident',
          src: 'openIncident',
          input: ({ context }) => incidentOf(context),
          onDone: [
            { guard: 'incidentOpened', target: 'drafting', actions: 'keepIncident' },
            { target: 'awaitingIncidentCheck', actions: 'keepIncident' },
          ],
          onError: {
            target: 'awaitingIncidentCheck',
            actions: [
              'noteIncidentUnknown',
              { type: 'askBecause', params: 'It is not known whether the on-call team was paged.' },
            ],
          },
        },
      },

      awaitingIncidentCheck: {
        description: 'A person finds out whether the on-call team was paged, or why not.',
        ...questions.incident.ofDesk,
        ...reminding,
        on: incidentAnswers,
        after: { checkTime: 'incidentCheckEscalated' },
      },

      incidentCheckEscalated: {
        description: 'Nobody found out in time; a supervisor does. If not, the reply speaks of no incident.',
        ...questions.incident.ofSupervisor,
        on: incidentAnswers,
        after: { supervisorTime: 'drafting' },
      },

      // ---- The draft --------------------------------------------------------------------------------------
      drafting: {
        description: 'The better model writes the reply, or writes it again with what was wrong in view.',
        invoke: {
          id: 'draftReply',
          src: 'draftReply',
          input: ({ context }) => draftInputOf(context),
          onDone: { target: 'checkingDraft', actions: 'keepDraft' },
          onError: {
            target: 'awaitingReply',
            actions: { type: 'askBecause', params: 'No reply could be drafted.' },
          },
        },
      },

      askingAgent: {
        description: 'An agent looks things up until it has an answer, hands over, or comes to a limit.',
        invoke: {
          id: 'helpOut',
          src: 'helpOut',
          input: ({ context }) => context.request,
          onDone: [
            { guard: 'agentAnswered', target: 'readingSources', actions: 'keepAgentsDraft' },
            { target: 'awaitingReply', actions: 'askAboutAgent' },
          ],
          onError: {
            target: 'awaitingReply',
            actions: { type: 'askBecause', params: 'The agent came to no answer.' },
          },
        },
      },

      readingSources: {
        description: 'What the agent says that it read is looked up again, so that its draft can be checked.',
        invoke: {
          id: 'readSources',
          src: 'readSources',
          input: ({ context: { sources } }) => ({ sources }),
          onDone: { target: 'checkingDraft', actions: 'keepFacts' },
          onError: factsFailed,
        },
      },

      checkingDraft: {
        description: 'One check for every draft, whoever wrote it; one more try is allowed.',
        always: [
          { guard: 'replyChecked', target: 'replyReady', actions: 'takeDraft' },
          { guard: 'mayRedraft', target: 'drafting', actions: ['noteFaults', 'countRedraft'] },
          {
            target: 'awaitingReply',
            actions: ['noteFaults', { type: 'askBecause', params: 'The draft did not pass its check.' }],
          },
        ],
      },

      awaitingReply: {
        description: 'A person writes the reply, lets the draft go out as it is, or closes the request.',
        ...questions.reply.ofDesk,
        ...reminding,
        on: replyAnswers,
        after: { replyTime: 'replyEscalated' },
      },

      replyEscalated: {
        description: 'Nobody wrote the reply in time; a supervisor does.',
        ...questions.reply.ofSupervisor,
        on: replyAnswers,
        after: { supervisorTime: 'unanswered' },
      },

      // ---- The mail ---------------------------------------------------------------------------------------
      replyReady: {
        description: 'The reply may go out, if there is an address.',
        always: [{ guard: 'addressKnown', target: 'sending' }, { target: 'noAddress' }],
      },

      sending: {
        description: 'The mail goes out, at most once for a request.',
        invoke: {
          id: 'sendReply',
          src: 'sendReply',
          input: ({ context }) => composeMail(context),
          onDone: [
            { guard: 'mailSent', target: 'answered', actions: 'keepMail' },
            { target: 'awaitingMailCheck', actions: 'keepMail' },
          ],
          onError: {
            target: 'awaitingMailCheck',
            actions: [
              'noteMailUnknown',
              { type: 'askBecause', params: 'It is not known whether the mail went out.' },
            ],
          },
        },
      },

      awaitingMailCheck: {
        description: 'A person finds out whether the mail went out, or why not.',
        ...questions.mail.ofDesk,
        ...reminding,
        on: mailAnswers,
        after: { checkTime: 'mailCheckEscalated' },
      },

      mailCheckEscalated: {
        description: 'Nobody found out in time; a supervisor does. If not, it ends as unsent.',
        ...questions.mail.ofSupervisor,
        on: mailAnswers,
        after: { supervisorTime: 'unsent' },
      },

      // ---- Ends -------------------------------------------------------------------------------------------
      answered: {
        type: 'final',
        description: 'The reply went out.',
        entry: { type: 'end', params: 'answered' },
      },

      unsent: {
        type: 'final',
        description: 'The reply is in the output; the mail was refused, or nobody knows.',
        entry: { type: 'end', params: 'unsent' },
      },

      noAddress: {
        type: 'final',
        description: 'The reply is in the output, for whoever knows another way to the sender.',
        entry: { type: 'end', params: 'noAddress' },
      },

      unanswered: {
        type: 'final',
        description: 'Neither the desk nor a supervisor answered in time.',
        entry: { type: 'end', params: 'unanswered' },
      },

      closed: {
        type: 'final',
        description: 'A person closed it without a reply.',
        entry: { type: 'end', params: 'closed' },
      },

      empty: {
        type: 'final',
        description: 'There was nothing to read in the request.',
        entry: { type: 'end', params: 'empty' },
      },
    },
  });
}
