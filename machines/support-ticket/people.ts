/** What people are asked about a support ticket and what they may answer, the same for a supervisor. */
import type { PersonQuestion } from 'signalbox';

import type { TicketContext } from './context.ts';

type Question = Omit<PersonQuestion<TicketContext>, 'title' | 'due'>;

// What is asked.

export const triageQuestion = {
  instructions:
    'CLASSIFY names its categories, and may say which text belongs to which. CLOSE ends the ticket without a reply.',
  shows: ['ticket', 'doubts'],
  answers: { CLASSIFY: { label: 'Sort it' }, CLOSE: { label: 'Close the ticket' } },
} satisfies Question;

export const replyQuestion = {
  instructions:
    'REPLY sends your text. APPROVE_REPLY sends the draft as it is, whatever was found wrong with it. CLOSE ends the whole ticket, with all that is not yet answered.',
  shows: ['ticket', 'parts', 'partIndex', 'facts', 'draft', 'faults', 'doubts'],
  proposes: ({ context }: { readonly context: TicketContext }) =>
    context.draft?.trim() ? { text: context.draft } : undefined,
  answers: {
    REPLY: { label: 'Send my text', proposal: 'edited' },
    APPROVE_REPLY: { label: 'Send the draft', proposal: 'accepted' },
    CLOSE: { label: 'Close the ticket' },
  },
} satisfies Question;

export const approvalQuestion = {
  instructions:
    'APPROVE refunds what is proposed, if it makes sense. EDIT refunds your amount instead, at most what was charged. REJECT refunds nothing.',
  shows: ['ticket', 'facts', 'decision', 'doubts', 'reply'],
  proposes: ({ context }: { readonly context: TicketContext }) =>
    context.decision ? { amount: context.decision.amount } : undefined,
  answers: {
    APPROVE: { label: 'Refund it', proposal: 'accepted' },
    EDIT: { label: 'Refund another amount', proposal: 'edited' },
    REJECT: { label: 'Refund nothing', proposal: 'rejected' },
  },
} satisfies Question;

export const paymentQuestion = {
  instructions:
    'CONFIRM says that it was made, with its reference. RETRY gives the same order again, which cannot pay twice. ABANDON gives it up.',
  shows: ['ticket', 'decision', 'refund', 'doubts'],
  answers: {
    CONFIRM: { label: 'It was made' },
    RETRY: { label: 'Try again' },
    ABANDON: { label: 'Give it up' },
  },
} satisfies Question;

export const mailQuestion = {
  instructions:
    'CONFIRM says that it went out, with its id. RETRY hands it over again, which cannot send it twice. ABANDON gives it up.',
  shows: ['ticket', 'reply', 'refund', 'doubts'],
  answers: {
    CONFIRM: { label: 'It went out' },
    RETRY: { label: 'Try again' },
    ABANDON: { label: 'Give it up' },
  },
} satisfies Question;

// What may be answered.

export const triageAnswers = {
  CLASSIFY: { guard: 'triageUsable', target: 'triaged', actions: 'keepTriage' },
  CLOSE: { target: 'recordingOutcome', actions: 'close' },
} as const;

export const replyAnswers = {
  REPLY: { guard: 'replyGiven', target: 'replyReady', actions: 'takeReply' },
  APPROVE_REPLY: { guard: 'draftThere', target: 'replyReady', actions: 'takeApprovedDraft' },
  CLOSE: { target: 'recordingOutcome', actions: 'close' },
} as const;

export const approvalAnswers = {
  APPROVE: { guard: 'decisionSane', target: 'refunding', actions: 'approve' },
  EDIT: { guard: 'editSane', target: 'refunding', actions: 'edit' },
  REJECT: { target: 'sending', actions: 'reject' },
} as const;

export const paymentAnswers = {
  CONFIRM: { target: 'sending', actions: 'confirmRefund' },
  RETRY: { guard: 'mayGoAnotherRound', target: 'refunding', actions: 'startRound' },
  ABANDON: { target: 'sending', actions: 'abandonRefund' },
} as const;

export const mailAnswers = {
  CONFIRM: { target: 'recordingOutcome', actions: 'confirmMail' },
  RETRY: { guard: 'mayGoAnotherRound', target: 'sending', actions: 'startRound' },
  ABANDON: { target: 'recordingOutcome' },
} as const;
