import { expect, it, vi } from 'vitest';

import { InvalidOption } from '../../errors.ts';
import { mcpServer } from './mcp-server.ts';

vi.mock('@modelcontextprotocol/client', () => {
  throw new Error("Cannot find package '@modelcontextprotocol/client'");
});

it('without the SDK says what to install, when it is first needed', async () => {
  const server = mcpServer({ name: 'files', stdio: { command: 'node' } });
  const listing = server.tools();
  await expect(listing).rejects.toBeInstanceOf(InvalidOption);
  await expect(listing).rejects.toThrow('Install it with `npm install @modelcontextprotocol/client`.');
  await server.close();
});
