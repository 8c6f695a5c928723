/** A service as a process of its own, as it was built: that of the support ticket. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { afterEach, beforeEach, expect, it, vi } from 'vitest';

import { startServices } from '../support-ticket/index.ts';
import type { StartedService } from './start-service.ts';

let folder: string;
let services: StartedService | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'signalbox-start-'));
});

afterEach(async () => {
  await services?.close();
  services = undefined;
  rmSync(folder, { recursive: true });
});

const refund = { ticketId: 'T-1', customer: 'C-1001', amount: 49, currency: 'EUR' };

async function order(url: string): Promise<unknown> {
  const headers = { 'idempotency-key': 'T-1', connection: 'close' };
  const answer = await fetch(`${url}/refunds`, { method: 'POST', headers, body: JSON.stringify(refund) });
  return answer.json();
}

async function ledger(url: string): Promise<unknown> {
  return (await fetch(`${url}/ledger`, { headers: { connection: 'close' } })).json();
}

it('tells where it is, makes its folder, and is gone after close', async () => {
  services = await startServices({ dataFolder: join(folder, 'new', 'folder') });
  const { url, env } = services;
  expect(env).toEqual({ SUPPORT_SERVICES_URL: url });
  expect(await ledger(url)).toEqual({ refunds: [], mails: [], outcomes: [] });
  await services.close();
  await services.close();
  await expect(ledger(url)).rejects.toThrow('fetch failed');
});

it('dies after charging, comes back at the same address, and charges nothing twice', async () => {
  services = await startServices({
    dataFolder: folder,
    env: { SUPPORT_SERVICES_FAULTS: 'refunds:die-after:2' },
  });
  const { url } = services;
  for (let death = 0; death < 2; death += 1) {
    await expect(order(url)).rejects.toThrow('fetch failed');
    await vi.waitFor(() => ledger(url));
  }
  expect(await order(url)).toMatchObject({ reference: 'rf-1' });
  expect(await ledger(url)).toMatchObject({ refunds: [{ key: 'T-1', asked: 3 }] });
});

it('keeps its ledger from one start to the next', async () => {
  services = await startServices({ dataFolder: folder });
  await order(services.url);
  await services.close();
  services = await startServices({ dataFolder: folder });
  expect(await ledger(services.url)).toMatchObject({ refunds: [{ key: 'T-1', asked: 1 }] });
});

it('ends with the process that started it, however that ends', async () => {
  const start = pathToFileURL(join(import.meta.dirname, '../../dist/machines/support-ticket/index.js'));
  const script = `
    import { startServices } from ${JSON.stringify(start.href)};
    const { url } = await startServices({ dataFolder: ${JSON.stringify(folder)} });
    process.stdout.write(url + '\\n');`;
  const parent = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(parent.stdout, 'data')) as [Buffer];
  const url = line.toString().trim();
  expect(await order(url)).toMatchObject({ reference: 'rf-1' });
  parent.kill('SIGKILL');
  await once(parent, 'close');
  await vi.waitFor(() => expect(ledger(url)).rejects.toThrow('fetch failed'));
});

it('says why it did not start', async () => {
  const starting = startServices({ dataFolder: folder, env: { SUPPORT_SERVICES_FAULTS: 'refunds:explode' } });
  await expect(starting).rejects.toThrow('Expected a fault such as `refunds:hang:2`, got `refunds:explode`.');
});
