/** What the compiler infers and refuses of actors made of others. `tsc` is the judge of this file. */
import { describe, expect, expectTypeOf, it } from 'vitest';
import { assign, type InputFrom, type OutputFrom, setup } from 'xstate';
import { z } from 'zod';

import { defineWorkflow } from '../workflow.ts';
import { type AgentOutcome, fromAgent } from './agent/from-agent.ts';
import { fromMap } from './from-map.ts';
import { fromModel } from './from-model.ts';
import { fromTool } from './from-tool.ts';
import { fromVote, type VoteOutcome } from './from-vote.ts';
import { fromWorkflow } from './from-workflow.ts';
import { judgedBy } from './judged-by.ts';
import type { MapOutcome, MapReduced } from './map-options.ts';

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
  cache: { key: ({ limit }) => limit.toFixed() },
  accept: (summary) => {
    expectTypeOf(summary).toEqualTypeOf<Summary>();
    return true;
  },
});

const summarizeMost = fromMap({
  ...map,
  each: summarize,
  onFailure: { atMost: 2 },
  reduce: { by: merge },
  accept: ({ output, failures }, { input }) => {
    expectTypeOf(output).toEqualTypeOf<Summary>();
    return failures.length < input.limit;
  },
});

const lookUp = fromTool({
  name: 'lookUp',
  description: 'Looks up a page.',
  input: z.object({ page: z.number() }),
  output: z.string(),
  run: async () => '',
});

type Studied = { text: string; points: string[]; sure: boolean };
const study = fromAgent({
  name: 'study',
  model: 'claude-haiku-5-5',
  input: z.object({ question: z.string(), words: z.number().default(100) }),
  output: Summary.extend({ sure: z.boolean().default(true) }),
  tools: [lookUp],
  prompt: (input) => {
    expectTypeOf(input).toEqualTypeOf<{ question: string; words: number }>();
    return input.question;
  },
  cache: { key: ({ question, words }) => `${question} ${words.toFixed()}` },
  accept: (answer, { input }) => {
    expectTypeOf(answer).toEqualTypeOf<Studied>();
    expectTypeOf(input).toEqualTypeOf<{ question: string; words: number }>();
    return answer.text.length < input.words;
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
const inquire = fromWorkflow({
  workflow: inquiry,
  cache: { key: ({ name, urgent }) => `${name} ${urgent ? 1 : 2}` },
  accept: ({ verdict }, { input: { urgent } }) => urgent || verdict !== '',
});

const judge = fromModel({
  name: 'judge',
  model: 'claude-haiku-5-5',
  input: z.object({ summary: z.string() }),
  output: z.object({ passed: z.boolean(), reasons: z.array(z.string()) }),
  prompt: ({ summary }) => summary,
});

const wiring = setup({
  types: {} as { context: { verdict: string; texts: string[] } },
  actors: { summarizeAll, summarizeSome, summarizeMost, vote, inquire, study },
});
const context = { verdict: '', texts: [] };

describe('types of actors made of others', () => {
  it('come from the schemas and from those that they are made of', () => {
    type MapInput = { chunks: { page: number; text: string }[]; limit?: number | undefined };
    expectTypeOf<InputFrom<typeof summarizeAll>>().toEqualTypeOf<MapInput>();
    expectTypeOf<OutputFrom<typeof summarizeAll>>().toEqualTypeOf<Summary[]>();
    expectTypeOf<OutputFrom<typeof summarizeSome>>().toEqualTypeOf<MapOutcome<Summary>>();
    expectTypeOf<OutputFrom<typeof summarizeTree>>().toEqualTypeOf<Summary>();
    expectTypeOf<OutputFrom<typeof summarizeMost>>().toEqualTypeOf<MapReduced<Summary>>();
    expectTypeOf<InputFrom<typeof study>>().toEqualTypeOf<{ question: string; words?: number | undefined }>();
    expectTypeOf<OutputFrom<typeof study>>().toEqualTypeOf<AgentOutcome<Studied>>();
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
    wiring.createMachine({
      context,
      invoke: [
        {
          src: 'study',
          input: { question: 'What?' },
          onDone: {
            guard: ({ event: { output } }) => output.outcome === 'answered' && output.answer.sure,
            actions: assign({
              verdict: ({ event: { output } }) => (output.outcome === 'limit' ? output.limit : ''),
            }),
          },
        },
        {
          src: 'summarizeMost',
          input: { chunks: [] },
          onDone: { actions: assign({ verdict: ({ event }) => event.output.output.text }) },
        },
        {
          src: 'vote',
          input: { page: 1, text: 'Hm' },
          onDone: {
            guard: ({ event: { output } }) => output.decided && output.answer.points.length > 0,
          },
        },
      ],
    });
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
      // @ts-expect-error -- the question is a text
      invoke: { src: 'study', input: { question: 7 } },
    });
    wiring.createMachine({
      context,
      invoke: {
        src: 'study',
        input: { question: 'What?' },
        // @ts-expect-error -- there is an answer only where the outcome is `answered`
        onDone: { actions: assign({ verdict: ({ event }) => event.output.answer.text }) },
      },
    });
    wiring.createMachine({
      context,
      // @ts-expect-error -- the voters want a page
      invoke: { src: 'vote', input: { text: 'Hm' } },
    });
    wiring.createMachine({
      context,
      invoke: {
        src: 'summarizeSome',
        input: { chunks: [] },
        // @ts-expect-error -- an item may have failed
        onDone: { actions: assign({ texts: ({ event }) => event.output.outputs.map((one) => one.text) }) },
      },
    });
    wiring.createMachine({
      context,
      invoke: {
        src: 'inquire',
        input: { name: 'Ann' },
        // @ts-expect-error -- the output of the workflow has no `answer`
        onDone: { actions: assign({ verdict: ({ event }) => event.output.answer }) },
      },
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
    fromMap({
      name: 'x',
      input: z.array(z.string()),
      items: (x) => x.map((name) => ({ name })),
      each: inquire,
      // @ts-expect-error -- a merge takes summaries, and the items' outputs are verdicts
      reduce: { by: merge },
    });
    fromAgent({
      name: 'x',
      model: 'm',
      input: Chunk,
      output: Summary,
      // @ts-expect-error -- an answer has no `verdict`
      accept: ({ verdict }) => verdict,
      prompt: () => '',
      tools: [],
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
