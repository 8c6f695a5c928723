/**
 * A long document, from its text to one summary whose key points name the pages that they come from.
 *
 *   cut into chunks, estimate → summarise each → combine in a tree → check every figure against the text → done
 *
 * What it costs is known before the first call; above a limit a person is asked. What a model says of a chunk is checked
 * where it is said, and what all of it comes to is checked again here. A chunk that cannot be summarised is never dropped
 * in silence: a person decides, and the output names it.
 *
 * Calls that fail are repeated by the actors' own policies, durably; what is left over is for people, with a due time.
 */
import { initialContext, combineInputOf, outcomeOf, repairInputOf, summarizeInputOf } from './context.ts';
import { combinationQuestion, goAheadQuestion, missingQuestion, reviewQuestion } from './people.ts';
import { createSetup, type LongDocumentOptions, startOptions } from './setup.ts';

export function createLongDocumentMachine(options: LongDocumentOptions = {}) {
  const start = startOptions(options);
  return createSetup(options).createMachine({
    id: 'long-document',
    description: 'Summarises a long text, with the pages that each point comes from.',
    context: ({ input }) => initialContext(input, start),
    output: ({ context }) => outcomeOf(context),
    initial: 'estimated',
    states: {
      // ---- Before anything is spent -----------------------------------------------------------------------
      estimated: {
        description: 'The text is cut into chunks, and what it will cost is known.',
        always: [
          { guard: 'nothingToRead', target: 'empty' },
          { guard: 'withinLimit', target: 'summarizingChunks' },
          { target: 'awaitingGoAhead', actions: 'noteCost' },
        ],
      },

      awaitingGoAhead: {
        description: 'It will cost more than may be spent without asking; a person says whether to start.',
        ...goAheadQuestion,
        on: {
          GO_AHEAD: {
            target: 'summarizingChunks',
            actions: { type: 'noteDecision', params: 'to go ahead' },
          },
          STOP: { target: 'stopped', actions: 'stop' },
        },
        after: {
          goAheadTime: {
            target: 'stopped',
            actions: { type: 'giveUp', params: 'Nobody said in time to go ahead.' },
          },
        },
      },

      // ---- Chunks -----------------------------------------------------------------------------------------
      summarizingChunks: {
        description:
          'Each chunk is summarised, some at a time; a better model takes those that fail their check.',
        invoke: {
          id: 'summarizeChunks',
          src: 'summarizeChunks',
          input: ({ context }) => summarizeInputOf(context),
          onDone: [
            { guard: 'allSummarized', target: 'chunksSummarized', actions: 'keepSummaries' },
            {
              target: 'awaitingMissingChunks',
              actions: [
                'keepSummaries',
                { type: 'askBecause', params: 'Some chunks could not be summarised.' },
              ],
            },
          ],
          onError: {
            target: 'awaitingMissingChunks',
            actions: ['missAll', { type: 'askBecause', params: 'The chunks could not be summarised.' }],
          },
        },
      },

      awaitingMissingChunks: {
        description: 'Some chunks could not be summarised; a person says whether to go on without them.',
        ...missingQuestion,
        on: {
          LEAVE_OUT: {
            guard: 'somethingSummarized',
            target: 'chunksSummarized',
            actions: { type: 'noteDecision', params: 'to leave out what could not be summarised' },
          },
          TRY_AGAIN: {
            guard: 'mayTryAgain',
            target: 'summarizingChunks',
            actions: [
              'startRound',
              { type: 'noteDecision', params: 'to try again what could not be summarised' },
            ],
          },
          STOP: { target: 'stopped', actions: 'stop' },
        },
        after: {
          decisionTime: {
            target: 'stopped',
            actions: { type: 'giveUp', params: 'Nobody decided in time what to do about missing chunks.' },
          },
        },
      },

      // ---- One summary ------------------------------------------------------------------------------------
      chunksSummarized: {
        description: 'What there is to summarise is summarised; several summaries are combined to one.',
        always: [
          { guard: 'onePart', target: 'summaryWritten', actions: 'takeOnlyPart' },
          { target: 'combiningSummaries' },
        ],
      },

      combiningSummaries: {
        description: 'Neighbouring summaries are merged into one, level by level, until one is left.',
        invoke: {
          id: 'combineSummaries',
          src: 'combineSummaries',
          input: ({ context }) => combineInputOf(context),
          onDone: { target: 'summaryWritten', actions: 'takeCombined' },
          onError: {
            target: 'awaitingCombination',
            actions: { type: 'askBecause', params: 'The summaries could not be combined.' },
          },
        },
      },

      awaitingCombination: {
        description: 'The summaries could not be combined; a person says whether to try again.',
        ...combinationQuestion,
        on: {
          TRY_AGAIN: {
            guard: 'mayTryAgain',
            target: 'combiningSummaries',
            actions: [
              'startRound',
              { type: 'noteDecision', params: 'to try again to combine the summaries' },
            ],
          },
          STOP: { target: 'stopped', actions: 'stop' },
        },
        after: {
          decisionTime: {
            target: 'stopped',
            actions: { type: 'giveUp', params: 'Nobody decided in time whether to try again.' },
          },
        },
      },

      summaryWritten: {
        description:
          'Every figure of the summary must stand in the chunks that it names; one repair is allowed.',
        always: [
          { guard: 'figuresStand', target: 'done', actions: 'clearFaults' },
          { guard: 'mayRepair', target: 'repairingSummary', actions: 'noteFaults' },
          { target: 'awaitingReview', actions: 'noteFaults' },
        ],
      },

      repairingSummary: {
        description: 'The model is shown what is not borne out, with the passages, and puts it right.',
        invoke: {
          id: 'repairSummary',
          src: 'repairSummary',
          input: ({ context }) => repairInputOf(context),
          onDone: { target: 'summaryWritten', actions: 'takeRepaired' },
          onError: {
            target: 'awaitingReview',
            actions: { type: 'askBecause', params: 'The summary could not be repaired.' },
          },
        },
      },

      awaitingReview: {
        description: 'The summary has figures that the document does not bear out; a person takes it or not.',
        ...reviewQuestion,
        on: {
          ACCEPT: {
            target: 'done',
            actions: { type: 'noteDecision', params: 'to accept the summary as it is' },
          },
          STOP: { target: 'stopped', actions: 'stop' },
        },
        after: {
          decisionTime: {
            target: 'stopped',
            actions: { type: 'giveUp', params: 'Nobody looked in time at figures that are not borne out.' },
          },
        },
      },

      // ---- Ends -------------------------------------------------------------------------------------------
      done: {
        type: 'final',
        description:
          'The document is summarised; the output names what is missing and what is not borne out.',
      },

      empty: {
        type: 'final',
        description: 'There is nothing to read in the document.',
      },

      stopped: {
        type: 'final',
        description: 'It was given up: by a person, or because nobody decided in time.',
      },
    },
  });
}
