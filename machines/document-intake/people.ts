/**
 * What people are asked about a document and what they may answer. Each question is asked twice: first of a clerk, who is
 * reminded until it is due, then of a supervisor.
 */
import { person, type PersonQuestion, type Who } from 'signalbox';

import { type IntakeContext, shownDocument } from './context.ts';

export interface People {
  /** Who may answer. Default: anyone. */
  readonly clerks?: Who | undefined;
  /** Who may answer what nobody has answered in time. Default: anyone. */
  readonly supervisors?: Who | undefined;
}

type Question = Omit<PersonQuestion<IntakeContext>, 'due' | 'remind' | 'who' | 'title'> & {
  readonly title: string;
};

export function createQuestions({ clerks, supervisors }: People) {
  const asked = (question: Question) => ({
    ofClerk: person<IntakeContext>({
      ...question,
      due: 'answerTime',
      remind: 'reminderTime',
      ...(clerks && { who: clerks }),
    }),
    ofSupervisor: person<IntakeContext>({
      ...question,
      title: `Supervisor: ${question.title.charAt(0).toLowerCase()}${question.title.slice(1)}`,
      due: 'supervisorTime',
      ...(supervisors && { who: supervisors }),
    }),
  });
  return {
    intake: asked(intakeQuestion),
    entities: asked(entitiesQuestion),
    customer: asked(customerQuestion),
    notice: asked(noticeQuestion),
    reply: asked(replyQuestion),
    saving: asked(savingQuestion),
  };
}

// ---- What is asked -------------------------------------------------------------------------------------------------

interface Args {
  readonly context: IntakeContext;
}

/** The document, and what else is to be seen of it. */
function showing(more: (context: IntakeContext) => Readonly<Record<string, unknown>>) {
  return ({ context }: Args) => ({
    document: shownDocument(context),
    doubts: context.doubts,
    warnings: context.warnings,
    ...more(context),
  });
}

const tryAgain = { TRY_AGAIN: { label: 'Try again' } };
const reject = { REJECT: { label: 'Reject the document' } };

const intakeQuestion: Question = {
  title: 'Take in the document',
  instructions: 'TRY_AGAIN reads and registers it once more. REJECT ends it.',
  shows: showing(() => ({})),
  answers: { ...tryAgain, ...reject },
};

const entitiesQuestion: Question = {
  title: 'Say what the document is about',
  instructions:
    'Look at the file itself, which the run keeps until then. CONFIRM_ENTITIES takes what the model says as it is. CORRECT_ENTITIES takes your values; quotes and pages may be left out. TRY_AGAIN asks the models once more, where there is text. REJECT ends it.',
  shows: showing(({ problem, proposed }) => ({ problem, proposed })),
  proposes: ({ context: { proposed } }: Args) => (proposed ? { entities: proposed } : undefined),
  answers: {
    CONFIRM_ENTITIES: { label: 'It is so', proposal: 'accepted' },
    CORRECT_ENTITIES: { label: 'It is otherwise', proposal: 'edited' },
    ...tryAgain,
    REJECT: { label: 'Reject the document', proposal: 'rejected' },
  },
};

const customerQuestion: Question = {
  title: 'Say which customer it is from',
  instructions:
    'PICK_CUSTOMER names it by its number in the CRM, one of those found or another. TRY_AGAIN looks it up once more. REJECT ends it.',
  shows: showing(({ entities, found }) => ({ entities, found })),
  answers: { PICK_CUSTOMER: { label: 'It is this one' }, ...tryAgain, ...reject },
};

const noticeQuestion: Question = {
  title: 'Find out whether the account manager was told',
  instructions:
    'CONFIRM_DONE says that they know, with a reference. TRY_AGAIN sends the same message, which cannot arrive twice. GO_ON drafts the reply all the same.',
  shows: showing(({ entities, customer, notified }) => ({ entities, customer, notified })),
  answers: {
    CONFIRM_DONE: { label: 'They know' },
    ...tryAgain,
    GO_ON: { label: 'Go on' },
  },
};

const replyQuestion: Question = {
  title: 'Write the reply',
  instructions:
    'WRITE_REPLY saves your text as a draft. APPROVE_REPLY saves what the model wrote as it is. TRY_AGAIN asks the model once more. GO_ON leaves it without a reply. Nothing is sent.',
  shows: showing(({ entities, customer, draft }) => ({ entities, customer, draft })),
  proposes: ({ context: { draft } }: Args) => draft ?? undefined,
  answers: {
    WRITE_REPLY: { label: 'Save my text', proposal: 'edited' },
    APPROVE_REPLY: { label: 'Save the draft', proposal: 'accepted' },
    ...tryAgain,
    GO_ON: { label: 'No reply', proposal: 'rejected' },
  },
};

const savingQuestion: Question = {
  title: 'Find out whether the reply was saved',
  instructions:
    'CONFIRM_DONE says that it is among the drafts, with its id. TRY_AGAIN saves the same, which cannot be there twice. GO_ON leaves it at that.',
  shows: showing(({ customer, reply }) => ({ customer, reply })),
  answers: { CONFIRM_DONE: { label: 'It is there' }, ...tryAgain, GO_ON: { label: 'Leave it at that' } },
};

// ---- What may be answered ------------------------------------------------------------------------------------------

const rejected = { target: 'givenUp', actions: 'reject' } as const;

export const intakeAnswers = {
  TRY_AGAIN: { guard: 'mayTryAgain', target: 'reading', actions: 'startRound' },
  REJECT: rejected,
} as const;

export const entitiesAnswers = {
  CONFIRM_ENTITIES: { guard: 'proposalThere', target: 'lookingUp', actions: 'confirmEntities' },
  CORRECT_ENTITIES: { target: 'lookingUp', actions: 'correctEntities' },
  TRY_AGAIN: { guard: 'mayExtractAgain', target: 'extracting', actions: 'startRound' },
  REJECT: rejected,
} as const;

export const customerAnswers = {
  PICK_CUSTOMER: { guard: 'mayTryAgain', target: 'lookingUp', actions: ['startRound', 'pickCustomer'] },
  TRY_AGAIN: { guard: 'mayTryAgain', target: 'lookingUp', actions: 'startRound' },
  REJECT: rejected,
} as const;

export const noticeAnswers = {
  CONFIRM_DONE: { target: 'drafting', actions: 'confirmNotice' },
  TRY_AGAIN: { guard: 'mayTryAgain', target: 'notifying', actions: 'startRound' },
  GO_ON: { target: 'drafting', actions: ['skipNotice', { type: 'noteDecision', params: 'to go on' }] },
} as const;

export const replyAnswers = {
  WRITE_REPLY: { target: 'saving', actions: 'takeReply' },
  APPROVE_REPLY: { guard: 'draftThere', target: 'saving', actions: 'approveDraft' },
  TRY_AGAIN: { guard: 'mayTryAgain', target: 'drafting', actions: 'startRound' },
  GO_ON: { target: 'finished', actions: { type: 'noteDecision', params: 'to leave it without a reply' } },
} as const;

export const savingAnswers = {
  CONFIRM_DONE: { target: 'finished', actions: 'confirmDraft' },
  TRY_AGAIN: { guard: 'mayTryAgain', target: 'saving', actions: 'startRound' },
  GO_ON: { target: 'finished', actions: { type: 'noteDecision', params: 'to leave it at that' } },
} as const;

// ---- How people are reminded ---------------------------------------------------------------------------------------

/** Inside a question to a clerk: a reminder again and again until the question is over. */
export const reminding = {
  initial: 'waiting',
  states: {
    waiting: {
      description: 'Nobody has answered yet.',
      after: { reminderTime: { target: 'reminding', actions: 'countReminder' } },
    },
    reminding: {
      description: 'The clerk is reminded; if that fails, it is the next time.',
      invoke: {
        id: 'remindClerk',
        src: 'remindClerk',
        input: ({ context }: Args) => ({ documentId: context.document.id, number: context.reminders }),
        onDone: 'waiting',
        onError: 'waiting',
      },
    },
  },
} as const;
