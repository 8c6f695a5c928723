/** What an actor makes of a tool: against our own server over stdio, which misbehaves when asked to. */
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createActor, setup, toPromise } from 'xstate';
import { z, type ZodType } from 'zod';

import { createCallLog, failed, FIXTURE, performed } from '../../../test/support/mcp-servers.ts';
import { decode, encode } from '../../engine/codec.ts';
import { ActorValueInvalid, InvalidOption, McpToolFailed } from '../../errors.ts';
import { fromMcp, type McpActorOptions } from './from-mcp.ts';
import { mcpServer } from './mcp-server.ts';

const log = createCallLog();

const server = mcpServer({
  name: 'fixture',
  stdio: { command: process.execPath, args: [FIXTURE], env: { CALLS: log.file } },
  timeoutMs: 120_000,
});

let before: readonly string[] = [];
beforeEach(() => (before = log.calls()));
const calls = () => log.calls().slice(before.length);

afterAll(async () => {
  await server.close();
  log.remove();
});

const None = z.object({});

function tool<TOutput extends ZodType>(
  name: string,
  output: TOutput,
  more: Partial<McpActorOptions<typeof None, TOutput>> = {},
) {
  return fromMcp({ server, tool: name, input: None, output, ...more });
}

const add = fromMcp({
  server,
  tool: 'add',
  input: z.object({ a: z.number(), b: z.coerce.number().default(1) }),
  output: z.object({ sum: z.number().transform((sum) => `${sum}`) }),
});

describe('a tool', () => {
  it('is called with its input as the schema gives it, and gives its output as the schema gives it', async () => {
    const { output } = await performed(add, { a: 2, more: 'than asked' });
    expect(output).toEqual({ sum: '3' });
  });

  it('is not called with input that its schema refuses', async () => {
    const { error, calls: made } = await failed(add, { a: 'two' });
    expect(error).toBeInstanceOf(ActorValueInvalid);
    expect(error.message).toContain('Input of tool `add`');
    expect(made).toEqual([]);
    expect(calls()).toEqual([]);
  });

  it('is not called once aborted', async () => {
    const reason = new Error('Gone.');
    const { error } = await failed(
      tool('prose', z.string(), { irreversible: true }),
      {},
      { signal: AbortSignal.abort(reason) },
    );
    expect(error).toBe(reason);
    expect(calls()).toEqual([]);
  });

  it('gives its text where the schema takes text, or anything', async () => {
    expect((await performed(tool('prose', z.string()), {})).output).toBe('All is well.');
    expect((await performed(tool('prose', z.unknown()), {})).output).toBe('All is well.');
    const asText = fromMcp({
      server,
      tool: 'add',
      input: z.object({ a: z.number(), b: z.number() }),
      output: z.string(),
    });
    expect((await performed(asText, { a: 1, b: 2 })).output).toBe('{"sum":3}');
  });

  it('gives its text read as JSON where it has nothing structured', async () => {
    const told = fromMcp({
      server,
      tool: 'told',
      input: z.looseObject({}),
      output: z.object({ args: z.unknown() }),
    });
    const { output } = await performed(told, { day: new Date(0), gone: undefined });
    expect(output).toEqual({ args: { day: '1970-01-01T00:00:00.000Z' } });
  });

  it('says so when its text is no JSON', async () => {
    const { error } = await failed(tool('prose', z.object({ state: z.string() })), {});
    expect(error).toBeInstanceOf(ActorValueInvalid);
    expect(error.message).toBe(
      'Tool `prose` did its work, but its output is text that is not JSON, and the schema takes no such text: "All is well.". Make `output` take text, or give the actor `read`.',
    );
  });

  it('whose output is refused says that the work was done', async () => {
    const wrong = fromMcp({
      server,
      tool: 'told',
      input: None,
      output: z.object({ args: z.string() }),
      irreversible: true,
    });
    const { error } = await failed(wrong, {});
    expect(error).toBeInstanceOf(ActorValueInvalid);
    expect(error.message).toContain(
      'Tool `told` did its work, but its output does not match its schema: args: ',
    );
    expect(error.details).toMatchObject({ issues: [{ path: ['args'] }] });
  });

  it('may give nothing', async () => {
    expect((await performed(tool('nothing', z.undefined()), {})).output).toBeUndefined();
    expect((await performed(tool('nothing', z.string()), {})).output).toBe('');
  });

  it('gives images and resources to `read`', async () => {
    const picture = tool('picture', z.object({ image: z.base64(), note: z.string() }), {
      read: ({ content }) => {
        const [image, note] = content;
        if (image?.type !== 'image' || note?.type !== 'resource')
          throw new Error('Expected an image and a note.');
        return { image: image.data, note: note.resource.text ?? '' };
      },
    });
    expect((await performed(picture, {})).output).toEqual({ image: 'aGVsbG8=', note: 'A' });
    const { error } = await failed(tool('picture', z.string()), {});
    expect(error.message).toContain(
      'neither structured content nor text, but: image, resource. Give the actor `read`',
    );
  });

  it('gets arguments of its own making, and sends its key', async () => {
    const sent = fromMcp({
      server,
      tool: 'told',
      input: z.object({ ticket: z.string() }),
      arguments: ({ ticket }, { idempotencyKey, runId, key }) => ({
        channel: '#a',
        ticket,
        idempotencyKey,
        runId,
        key,
      }),
      idempotencyKey: ({ ticket }) => `notify:${ticket}`,
      output: z.unknown(),
    });
    const { output, calls: made } = await performed(sent, { ticket: 't-1' });
    const args = {
      channel: '#a',
      ticket: 't-1',
      idempotencyKey: 'notify:t-1',
      runId: 'run-1',
      key: 'run-1#1',
    };
    expect(output).toMatchObject({ args, meta: { 'signalbox/idempotencyKey': 'notify:t-1' } });
    expect(made).toMatchObject([{ identity: { server: 'fixture', tool: 'told', input: { ticket: 't-1' } } }]);
  });

  it('that says it failed is `McpToolFailed`, and not worth a retry', async () => {
    for (const irreversible of [false, true]) {
      const { error } = await failed(tool('refuse', z.string(), { irreversible }), {});
      expect(error).toBeInstanceOf(McpToolFailed);
      expect(error.message).toBe('Tool `refuse` of MCP server `fixture` failed: The account is closed.');
      expect(error.details).toEqual({
        server: 'fixture',
        tool: 'refuse',
        reason: 'The account is closed.',
        retryable: false,
      });
      expect(decode(encode(error))).toBeInstanceOf(McpToolFailed);
    }
  });

  it('that refuses its arguments says what it refused', async () => {
    const wrong = fromMcp({
      server,
      tool: 'add',
      input: None,
      arguments: () => ({ a: 'x' }),
      output: z.unknown(),
    });
    const { error } = await failed(wrong, {});
    expect(error).toBeInstanceOf(McpToolFailed);
    expect(error.message).toContain('Input validation error');
  });
});

describe('on record', () => {
  it('stands what was asked and answered, as it went over the wire', async () => {
    const answers: unknown[] = [];
    const { calls: made } = await performed(add, { a: 2 });
    const { perform: _, describe: described, ...call } = made[0]!;
    answers.push(described({ content: [], structuredContent: { sum: 3 } }).response);
    const wire = { server: 'fixture', tool: 'add', arguments: { a: 2, b: 1 } };
    expect(call).toEqual({
      kind: 'tool',
      by: 'add',
      request: { ...wire, idempotencyKey: 'run-1#1' },
      identity: wire,
    });
    expect(answers).toEqual([{ content: [], structuredContent: { sum: 3 } }]);
  });

  it('stands enough to answer without the server', async () => {
    const recorded = { content: [], structuredContent: { sum: 41 } };
    const { output } = await performed(add, { a: 2 }, { exchange: async () => recorded as never });
    expect(output).toEqual({ sum: '41' });
    expect(calls()).toEqual([]);
  });
});

describe('what a tool declares', () => {
  it('is what it was given, for agents, checks and people', () => {
    const Input = z.object({ a: z.number(), b: z.number() });
    const Output = z.object({ sum: z.number() });
    const declared = fromMcp({
      server,
      tool: 'add',
      name: 'addUp',
      description: 'Adds two numbers.',
      input: Input,
      output: Output,
      reads: ['numbers'],
    });
    expect(declared.signalbox).toMatchObject({
      kind: 'tool',
      name: 'addUp',
      description: 'Adds two numbers.',
      irreversible: false,
      idempotent: false,
      permissions: { reads: ['numbers'], writes: [] },
    });
    expect(declared.signalbox.input).toBe(Input);
    expect(declared.signalbox.output).toBe(Output);
    expect(add.signalbox.permissions).toBeUndefined();
  });

  it.each([
    [{ tool: ' ' }, 'Expected `tool` of an MCP actor to be a non-empty string, got ` `.'],
    [{ name: '' }, 'Expected `name` of tool `` to be a non-empty string, got an empty string.'],
    [
      { server: {} },
      'Expected `server` of tool `prose` to be a server that `mcpServer` made, got an object.',
    ],
    [{ input: undefined }, 'Expected `input` of tool `prose` to be a zod schema, got `undefined`.'],
    [{ read: 'text' }, 'Expected `read` of tool `prose` to be a function, got `text`.'],
    [{ arguments: {} }, 'Expected `arguments` of tool `prose` to be a function, got an object.'],
    [{ irreversible: 'yes' }, 'Expected `irreversible` of tool `prose` to be a boolean, got `yes`.'],
    [{ reads: 'crm' }, 'Expected `reads` of tool `prose` to be a list of names, got `crm`.'],
    [{ retry: { attempts: 0 } }, 'Expected `retry.attempts` of `prose` to be a positive integer, got `0`.'],
  ])('is refused where it is given: %o', (wrong, message) => {
    const define = () => tool('prose', z.string(), wrong as never);
    expect(define).toThrow(InvalidOption);
    expect(define).toThrow(message);
  });

  it('must be an object where it is called', async () => {
    const { error } = await failed(
      fromMcp({ server, tool: 'prose', input: z.string(), output: z.string() }),
      'x',
    );
    expect(error).toBeInstanceOf(ActorValueInvalid);
    expect(error.message).toContain('must be an object');
    const big = fromMcp({ server, tool: 'told', input: z.object({ n: z.bigint() }), output: z.unknown() });
    expect((await failed(big, { n: 1n })).error.message).toContain('cannot be written as JSON');
  });
});

describe('under a plain createActor', () => {
  it('runs in a machine', async () => {
    const machine = setup({ actors: { add } }).createMachine({
      initial: 'adding',
      states: {
        adding: { invoke: { src: 'add', input: { a: 40, b: 2 }, onDone: 'added' } },
        added: { type: 'final', output: ({ event }) => event['output'] as unknown },
      },
      output: ({ event }) => event['output'] as unknown,
    });
    await expect(toPromise(createActor(machine).start())).resolves.toEqual({ sum: '42' });
  });

  it('rejects as the tool does', async () => {
    const actor = createActor(tool('refuse', z.string()), { input: {} });
    const outcome = toPromise(actor);
    actor.start();
    await expect(outcome).rejects.toBeInstanceOf(McpToolFailed);
  });

  it('calls the tool off when it is stopped', async () => {
    const actor = createActor(tool('wait', z.string()), { input: {} });
    actor.start();
    await vi.waitFor(() => expect(calls()).toContain('wait'));
    actor.stop();
    await vi.waitFor(() => expect(calls()).toContain('wait was called off'));
  });
});
