/**
 * A document that came in, from its file to the reply that lies ready.
 *
 *   read → register → extract and check → look up the customer → tell the account manager → draft → save
 *
 * What the file says decides nothing by itself. Each value has to stand in its text or be confirmed by a person, the
 * customer has to be certain, and what is sent, to whom and how often is for plain code and the CRM to say.
 *
 * Calls that fail are repeated by the actors' own policies, durably; whatever has an effect goes under a key made from the
 * document, so a repeat has no second one. What is left over is for a person, who is reminded; after the due time for a
 * supervisor; and after that there is an end that says so.
 */
import { draftInputOf, extractInputOf, initialContext, outcomeOf } from './context.ts';
import { lookUpInputOf } from './customers.ts';
import { noticeOf } from './notice.ts';
import {
  createQuestions,
  customerAnswers,
  entitiesAnswers,
  intakeAnswers,
  noticeAnswers,
  reminding,
  replyAnswers,
  savingAnswers,
} from './people.ts';
import { createSetup, type DocumentIntakeOptions } from './setup.ts';

/** An end for want of an answer. */
function givenUp<TReason extends string>(reason: TReason) {
  return { target: 'givenUp', actions: { type: 'giveUp', params: reason } } as const;
}

export function createDocumentIntakeMachine(options: DocumentIntakeOptions = {}) {
  const questions = createQuestions(options);
  return createSetup(options).createMachine({
    id: 'document-intake',
    description: 'Takes in a PDF: what it says, who it is from, whom it concerns, and a reply to it.',
    context: ({ input }) => initialContext(input),
    output: ({ context }) => outcomeOf(context),
    initial: 'reading',
    states: {
      // ---- The file ---------------------------------------------------------------------------------------
      reading: {
        description: 'The text is read page by page. What is no document at all goes no further.',
        invoke: {
          id: 'readPdf',
          src: 'readPdf',
          input: ({ context }) => ({ pdf: context.document.pdf }),
          onDone: [
            { guard: 'documentThere', target: 'registering', actions: 'keepReading' },
            { target: 'unreadable', actions: ['keepReading', 'dropBytes'] },
          ],
          onError: {
            target: 'awaitingIntake',
            actions: { type: 'askBecause', params: 'The file could not be read.' },
          },
        },
      },

      registering: {
        description: 'The file is registered by its hash, so that a second copy of it is known for one.',
        invoke: {
          id: 'registerDocument',
          src: 'registerDocument',
          input: ({ context }) => ({
            documentId: context.document.id,
            sha256: context.sha256 ?? '',
            fileName: context.document.fileName,
          }),
          onDone: [
            { guard: 'registered', target: 'documentReady' },
            { guard: 'isDuplicate', target: 'duplicate', actions: ['noteDuplicate', 'dropBytes'] },
            { target: 'rejected', actions: ['noteRefused', 'dropBytes'] },
          ],
          onError: {
            target: 'awaitingIntake',
            actions: { type: 'askBecause', params: 'The document could not be registered.' },
          },
        },
      },

      awaitingIntake: {
        description: 'The document could not be taken in; a person has it tried again, or rejects it.',
        ...questions.intake.ofClerk,
        ...reminding,
        on: intakeAnswers,
        after: { answerTime: 'intakeEscalated' },
      },

      intakeEscalated: {
        description: 'Nobody saw to it in time; a supervisor does.',
        ...questions.intake.ofSupervisor,
        on: intakeAnswers,
        after: { supervisorTime: givenUp('Nobody saw in time to a document that could not be taken in.') },
      },

      documentReady: {
        description:
          'Text is extracted from; pictures of text are read; what is locked or broken is for a person.',
        always: [
          { guard: 'textThere', target: 'extracting' },
          { guard: 'isScan', target: 'readingScan', actions: 'askAboutProblem' },
          { target: 'awaitingEntities', actions: 'askAboutProblem' },
        ],
      },

      // ---- What it says -----------------------------------------------------------------------------------
      extracting: {
        description:
          'The cheap model says what is in it, and the better one if its check fails; every value must stand in the text.',
        invoke: {
          id: 'extractEntities',
          src: 'extractEntities',
          input: ({ context }) => extractInputOf(context),
          onDone: [
            { guard: 'entitiesStand', target: 'lookingUp', actions: 'keepEntities' },
            { target: 'awaitingEntities', actions: 'keepProposed' },
          ],
          onError: {
            target: 'awaitingEntities',
            actions: [
              'keepRefused',
              { type: 'askBecause', params: 'The models could not say what the document is about.' },
            ],
          },
        },
      },

      readingScan: {
        description:
          'The model reads the pictures. Nothing that it says can be checked, so a person looks at all of it.',
        invoke: {
          id: 'readScan',
          src: 'readScan',
          input: ({ context }) => extractInputOf(context),
          onDone: { target: 'awaitingEntities', actions: 'keepProposed' },
          onError: {
            target: 'awaitingEntities',
            actions: { type: 'askBecause', params: 'The model could not read the pictures.' },
          },
        },
      },

      awaitingEntities: {
        description: 'A person says what the document is about, or confirms what the model says.',
        ...questions.entities.ofClerk,
        ...reminding,
        on: entitiesAnswers,
        after: { answerTime: 'entitiesEscalated' },
      },

      entitiesEscalated: {
        description: 'Nobody said in time what it is about; a supervisor does.',
        ...questions.entities.ofSupervisor,
        on: entitiesAnswers,
        after: { supervisorTime: givenUp('Nobody said in time what the document is about.') },
      },

      // ---- Who it is from ---------------------------------------------------------------------------------
      lookingUp: {
        description:
          'The CRM is asked for its number, name and contracts; two of them must agree, and none disagree.',
        entry: 'dropBytes',
        invoke: {
          id: 'lookUpCustomer',
          src: 'lookUpCustomer',
          input: ({ context }) => lookUpInputOf(context.entities, context.picked),
          onDone: [
            { guard: 'customerCertain', target: 'notifying', actions: 'takeCustomer' },
            { target: 'awaitingCustomer', actions: 'keepFound' },
          ],
          onError: {
            target: 'awaitingCustomer',
            actions: { type: 'askBecause', params: 'The customer could not be looked up.' },
          },
        },
      },

      awaitingCustomer: {
        description: 'No customer fits for certain, or several do; a person says which it is.',
        ...questions.customer.ofClerk,
        ...reminding,
        on: customerAnswers,
        after: { answerTime: 'customerEscalated' },
      },

      customerEscalated: {
        description: 'Nobody said in time which customer it is from; a supervisor does.',
        ...questions.customer.ofSupervisor,
        on: customerAnswers,
        after: { supervisorTime: givenUp('Nobody said in time which customer the document is from.') },
      },

      // ---- Whom it concerns -------------------------------------------------------------------------------
      notifying: {
        description: "The customer's account manager is told, at most once for a document.",
        invoke: {
          id: 'notifyManager',
          src: 'notifyManager',
          input: ({ context }) => noticeOf(context),
          onDone: [
            { guard: 'managerTold', target: 'drafting', actions: 'keepNotice' },
            { target: 'awaitingNotice', actions: 'keepNotice' },
          ],
          onError: {
            target: 'awaitingNotice',
            actions: [
              'noteNoticeUnknown',
              { type: 'askBecause', params: 'It is not known whether the account manager was told.' },
            ],
          },
        },
      },

      awaitingNotice: {
        description: 'A person finds out whether the account manager knows, or why not.',
        ...questions.notice.ofClerk,
        ...reminding,
        on: noticeAnswers,
        after: { answerTime: 'noticeEscalated' },
      },

      noticeEscalated: {
        description:
          'Nobody found out in time; a supervisor does. If not, the reply is drafted all the same.',
        ...questions.notice.ofSupervisor,
        on: noticeAnswers,
        after: { supervisorTime: { target: 'drafting', actions: 'skipNotice' } },
      },

      // ---- The reply --------------------------------------------------------------------------------------
      drafting: {
        description: 'The model drafts the reply, and once more if its check says why it may not be saved.',
        invoke: {
          id: 'draftReply',
          src: 'draftReply',
          input: ({ context }) => draftInputOf(context),
          onDone: [
            { guard: 'replyMayBeSaved', target: 'saving', actions: ['keepDraft', 'takeDraft'] },
            { target: 'awaitingReply', actions: 'keepDraft' },
          ],
          onError: {
            target: 'awaitingReply',
            actions: [
              'keepRefusedDraft',
              { type: 'askBecause', params: 'The model could not draft a reply that may be saved.' },
            ],
          },
        },
      },

      awaitingReply: {
        description: 'A person writes the reply, or has the draft saved as it is.',
        ...questions.reply.ofClerk,
        ...reminding,
        on: replyAnswers,
        after: { answerTime: 'replyEscalated' },
      },

      replyEscalated: {
        description: 'Nobody wrote the reply in time; a supervisor does. If not, there is none.',
        ...questions.reply.ofSupervisor,
        on: replyAnswers,
        after: { supervisorTime: 'finished' },
      },

      saving: {
        description: 'The reply is saved as a draft, at most once for a document. It is not sent.',
        invoke: {
          id: 'saveDraft',
          src: 'saveDraft',
          input: ({ context }) => ({
            documentId: context.document.id,
            to: context.customer?.email ?? '',
            subject: context.reply?.subject ?? '',
            body: context.reply?.body ?? '',
          }),
          onDone: [
            { guard: 'draftSaved', target: 'finished', actions: 'keepSaved' },
            { target: 'awaitingSaving', actions: 'keepSaved' },
          ],
          onError: {
            target: 'awaitingSaving',
            actions: { type: 'askBecause', params: 'It is not known whether the reply was saved.' },
          },
        },
      },

      awaitingSaving: {
        description: 'A person finds out whether the reply was saved, or why not.',
        ...questions.saving.ofClerk,
        ...reminding,
        on: savingAnswers,
        after: { answerTime: 'savingEscalated' },
      },

      savingEscalated: {
        description: 'Nobody found out in time; a supervisor does. If not, it counts as not saved.',
        ...questions.saving.ofSupervisor,
        on: savingAnswers,
        after: { supervisorTime: 'finished' },
      },

      // ---- Ends -------------------------------------------------------------------------------------------
      givenUp: {
        description: 'It was given up before anyone was told of it.',
        entry: 'dropBytes',
        always: [{ guard: 'hasBytes', target: 'releasing' }, { target: 'rejected' }],
      },

      releasing: {
        description: 'The file is taken out of the register, so that it can come again.',
        invoke: {
          id: 'releaseDocument',
          src: 'releaseDocument',
          input: ({ context }) => ({ documentId: context.document.id, sha256: context.sha256 ?? '' }),
          onDone: { target: 'rejected', actions: { type: 'noteReleased', params: { released: true } } },
          onError: { target: 'rejected', actions: { type: 'noteReleased', params: { released: false } } },
        },
      },

      finished: {
        description: 'Nothing more is done; what has been done says how it ended.',
        always: [{ guard: 'isHandled', target: 'handled' }, { target: 'incomplete' }],
      },

      handled: {
        type: 'final',
        description: 'The account manager was told, and a reply lies ready.',
      },

      incomplete: {
        type: 'final',
        description: 'The account manager was not told for certain, or there is no reply.',
      },

      duplicate: {
        type: 'final',
        description: 'Another document brought the same file; nothing was done twice.',
      },

      unreadable: {
        type: 'final',
        description: 'There is no document in the file; the output says why.',
      },

      rejected: {
        type: 'final',
        description: 'It was given up: by a person, for want of one, or by the register.',
      },
    },
  });
}
