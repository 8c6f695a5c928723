/** What people are asked about a long document, and what they may answer. */
import { person } from 'signalbox';

import { type DocumentContext, shown } from './context.ts';

const stop = { STOP: { label: 'Stop' } };
const shows = ({ context }: { readonly context: DocumentContext }) => shown(context);

export const goAheadQuestion = person<DocumentContext>({
  title: ({ context: { estimate, title } }) =>
    `Summarise "${title}" for ${estimate.usd === null ? 'an unknown price' : `about $${estimate.usd.toFixed(2)}`}`,
  instructions: 'GO_AHEAD starts it. STOP ends it, and nothing is spent.',
  shows,
  answers: { GO_AHEAD: { label: 'Go ahead' }, ...stop },
  due: 'goAheadTime',
});

export const missingQuestion = person<DocumentContext>({
  title: ({ context: { missing, chunks } }) => `Go on without ${missing.length} of ${chunks.length} chunks`,
  instructions:
    'LEAVE_OUT goes on with the others; the output names what is missing. TRY_AGAIN asks the models once more, of those only. STOP ends it without a summary.',
  shows,
  answers: { LEAVE_OUT: { label: 'Leave them out' }, TRY_AGAIN: { label: 'Try again' }, ...stop },
  due: 'decisionTime',
});

export const combinationQuestion = person<DocumentContext>({
  title: 'Try again to combine the summaries',
  instructions: 'TRY_AGAIN pays only for what failed. STOP ends it without a summary.',
  shows,
  answers: { TRY_AGAIN: { label: 'Try again' }, ...stop },
  due: 'decisionTime',
});

export const reviewQuestion = person<DocumentContext>({
  title: 'Accept a summary with figures that the document does not bear out',
  instructions:
    'ACCEPT takes it as it is; the output names what is not borne out. STOP ends it without a summary.',
  shows,
  answers: { ACCEPT: { label: 'Accept' }, ...stop },
  due: 'decisionTime',
});
