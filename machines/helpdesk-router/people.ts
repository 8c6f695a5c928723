/**
 * What people are asked about a request and what they may answer. Each question is asked twice: first of the desk, which
 * is reminded until it is due, then of a supervisor.
 */
import { person, type PersonQuestion, type Who } from 'signalbox';

import type { DeskContext } from './context.ts';

export interface People {
  /** Who may let a draft out that the check has not passed. Default: anyone. */
  readonly approvers?: Who | undefined;
  /** Who may answer what the desk has not answered in time. Default: anyone. */
  readonly supervisors?: Who | undefined;
}

type Question = Omit<PersonQuestion<DeskContext>, 'due' | 'remind' | 'who' | 'title'> & {
  readonly title: string;
};
type Due = 'routeTime' | 'replyTime' | 'checkTime';

export function createQuestions({ approvers, supervisors }: People) {
  const asked = (question: Question, due: Due) => ({
    ofDesk: person<DeskContext>({ ...question, due, remind: 'reminderTime' }),
    ofSupervisor: person<DeskContext>({
      ...question,
      title: `Supervisor: ${lowerFirst(question.title)}`,
      due: 'supervisorTime',
      ...(supervisors && { who: supervisors }),
    }),
  });
  const sendDraft = { label: 'Send the draft', proposal: 'accepted' as const };

  return {
    route: asked(routeQuestion, 'routeTime'),
    incident: asked(incidentQuestion, 'checkTime'),
    reply: asked(
      {
        ...replyQuestion,
        answers: {
          REPLY: { label: 'Send my text', proposal: 'edited' },
          SEND_DRAFT: { ...sendDraft, ...(approvers && { who: approvers }) },
          CLOSE: { label: 'Close the request', proposal: 'rejected' },
        },
      },
      'replyTime',
    ),
    mail: asked(mailQuestion, 'checkTime'),
  };
}

// ---- What is asked -------------------------------------------------------------------------------------------------

const routeQuestion: Question = {
  title: 'Choose the route',
  instructions: 'ROUTE sends it there; `none` is the agent. CLOSE ends it without a reply.',
  shows: ['request', 'classification', 'votes', 'doubts'],
  proposes: ({ context: { classification } }) =>
    classification ? { route: classification.route } : undefined,
  answers: {
    ROUTE: { label: 'Send it there', proposal: 'edited' },
    CLOSE: { label: 'Close the request', proposal: 'rejected' },
  },
};

const replyQuestion: Question = {
  title: 'Write the reply',
  instructions:
    'REPLY sends your text. SEND_DRAFT sends the draft as it is, unless something in it is barred. CLOSE ends the request without a reply.',
  shows: ['request', 'route', 'facts', 'draft', 'faults', 'doubts'],
  proposes: ({ context: { draft } }) => (draft?.trim() ? { text: draft } : undefined),
};

const incidentQuestion: Question = {
  title: 'Look up the incident',
  instructions:
    'CONFIRM says that it is open, with its number. RETRY asks the on-call desk again, which cannot page anyone twice. GO_ON answers the sender without one.',
  shows: ['request', 'facts', 'doubts'],
  answers: {
    CONFIRM: { label: 'It is open' },
    RETRY: { label: 'Try again' },
    GO_ON: { label: 'Go on without' },
  },
};

const mailQuestion: Question = {
  title: 'Look up the mail',
  instructions:
    'CONFIRM says that it went out, with its id. RETRY hands it over again, which cannot send it twice. GO_ON leaves it at that.',
  shows: ['request', 'reply', 'mail', 'doubts'],
  answers: {
    CONFIRM: { label: 'It went out' },
    RETRY: { label: 'Try again' },
    GO_ON: { label: 'Leave it at that' },
  },
};

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

// ---- What may be answered ------------------------------------------------------------------------------------------

const close = { target: 'closed', actions: { type: 'noteDecision', params: 'to close it' } } as const;

export const routeAnswers = {
  ROUTE: { guard: 'routeGiven', target: 'routed', actions: 'takeRoute' },
  CLOSE: close,
} as const;

export const replyAnswers = {
  REPLY: { guard: 'replyFit', target: 'replyReady', actions: 'takeReply' },
  SEND_DRAFT: { guard: 'draftMayGo', target: 'replyReady', actions: 'takeDraftAsItIs' },
  CLOSE: close,
} as const;

export const incidentAnswers = {
  CONFIRM: { target: 'drafting', actions: 'confirmIncident' },
  RETRY: { guard: 'mayTryAgain', target: 'openingIncident', actions: 'startRound' },
  GO_ON: { target: 'drafting', actions: { type: 'noteDecision', params: 'to go on without an incident' } },
} as const;

export const mailAnswers = {
  CONFIRM: { target: 'answered', actions: 'confirmMail' },
  RETRY: { guard: 'mayTryAgain', target: 'sending', actions: 'startRound' },
  GO_ON: { target: 'unsent', actions: { type: 'noteDecision', params: 'to leave it at that' } },
} as const;

// ---- How people are reminded ---------------------------------------------------------------------------------------

/** Inside a question to the desk: a reminder again and again until the question is over. */
export const reminding = {
  initial: 'waiting',
  states: {
    waiting: {
      description: 'Nobody has answered yet.',
      after: { reminderTime: { target: 'reminding', actions: 'countReminder' } },
    },
    reminding: {
      description: 'The desk is reminded; if that fails, it is the next time.',
      invoke: {
        id: 'remindDesk',
        src: 'remindDesk',
        input: ({ context }: { readonly context: DeskContext }) => ({
          requestId: context.request.id,
          number: context.reminders,
        }),
        onDone: 'waiting',
        onError: 'waiting',
      },
    },
  },
} as const;
