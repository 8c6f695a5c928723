/** Requests to think of, and what may be answered on their way: what paths are made of beside what the schemas tell. */
import type { WorkflowExample } from 'signalbox';

import type { Classification, Draft, HelpRequest } from './schemas.ts';

const request: HelpRequest = {
  id: 'R-1',
  from: 'ana@example.com',
  account: 'A-1',
  subject: 'Export stops',
  text: 'The export to CSV stops with an error on our largest project.',
};

/** Borne out by words of the request, and no other route comes into question. */
const sure: Classification = {
  route: 'technical',
  others: [],
  quotes: ['export to CSV stops with an error'],
};

/** It names the problem in the sender's words, and promises nothing. */
const fit: Draft = {
  reply: 'The export of large projects does stop at times; please export one year at a time.',
};

/** A person may let it go out all the same, if nobody else would. */
const doubtful: Draft = { reply: 'We are looking into it.' };

/** It does not go out, whoever says so. */
const barred: Draft = { reply: 'We will refund you for the export that stops.' };

const use = { turns: 2, toolCalls: 1, tokens: 1_800 };

export const examples: ReadonlyArray<WorkflowExample<HelpRequest>> = [
  {
    name: 'an export stops',
    input: request,
    outputs: {
      classifyRequest: [sure],
      draftReply: [fit, doubtful, barred],
      helpOut: [{ outcome: 'answered', answer: { reply: fit.reply, sources: ['K-12'] }, ...use }],
    },
    events: {
      REPLY: [
        { by: 'dana', text: 'I am looking into your export.' },
        // A secret is not repeated, not even by a person.
        { by: 'dana', text: 'Your key is sk-live-1234567890abcdef.' },
      ],
    },
  },
  { name: 'without an address', input: { ...request, from: null } },
  { name: 'nothing to read', input: { ...request, subject: '', text: '' } },
];
