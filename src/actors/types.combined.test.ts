/** What the compiler infers and refuses of actors made of others. `tsc` is the judge of this file. */
import { describe, expect, expectTypeOf, it } from 'vitest';
import { assign, type InputFrom, type OutputFrom, setup } from 'xstate';
import { z } from 'zod';

import { defineWorkflow } from '../workflow.ts';
import { fromMap, type MapOutcome } from './from-map.ts';
import { fromModel } from './from-model.ts';
import { fromTool } from './from-tool.ts';
import { fromVote, type VoteOutcome } from './from-vote.ts';
import { fromWorkflow } from './from-workflow.ts';
import { judgedBy } from './judged-by.ts';

const Chunk = z.object({ page: z.number(), text: z.string() });
const Summary = z.object({ text: z.string(), points: z.array(z.string()) });
type Summary = z.output<typeof Summary>;

const summarize = fromModel({
  name: 'summarize',
  model: 'claude-haiku-5-5',
  input: Chunk,
  output: Summary,
  prompt: ({ text }) => text,
});

const merge = fromModel({
  name: 'merge',
  model: 'claude-haiku-5-5',
  input: z.array(Summary),
  output: Summary,
  prompt: (summaries) => summaries.map(({ text }) => text).join('\n'),
});

const Pages = z.object({ chunks: z.array(Chunk), limit: z.number().default(9) });
const map = { name: 'all', input: Pages, items: ({ chunks }: z.output<typeof Pages>) => chunks };

const summarizeAll = fromMap({ ...map, each: summarize });
const summarizeSome = fromMap({ ...map, each: summarize, onFailure: { atMost: 2 } });
const summarizeTree = fromMap({
  ...map,
  each: summarize,
  reduce: { by: merge },
  accept: (summary) => {
    expectTypeOf(summary).toEqualTypeOf<Summary>();
    return true;
  },
});

const vote = fromVote({
  name: 'vote',
  input: Chunk,
  voters: { ask: summarize, times: 3 },
  by: (summary) => {
    expectTypeOf(summary).toEqualTypeOf<Summary>();
    return summary.text;
  },
});

const inquiry = defineWorkflow({
  machine: setup({
    types: { input: {} as { name: string; urgent: boolean }, output: {} as { verdict: string } },
  }).createMachine({
    id: 'inquiry',
    initial: 'ended',
    states: { ended: { type: 'final' } },
    output: { verdict: 'fine' },
  }),
  version: '1',
  input: z.object({ name: z.string(), urgent: z.boolean().default(false) }),
});
const inquire = fromWorkflow({ workflow: inquiry });

const judge = fromModel({
  name: 'judge',
  model: 'claude-haiku-5-5',
  input: z.object({ summary: z.string() }),
  output: z.object({ passed: z.boolean(), reasons: z.array(z.string()) }),
  prompt: ({ summary }) => summary,
});

const wiring = setup({
  types: {} as { context: { verdict: string; texts: string[] } },
  actors: { summarizeAll, vote, inquire },
});
const context = { verdict: '', texts: [] };

describe('types of actors made of others', () => {
  it('come from the schemas and from those that they are made of', () => {
    type MapInput = { chunks: { page: number; text: string }[]; limit?: number | undefined };
    expectTypeOf<InputFrom<typeof summarizeAll>>().toEqualTypeOf<MapInput>();
    expectTypeOf<OutputFrom<typeof summarizeAll>>().toEqualTypeOf<Summary[]>();
    expectTypeOf<OutputFrom<typeof summarizeSome>>().toEqualTypeOf<MapOutcome<Summary>>();
    expectTypeOf<OutputFrom<typeof summarizeTree>>().toEqualTypeOf<Summary>();
    expectTypeOf<InputFrom<typeof vote>>().toEqualTypeOf<{ page: number; text: string }>();
    expectTypeOf<OutputFrom<typeof vote>>().toEqualTypeOf<VoteOutcome<Summary>>();
    expectTypeOf<InputFrom<typeof inquire>>().toEqualTypeOf<{ name: string; urgent?: boolean | undefined }>();
    expectTypeOf<OutputFrom<typeof inquire>>().toEqualTypeOf<{ verdict: string }>();
  });

  it('let a vote be mapped, and a workflow be asked for each item', () => {
    const votes = fromMap({ ...map, each: vote });
    expectTypeOf<OutputFrom<typeof votes>>().toEqualTypeOf<VoteOutcome<Summary>[]>();
    const inquiries = fromMap({
      name: 'inquiries',
      input: z.array(z.string()),
      items: (names) => names.map((name) => ({ name })),
      each: inquire,
    });
    expectTypeOf<OutputFrom<typeof inquiries>>().toEqualTypeOf<{ verdict: string }[]>();
    expect([votes, inquiries].map(({ signalbox }) => signalbox.kind)).toEqual(['map', 'map']);
  });

  it('accept right wiring', () => {
    const machine = wiring.createMachine({
      context,
      invoke: [
        {
          src: 'inquire',
          input: { name: 'Ann' },
          onDone: { actions: assign({ verdict: ({ event }) => event.output.verdict }) },
        },
        {
          src: 'summarizeAll',
          input: { chunks: [] },
          onDone: { actions: assign({ texts: ({ event }) => event.output.map(({ text }) => text) }) },
        },
      ],
    });
    expect(machine.root.invoke).toHaveLength(2);
    fromTool({
      name: 'write',
      input: z.string(),
      output: z.string(),
      run: async () => '',
      accept: judgedBy(judge, (text: string) => ({ summary: text })),
    });
  });

  it('refuse wrong wiring', () => {
    wiring.createMachine({
      context,
      // @ts-expect-error -- the items have no `page`
      invoke: { src: 'summarizeAll', input: { chunks: [{ text: 'Hm' }] } },
    });
    wiring.createMachine({
      context,
      // @ts-expect-error -- the workflow wants a name
      invoke: { src: 'inquire', input: {} },
    });
    wiring.createMachine({
      context,
      invoke: {
        src: 'vote',
        input: { page: 1, text: 'Hm' },
        // @ts-expect-error -- the vote may not be decided
        onDone: { actions: assign({ verdict: ({ event }) => event.output.answer.text }) },
      },
    });
    // @ts-expect-error -- the items are chunks, and the actor takes names
    fromMap({ ...map, each: inquire });
    // @ts-expect-error -- a merge takes summaries, and the items' outputs are verdicts
    fromMap({
      name: 'x',
      input: z.array(z.string()),
      items: (x) => x.map((name) => ({ name })),
      each: inquire,
      reduce: { by: merge },
    });
    // @ts-expect-error -- the voters disagree on what they take
    fromVote({ name: 'x', input: Chunk, voters: [summarize, merge] });
    // @ts-expect-error -- a judge has to say whether it passed
    judgedBy(summarize, (text: string) => ({ page: 1, text }));
    const stand = { ...map, each: summarize };
    // @ts-expect-error -- what stands in for it must give the same
    fromMap({ ...stand, fallback: [summarize] });
    // @ts-expect-error -- an attempt of a child run takes no time
    fromWorkflow({ workflow: inquiry, timeoutMs: 5 });
  });
});
