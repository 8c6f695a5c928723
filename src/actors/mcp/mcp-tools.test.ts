import { afterAll, describe, expect, it } from 'vitest';
import { z } from 'zod';

import { failed, FIXTURE, performed } from '../../../test/support/mcp-servers.ts';
import { McpToolMismatch } from '../../errors.ts';
import { mcpServer } from './mcp-server.ts';
import { mcpTools } from './mcp-tools.ts';

const server = mcpServer({
  name: 'fixture',
  stdio: { command: process.execPath, args: [FIXTURE] },
  allow: ['add', 'strict', 'prose', 'picture', 'refuse'],
});

afterAll(() => server.close());

describe('the tools of a server', () => {
  it('are actors with the names, descriptions and input schemas of the server', async () => {
    const listed = await server.tools();
    const tools = await mcpTools(server, { reads: ['sums'], irreversible: ['refuse'] });
    expect(tools.map(({ signalbox: { name, description } }) => ({ name, description }))).toEqual(
      ['add', 'strict', 'refuse', 'prose', 'picture'].map((name) => ({ name, description: `Does ${name}.` })),
    );
    for (const [index, { signalbox }] of tools.entries()) {
      const described = z.toJSONSchema(signalbox.input!, { io: 'input' });
      expect(described).toMatchObject({
        ...listed[index]!.inputSchema,
        $schema: expect.any(String) as string,
      });
      expect(signalbox.permissions).toEqual({ reads: ['sums'], writes: [] });
      expect(signalbox.irreversible).toBe(signalbox.name === 'refuse');
    }
    await expect(server.check()).resolves.toBeUndefined();
  });

  it('give what is structured, or else words', async () => {
    const [add, picture, prose] = await mcpTools(server, { allow: ['prose', 'picture', 'add'] }).then(
      (tools) => tools.toSorted((a, b) => a.signalbox.name.localeCompare(b.signalbox.name)),
    );
    expect((await performed(add!, { a: 1, b: 2 })).output).toEqual({ sum: 3 });
    expect((await performed(prose!, {})).output).toBe('All is well.');
    expect((await performed(picture!, {})).output).toBe('[image of type image/png]\nA');
  });

  it('are held against their input by the server', async () => {
    const [strict] = await mcpTools(server, { allow: ['strict'] });
    const { error } = await failed(strict!, { kind: 'a', deep: { n: 1 }, more: true });
    expect(error).toMatchObject({ code: 'MCP_TOOL_FAILED' });
    expect(error.message).toContain('more');
    expect((await failed(strict!, 'text')).error).toMatchObject({ code: 'ACTOR_VALUE_INVALID' });
  });

  it('must be there, and allowed', async () => {
    for (const name of ['gone', 'die']) {
      const refused = mcpTools(server, { allow: [name] });
      await expect(refused).rejects.toBeInstanceOf(McpToolMismatch);
      await expect(refused).rejects.toThrow(`MCP server \`fixture\` has no tool \`${name}\`.`);
    }
  });
});
