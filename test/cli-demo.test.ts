/** What `npm start` does, and the support ticket through the command line. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openDatabase } from 'signalbox/sqlite';
import { describe, expect, it, vi } from 'vitest';

import { createCliFolder } from './fixtures/cli.ts';

const sample = fileURLToPath(
  new URL('../machines/support-ticket/samples/20-over-the-limit.json', import.meta.url),
);

const mailed = fileURLToPath(
  new URL('../machines/support-ticket/samples/05-forty-thousand-characters.json', import.meta.url),
);

/** The mail is in the ledger, and its answer is on nobody's way. */
function faultIsUsed(database: string): boolean {
  const ledger = openDatabase(database);
  try {
    const row = ledger.prepare("SELECT count(*) AS mails FROM entries WHERE kind = 'mails'").get();
    return (row as { mails: number }).mails === 1;
  } finally {
    ledger.close();
  }
}

async function until(isSo: () => boolean): Promise<void> {
  await vi.waitUntil(isSo);
}

describe('demo', () => {
  it('takes every sample to its end or to a person, says who answered, and prints a command that approves', async () => {
    const cli = createCliFolder();
    const first = await cli.run(['demo']);
    expect(first).toMatchObject({ code: 0, stderr: '' });
    expect(first.stdout).toMatch(/^37 sample tickets through support-ticket@/);
    expect(first.stdout.split('\n')[1]).toContain('STAND-IN: plain rules, no model');
    expect(first.stdout).toMatch(/^37 runs: \d+ done, \d+ waiting\.$/m);
    const ledger = /^Ledger: (\d+) refunds \(.*EUR.*\), (\d+) mails\.$/m.exec(first.stdout);
    expect(ledger).not.toBe(null);

    const command = /^ +(.* APPROVE .*)$/m.exec(first.stdout)?.[1] ?? '';
    const approved = await cli.shell(command);
    expect(approved).toMatchObject({ code: 0, stderr: '' });
    expect(approved.stdout).toMatch(/done +answered \(billing, model, refunded/);

    const second = await cli.run(['demo']);
    expect(second).toMatchObject({ code: 0, stderr: '' });
    const after = /^Ledger: (\d+) refunds \(.*\), (\d+) mails\.$/m.exec(second.stdout);
    expect(Number(after?.[1])).toBe(Number(ledger?.[1]) + 1);
    expect(Number(after?.[2])).toBe(Number(ledger?.[2]) + 1);
    expect(cli.files().filter((name) => !name.startsWith('.signalbox'))).toEqual([]);
  });

  it('says so when the real API would answer', async () => {
    const cli = createCliFolder();
    const { child, says, finished } = cli.start(['demo'], {
      env: { ANTHROPIC_BASE_URL: 'http://127.0.0.1:9', ANTHROPIC_API_KEY: 'test' },
    });
    await says('anthropic, the real API at http://127.0.0.1:9');
    await says('classifying');
    child.kill('SIGINT');
    expect((await finished).code).toBe(130);
  });
});

describe('support-ticket', () => {
  it('killed in the middle of a mail, has its services back before `resume` goes on, and mails once', async () => {
    const cli = createCliFolder();
    const env = { SUPPORT_SERVICES_FAULTS: 'mails:hang-after:1' };
    const { child, says, finished } = cli.start(['run', 'support-ticket', '--input', mailed], { env });
    await says('sending');
    await until(() => faultIsUsed(join(cli.path, 'signalbox-services', 'support-ticket.db')));
    child.kill('SIGKILL');
    await finished;
    expect(await cli.run(['resume'])).toMatchObject({ code: 0, stderr: '' });
    const { status, output, history } = await cli.document<Record<string, unknown>>(['show', 'T-005']);
    expect({ status, output }).toMatchObject({
      status: 'done',
      output: { parts: [{ mail: { id: 'mail-1' } }] },
    });
    expect(JSON.stringify(history)).not.toContain('SUPPORT_SERVICES_URL');
  });

  it('has its services started beside the store, and shows prompts, answers, gates and their reasons', async () => {
    const cli = createCliFolder();
    const run = await cli.run(['run', 'support-ticket', '--input', sample, '--store', 'tickets.db']);
    expect(run).toMatchObject({ code: 0, stderr: '' });
    expect(cli.files()).toContain('tickets-services');
    const { stdout } = await cli.run(['show', 'T-020', '--store', 'tickets.db']);
    expect(stdout).toMatch(/^ +prompt +\[system\] You sort tickets/m);
    expect(stdout).toMatch(/^ +response +STAND-IN: \{"categories":\["billing"\]\}$/m);
    expect(stdout).toMatch(/^ +gate +✗ withinLimit\n +The amount of 480 EUR is over the limit/m);
    const inbox = await cli.run(['inbox', '--store', 'tickets.db']);
    expect(inbox.stdout).toMatch(/^T-020 {2}Approve the refund$/m);
    expect(inbox.stdout).toContain('STAND-IN');
    expect(inbox.stdout).toMatch(
      /^ +answer +EDIT {2}by: string {2}amount: number > 0 {2}– Refund another amount$/m,
    );
  });
});
