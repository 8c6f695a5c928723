/** `signalbox record`, and `--fixtures` on what goes on with runs. */
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

import { createMessagesServer } from '../src/testing/messages-server/index.ts';
import { type CliFolder, createCliFolder } from './fixtures/cli.ts';

const sample = (name: string): string =>
  fileURLToPath(new URL(`../machines/support-ticket/samples/${name}.json`, import.meta.url));
const charged = sample('01-charged-twice');
const overLimit = sample('20-over-the-limit');

/** Nothing listens there. */
const nowhere = { SUPPORT_SERVICES_URL: 'http://127.0.0.1:9' };

function fixturesIn(cli: CliFolder, folder: string): readonly string[] {
  return cli.files().filter((path) => path.startsWith(`${folder}/`));
}

describe('record', () => {
  it('keeps every exchange as a file; `--fixtures` then answers with nothing there to be called', async () => {
    const cli = createCliFolder();
    const recorded = await cli.run(['record', 'support-ticket', '--input', charged, '--fixtures', 'fx']);
    expect(recorded).toMatchObject({ code: 0, stderr: '' });
    expect(recorded.stdout).toContain('Recorded 10 exchanges in fx.');
    expect(fixturesIn(cli, 'fx')).toHaveLength(10);

    const args = ['run', 'support-ticket', '--input', charged, '--fixtures', 'fx', '--store', 'again.db'];
    const replayed = await cli.run(args, { env: nowhere });
    expect(replayed).toMatchObject({ code: 0, stderr: '' });
    expect(replayed.stdout).toContain('Replayed 10 of 10 exchanges in fx; nothing was called.');
    const outcome = /^T-001 +done .*$/m;
    const withoutTime = (text: string): string => outcome.exec(text)?.[0].replace(/\d+ ms$/, '') ?? text;
    expect(withoutTime(replayed.stdout)).toBe(withoutTime(recorded.stdout));
    expect(cli.files()).not.toContain('again-services');
  });

  it('goes on past a person: hints have `--record`, and after a replay `--fixtures`', async () => {
    const cli = createCliFolder();
    const recorded = await cli.run(['record', 'support-ticket', '--input', overLimit, '--fixtures', 'fx']);
    const approve = /^ +(.* send T-020 APPROVE .*)$/m;
    const command = approve.exec(recorded.stdout)?.[1] ?? '';
    expect(command).toMatch(/--record fx$/);
    const before = fixturesIn(cli, 'fx').length;
    expect(await cli.shell(command)).toMatchObject({ code: 0, stderr: '' });
    expect(fixturesIn(cli, 'fx').length).toBeGreaterThan(before);

    const args = ['run', 'support-ticket', '--input', overLimit, '--fixtures', 'fx', '--store', 'again.db'];
    const replayed = await cli.run(args, { env: nowhere });
    const again = approve.exec(replayed.stdout)?.[1] ?? '';
    expect(again).toMatch(/--fixtures fx$/);
    const approved = await cli.shell(again);
    expect(approved).toMatchObject({ code: 0, stderr: '' });
    expect(approved.stdout).toMatch(/^T-020 +done/m);
  });

  it('of a real provider is replayed without its key', async () => {
    const server = await createMessagesServer({ answers: [{ json: { answer: 'Forty-two.' } }] });
    const cli = createCliFolder();
    cli.write('in.json', { id: 'O-1', question: 'What is it' });
    const env = { ANTHROPIC_BASE_URL: server.url };
    await cli.run(['record', 'oracle', '--input', 'in.json', '--fixtures', 'fx'], { env });
    await server.close();
    const replayed = await cli.run([
      'run',
      'oracle',
      '--input',
      'in.json',
      '--fixtures',
      'fx',
      '--store',
      'b.db',
    ]);
    expect(replayed).toMatchObject({ code: 0, stderr: '' });
    expect(replayed.stdout).toContain('Forty-two.');
    expect(replayed.stdout).not.toContain('STAND-IN');
  });

  it('refuses a folder that is not empty, unless it is told what to do with it', async () => {
    const cli = createCliFolder();
    cli.write('in.json', { id: 'O-1', question: 'What is it' });
    const record = (...args: readonly string[]) =>
      cli.run(['record', 'oracle', '--input', 'in.json', '--fixtures', 'fx', ...args]);
    expect(await record()).toMatchObject({ code: 0 });
    const refused = await record('--store', 'b.db');
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(/^error: Expected the folder `fx` to be empty.*\(INVALID_OPTION\)\n$/);
    expect(cli.files()).not.toContain('b.db');

    expect(await record('--append', '--store', 'c.db')).toMatchObject({ code: 0 });
    expect(fixturesIn(cli, 'fx')).toHaveLength(2);
    expect(await record('--replace', '--store', 'd.db')).toMatchObject({ code: 0 });
    expect(fixturesIn(cli, 'fx')).toHaveLength(1);
    expect(await record('--append', '--replace')).toMatchObject({ code: 2 });
  });

  it('says that a run which has ended asks no more', async () => {
    const cli = createCliFolder();
    cli.write('in.json', { id: 'O-1', question: 'What is it' });
    await cli.run(['run', 'oracle', '--input', 'in.json']);
    const { code, stdout } = await cli.run(['record', 'oracle', '--input', 'in.json', '--fixtures', 'fx']);
    expect(code).toBe(0);
    expect(stdout).toContain('Nothing was recorded in fx');
  });

  it('tells programs what was written and what was used', async () => {
    const cli = createCliFolder();
    cli.write('in.json', { id: 'O-1', question: 'What is it' });
    const args = ['oracle', '--input', 'in.json', '--fixtures', 'fx'];
    const recorded = await cli.lines(['record', ...args]);
    expect(recorded.progress.at(-1)).toEqual({
      type: 'recorded',
      folder: 'fx',
      files: [expect.stringMatching(/^0001-model-askOracle-/)],
    });
    const replayed = await cli.lines(['run', ...args, '--store', 'b.db']);
    expect(replayed.progress.at(-1)).toEqual({
      type: 'replayed',
      folder: 'fx',
      used: 1,
      unused: [],
      missed: [],
    });
  });
});

describe('--fixtures', () => {
  it('ends in an error of its own if something was not recorded, even where a person would take over', async () => {
    const cli = createCliFolder();
    await cli.run(['record', 'support-ticket', '--input', charged, '--fixtures', 'fx']);
    const args = ['run', 'support-ticket', '--input', overLimit, '--fixtures', 'fx'];
    const { code, stderr } = await cli.run(args, { env: nowhere });
    expect(code).toBe(21);
    expect(stderr).toMatch(
      /^error: `classifyTicket` \(model `stand-in`\) made a request that is not recorded in `fx`.*differs at `messages\[0\]\.content`.*\(EXCHANGE_NOT_RECORDED\)\n$/,
    );
  });

  it('names a folder that is not there, one without fixtures, and a file with garbage', async () => {
    const cli = createCliFolder();
    cli.write('in.json', { id: 'O-1', question: 'What is it' });
    cli.write('empty/notes.txt', 'nothing');
    cli.write('garbage/0001-model-x-00000000.json', '{"kind": ');
    const run = (folder: string) => cli.run(['run', 'oracle', '--input', 'in.json', '--fixtures', folder]);
    expect(await run('missing')).toMatchObject({
      code: 4,
      stderr: 'error: `missing` cannot be read: there is no such file or folder. (FILE_NOT_READABLE)\n',
    });
    expect(await run('empty')).toMatchObject({
      code: 21,
      stderr: expect.stringContaining('The folder `empty` has no fixtures.'),
    });
    expect(await run('garbage')).toMatchObject({
      code: 21,
      stderr: expect.stringMatching(/^error: The fixture `garbage\/0001-model-x-00000000\.json` is not JSON/),
    });
    expect(cli.files()).not.toContain('signalbox.db');
  });

  it('is not for the demo, and not together with `--record`', async () => {
    const cli = createCliFolder();
    expect(await cli.run(['demo', '--fixtures', 'fx'])).toMatchObject({ code: 2 });
    cli.write('in.json', { id: 'O-1', question: 'What is it' });
    const both = ['run', 'oracle', '--input', 'in.json', '--fixtures', 'fx', '--record', 'other'];
    expect(await cli.run(both)).toMatchObject({ code: 2 });
    expect(await cli.run(['record', 'oracle', '--input', 'in.json'])).toMatchObject({
      code: 2,
      stderr: 'error: Expected `--fixtures` to name the folder to record into. (USAGE)\n',
    });
  });
});
