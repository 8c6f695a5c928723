/** What the compiler infers and refuses. `tsc` is the judge of this file. */
import { describe, expect, expectTypeOf, it } from 'vitest';
import { assign, createActor, setup, type InputFrom, type OutputFrom } from 'xstate';
import { z } from 'zod';

import { fromMcp } from './from-mcp.ts';
import { mcpServer } from './mcp-server.ts';
import { mcpTools, type McpToolActor } from './mcp-tools.ts';

const crm = mcpServer({ name: 'crm', url: 'http://127.0.0.1:9/mcp' });

const findCustomer = fromMcp({
  server: crm,
  tool: 'find_customer',
  input: z.object({ email: z.string(), limit: z.number().default(1) }),
  output: z.object({ id: z.string(), since: z.string().transform(Number) }),
  idempotencyKey: (input) => {
    expectTypeOf(input).toEqualTypeOf<{ email: string; limit: number }>();
    return input.email;
  },
  arguments: (input, { idempotencyKey }) => {
    expectTypeOf(input).toEqualTypeOf<{ email: string; limit: number }>();
    expectTypeOf(idempotencyKey).toEqualTypeOf<string>();
    return { ...input };
  },
  read: ({ content }) => ({ id: String(content.length), since: '7' }),
});

const context = { email: 'a@b.example', id: '' };
const wiring = setup({
  types: {} as { context: { email: string; id: string } },
  actors: { findCustomer },
});

describe('types', () => {
  it('of input and output come from the schemas', () => {
    expectTypeOf<InputFrom<typeof findCustomer>>().toEqualTypeOf<{
      email: string;
      limit?: number | undefined;
    }>();
    expectTypeOf<OutputFrom<typeof findCustomer>>().toEqualTypeOf<{ id: string; since: number }>();
    expectTypeOf(mcpTools).returns.resolves.toEqualTypeOf<McpToolActor[]>();
  });

  it('accept right wiring', () => {
    const machine = wiring.createMachine({
      context,
      invoke: {
        src: 'findCustomer',
        input: ({ context: { email } }) => ({ email }),
        onDone: { actions: assign({ id: ({ event }) => event.output.id }) },
      },
    });
    expect(machine.root.invoke.map(({ src }) => src)).toEqual(['findCustomer']);
  });

  it('refuse wrong wiring', () => {
    wiring.createMachine({
      context,
      // @ts-expect-error -- the input has no `email`
      invoke: { src: 'findCustomer', input: { mail: 'a@b.example' } },
    });
    wiring.createMachine({
      context,
      // @ts-expect-error -- there is no such actor
      invoke: { src: 'findOrder', input: { email: 'a@b.example' } },
    });
    wiring.createMachine({
      context,
      invoke: {
        src: 'findCustomer',
        input: { email: 'a@b.example' },
        // @ts-expect-error -- a number is no id
        onDone: { actions: assign({ id: ({ event }) => event.output.since }) },
      },
    });
    // @ts-expect-error -- the input has no `email`
    createActor(findCustomer, { input: { mail: 'a@b.example' } });
    fromMcp({
      server: crm,
      tool: 'find_customer',
      input: z.object({}),
      output: z.object({ id: z.string() }),
      // @ts-expect-error -- the id is missing
      read: () => ({ name: 'Ada' }),
    });
  });

  it('let a server be a process or a URL, not both', () => {
    // @ts-expect-error -- both
    expect(() => mcpServer({ name: 'a', url: 'http://a', stdio: { command: 'node' } })).toThrow();
    // @ts-expect-error -- neither
    expect(() => mcpServer({ name: 'a' })).toThrow();
    // @ts-expect-error -- headers are for URLs
    mcpServer({ name: 'a', stdio: { command: 'node' }, headers: {} });
  });
});
