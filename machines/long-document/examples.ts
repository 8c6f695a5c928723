/** Documents to think of, and what may be answered of them: what paths are made of beside what the schemas tell. */
import type { MapOutcome, WorkflowExample } from 'signalbox';

import type { ChunkSummary, Document, Summary } from './schemas.ts';

const dredging = 'The harbour board paid 32,714 crowns for the dredging of the channel.';
const painting = 'The council paid 12,568 crowns for the painting of the cranes.';

/** Long enough for a chunk of its own, with its figure at the beginning. */
const chapter = (heading: string, first: string): string =>
  `${heading}\n\n${first}\n\n${'Nothing more was said about it before the first frost.\n\n'.repeat(130)}`;

const first: ChunkSummary = { summary: dredging, points: ['The dredging cost 32,714 crowns.'] };
const second: ChunkSummary = { summary: painting, points: ['The painting cost 12,568 crowns.'] };

const all: MapOutcome<ChunkSummary> = { outputs: [first, second], failures: [] };

/** The second chunk is left over for a person. */
const one: MapOutcome<ChunkSummary> = {
  outputs: [first, undefined],
  failures: [{ index: 1, error: { name: 'Error', message: 'The model refused.' } }],
};

/** Its figures stand where it says that they do. */
const borneOut: Summary = {
  summary: 'The dredging cost 32,714 crowns.',
  keyPoints: [{ text: 'The dredging of the channel cost 32,714 crowns.', chunks: [1] }],
};

/** The figure is nowhere in the document. */
const madeUp: Summary = {
  summary: 'The dredging cost 40,000 crowns.',
  keyPoints: [{ text: 'The dredging of the channel cost 40,000 crowns.', chunks: [1] }],
};

export const examples: ReadonlyArray<WorkflowExample<Document>> = [
  {
    name: 'two chapters',
    input: {
      title: 'Report of the harbour board',
      text: `${chapter('Chapter 1', dredging)}${chapter('Chapter 2', painting)}`,
    },
    outputs: {
      summarizeChunks: [all, one],
      combineSummaries: [borneOut, madeUp],
      repairSummary: [borneOut],
    },
  },
  { name: 'one page', input: { title: 'A note', text: dredging } },
  { name: 'nothing to read', input: { title: 'A blank page', text: '\f' } },
  { name: 'may cost nothing unasked', input: { title: 'A note', text: dredging, askAboveUsd: 0 } },
];
