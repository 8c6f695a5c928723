/** What the compiler infers and refuses. `tsc` is the judge of this file. */
import type Anthropic from '@anthropic-ai/sdk';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { assign, createActor, setup, type InputFrom, type OutputFrom } from 'xstate';
import { z } from 'zod';

import { fromModel } from './from-model.ts';
import { fromTool } from './from-tool.ts';
import type { AnthropicClient } from './providers/anthropic.ts';
import type { StopReason } from './providers/provider.ts';

const classifyTicket = fromModel({
  name: 'classifyTicket',
  model: 'claude-haiku-5-5',
  input: z.object({ body: z.string(), limit: z.number().default(3) }),
  output: z.object({ category: z.enum(['billing', 'technical']), sure: z.boolean().default(true) }),
  prompt: (input) => {
    expectTypeOf(input).toEqualTypeOf<{ body: string; limit: number }>();
    return input.body;
  },
  cache: {
    key: (input) => {
      expectTypeOf(input).toEqualTypeOf<{ body: string; limit: number }>();
      return input.body;
    },
  },
  accept: (answer, { input }) => {
    expectTypeOf(answer).toEqualTypeOf<{ category: 'billing' | 'technical'; sure: boolean }>();
    expectTypeOf(input).toEqualTypeOf<{ body: string; limit: number }>();
    return answer.sure;
  },
});

const refund = fromTool({
  name: 'refund',
  input: z.object({ ticketId: z.string(), cents: z.coerce.number<string>() }),
  output: z.object({ receipt: z.string().transform(Number) }),
  idempotencyKey: (input) => {
    expectTypeOf(input).toEqualTypeOf<{ ticketId: string; cents: number }>();
    return input.ticketId;
  },
  run: async (input) => {
    expectTypeOf(input).toEqualTypeOf<{ ticketId: string; cents: number }>();
    return { receipt: '7' };
  },
  accept: ({ receipt }, { input }) => {
    expectTypeOf(receipt).toEqualTypeOf<number>();
    expectTypeOf(input).toEqualTypeOf<{ ticketId: string; cents: number }>();
    return receipt > 0;
  },
});

const context = { text: 'Hm', category: undefined };
const wiring = setup({
  types: {} as { context: { text: string; category: 'billing' | 'technical' | undefined } },
  actors: { classifyTicket, refund },
});

describe('types', () => {
  it('of input and output come from the schemas', () => {
    expectTypeOf<InputFrom<typeof classifyTicket>>().toEqualTypeOf<{
      body: string;
      limit?: number | undefined;
    }>();
    expectTypeOf<OutputFrom<typeof classifyTicket>>().toEqualTypeOf<{
      category: 'billing' | 'technical';
      sure: boolean;
    }>();
    expectTypeOf<InputFrom<typeof refund>>().toEqualTypeOf<{ ticketId: string; cents: string }>();
    expectTypeOf<OutputFrom<typeof refund>>().toEqualTypeOf<{ receipt: number }>();
  });

  it('of a model actor without an input schema take anything', () => {
    const greet = fromModel({ name: 'greet', model: 'm', output: z.string(), prompt: () => 'Hello' });
    expectTypeOf<InputFrom<typeof greet>>().toEqualTypeOf<unknown>();
    expectTypeOf<OutputFrom<typeof greet>>().toEqualTypeOf<string>();
  });

  it('accept right wiring', () => {
    const machine = wiring.createMachine({
      context,
      invoke: [
        {
          src: 'classifyTicket',
          input: ({ context: { text } }) => ({ body: text }),
          onDone: { actions: assign({ category: ({ event }) => event.output.category }) },
        },
        { src: 'refund', input: { ticketId: '1', cents: '250' } },
      ],
    });
    expect(machine.root.invoke.map(({ src }) => src)).toEqual(['classifyTicket', 'refund']);
  });

  it('refuse wrong wiring', () => {
    wiring.createMachine({
      context,
      // @ts-expect-error -- the input has no `body`
      invoke: { src: 'classifyTicket', input: { text: 'Hm' } },
    });
    wiring.createMachine({
      context,
      // @ts-expect-error -- `cents` is text until the tool has read it
      invoke: { src: 'refund', input: { ticketId: '1', cents: 250 } },
    });
    wiring.createMachine({
      context,
      // @ts-expect-error -- there is no such actor
      invoke: { src: 'sortTicket', input: { body: 'Hm' } },
    });
    wiring.createMachine({
      context,
      invoke: {
        src: 'classifyTicket',
        input: { body: 'Hm' },
        // @ts-expect-error -- the output has no `kind`
        onDone: { actions: ({ event }) => event.output.kind },
      },
    });
    wiring.createMachine({
      context,
      invoke: {
        src: 'classifyTicket',
        input: { body: 'Hm' },
        // @ts-expect-error -- a boolean is no category
        onDone: { actions: assign({ category: ({ event }) => event.output.sure }) },
      },
    });
    // @ts-expect-error -- the input has no `body`
    createActor(classifyTicket, { input: { text: 'Hm' } });
    fromTool({
      name: 'refund',
      input: z.object({}),
      output: z.object({ receipt: z.string() }),
      // @ts-expect-error -- the receipt is missing
      run: async () => ({ done: true }),
    });
  });

  it('know every stop reason of the installed SDK', () => {
    expectTypeOf<StopReason>().toEqualTypeOf<Anthropic.StopReason>();
  });

  it("take the SDK's client", () => {
    expectTypeOf<Anthropic>().toExtend<AnthropicClient>();
  });
});
