/** Every command of the built command line, as a user and as a program would call it. */
import { describe, expect, it as test } from 'vitest';

import { createMessagesServer } from '../src/testing/messages-server/index.ts';
import { createCliFolder } from './fixtures/cli.ts';

const fixture = new URL('./fixtures/cli-workflows.mjs', import.meta.url).href;
const light = { id: 'light', weight: 5 };
const heavy = { id: 'heavy', weight: 50 };
const huge = { id: 'huge', weight: 500 };

describe('run', () => {
  test('takes a file with one input, shows the moves and how the run stands', async () => {
    const cli = createCliFolder();
    cli.write('in.json', light);
    const { code, stdout, stderr } = await cli.run(['run', 'parcel', '--input', 'in.json']);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^\d\d:\d\d:\d\d {2}light +running +weighing$/m);
    expect(stdout).toMatch(/^light +done +sent +sent, weight 5 +– +\d+ ms$/m);
    expect(stdout).toContain('1 run: 1 done.');
  });

  test('takes a JSON array, JSON lines, a folder and standard input', async () => {
    const cli = createCliFolder();
    cli.write('array.json', [light, heavy]);
    cli.write('lines.jsonl', '{"id":"l1","weight":1}\n\n{"id":"l2","weight":2}\n');
    cli.write('lines.txt', '{"id":"l3","weight":1}\n{"id":"l4","weight":2}\n');
    cli.write('folder/b.json', { weight: 1 });
    cli.write('folder/a.json', { weight: 2 });
    cli.write('folder/notes.txt', 'not an input');
    const idsOf = async (from: string, stdin = ''): Promise<unknown> => {
      const { last } = await cli.lines(['run', 'parcel', '--input', from], { stdin });
      return last.runs.map(({ run }) => run);
    };
    expect(await idsOf('array.json')).toEqual(['light', 'heavy']);
    expect(await idsOf('lines.jsonl')).toEqual(['l1', 'l2']);
    expect(await idsOf('lines.txt')).toEqual(['l3', 'l4']);
    expect(await idsOf('folder')).toEqual(['a', 'b']);
    expect(await idsOf('-', '\ufeff{"id":"piped","weight":3}')).toEqual(['piped']);
  });

  test('names a run after its input, else `--id`, else its file, else at random', async () => {
    const cli = createCliFolder();
    cli.write('unnamed.json', { weight: 1 });
    cli.write('many.json', [{ weight: 1 }, { weight: 2 }]);
    const idsOf = async (...args: string[]): Promise<string[]> => {
      const { last } = await cli.lines(['run', 'parcel', ...args], { stdin: '{"weight":4}' });
      return last.runs.map(({ run }) => run);
    };
    expect(await idsOf('--input', 'unnamed.json')).toEqual(['unnamed']);
    expect(await idsOf('--input', 'unnamed.json', '--id', 'mine')).toEqual(['mine']);
    expect(await idsOf('--input', 'many.json')).toEqual(['many-1', 'many-2']);
    expect(await idsOf('--input', '-')).toEqual([expect.stringMatching(/^[0-9a-f-]{36}$/)]);
  });

  test('writes JSON lines: every move, then how all stand', async () => {
    const cli = createCliFolder();
    cli.write('in.json', [light, heavy]);
    const { progress, last } = await cli.lines(['run', 'parcel', '--input', 'in.json']);
    expect(progress[0]).toEqual({
      type: 'progress',
      run: 'light',
      status: 'running',
      state: 'weighing',
      at: expect.any(String),
    });
    expect(last).toMatchObject({
      type: 'outcomes',
      stopped: false,
      runs: [
        {
          run: 'light',
          workflow: 'parcel',
          version: '1.0.0',
          status: 'done',
          state: 'sent',
          output: { status: 'sent', weight: 5, by: null },
          tookMs: expect.any(Number),
          tokens: { input: 0, output: 0 },
          standIn: false,
        },
        {
          run: 'heavy',
          status: 'waiting',
          state: 'awaitingApproval',
          tags: ['person'],
          waiting: { answers: [{ event: 'APPROVE', passes: true }, { event: 'REJECT' }] },
        },
      ],
    });
  });

  test('is harmless when it is repeated', async () => {
    const cli = createCliFolder();
    cli.write('in.json', [light, heavy]);
    const first = await cli.lines(['run', 'parcel', '--input', 'in.json'], { env: { CLI_TEST_LOG: 'log' } });
    const second = await cli.lines(['run', 'parcel', '--input', 'in.json'], { env: { CLI_TEST_LOG: 'log' } });
    expect(second.last).toEqual(first.last);
    expect(cli.read('log')).toBe('weigh light\nweigh heavy\n');
  });

  test('says with a code and one line that a run failed', async () => {
    const cli = createCliFolder();
    cli.write('in.json', [light, huge]);
    const { code, stdout, stderr } = await cli.run(['run', 'parcel', '--input', 'in.json']);
    expect(code).toBe(12);
    expect(stderr).toBe('error: 1 of 2 failed: huge. (RUN_FAILED)\n');
    expect(stdout).toMatch(/^huge +failed +tooHeavy +Nobody can lift it\./m);
  });

  test('runs a workflow with errors if it is told to', async () => {
    const cli = createCliFolder();
    const { code, stdout } = await cli.run(['run', 'letter', '--id', 'L-1', '--unchecked']);
    expect(stdout).toMatch(/^L-1 +done +posted/m);
    expect(code).toBe(0);
  });

  test('sees a run through that only waits for a timer that is soon, and needs no input where none is asked', async () => {
    const cli = createCliFolder();
    const { last } = await cli.lines(['run', 'patience', '--id', 'slow']);
    expect(last.runs).toMatchObject([{ run: 'slow', status: 'done', output: { waited: true } }]);
  });

  test('prints the command that answers, which works as it stands', async () => {
    const cli = createCliFolder();
    cli.write('in.json', heavy);
    const { stdout } = await cli.run(['run', 'parcel', '--input', 'in.json']);
    const command = /^ +(.* send heavy APPROVE .*)$/m.exec(stdout)?.[1] ?? '';
    const answered = await cli.shell(command);
    expect(answered).toMatchObject({ code: 0, stderr: '' });
    expect(answered.stdout).toMatch(/^heavy +done +sent +sent, weight 50/m);
  });
});

describe('output', () => {
  test('has no colours and nothing that moves the cursor when it is piped', async () => {
    const cli = createCliFolder();
    cli.write('in.json', heavy);
    const outputs = [
      await cli.run(['run', 'parcel', '--input', 'in.json']),
      await cli.run(['run', 'oracle', '--input', '-', '--id', 'q'], { stdin: '{"question":"why"}' }),
      await cli.run(['show', 'q', '--full']),
      await cli.run(['show', 'q', '--json']),
      await cli.run(['inbox']),
      await cli.run(['frob']),
    ];
    for (const { stdout, stderr } of outputs) {
      const unsafe = Array.from(stdout + stderr).filter((character) => /(?!\n)\p{Cc}/u.test(character));
      expect(unsafe).toEqual([]);
    }
    expect(outputs[2]?.stdout).toContain(String.raw`\u001b[2Jwhy? Ask again.`);
  });

  test('says STAND-IN wherever a stand-in answered', async () => {
    const cli = createCliFolder();
    const run = await cli.run(['run', 'oracle', '--input', '-', '--id', 'q'], {
      stdin: '{"question":"why"}',
    });
    expect(run.stdout).toContain('STAND-IN');
    const show = await cli.run(['show', 'q']);
    expect(show.stdout).toMatch(/^ +model +STAND-IN/m);
    expect(show.stdout).toMatch(/^ +response +STAND-IN: /m);
    expect(await cli.document(['show', 'q'])).toMatchObject({ standIn: true });
  });

  test('counts the tokens of a real API, and names the model that answered', async () => {
    const server = await createMessagesServer({
      answers: [{ json: { answer: 'Because.' }, usage: { input_tokens: 1200, output_tokens: 34 } }],
    });
    try {
      const cli = createCliFolder();
      const env = { ANTHROPIC_BASE_URL: server.url, ANTHROPIC_API_KEY: 'test' };
      const run = await cli.run(['run', 'oracle', '--input', '-', '--id', 'q'], {
        stdin: '{"question":"why"}',
        env,
      });
      expect(run.stdout).toMatch(/^q +done +answered +Because\. +1,200\+34 /m);
      expect(run.stdout).not.toContain('STAND-IN');
      const show = await cli.run(['show', 'q'], { env });
      expect(show.stdout).toMatch(/^ +model +anthropic answered in .* tokens 1200 in, 34 out/m);
      expect(show.stdout).toContain('[user] Question: why');
      expect(show.stdout).toMatch(/^started .* · 1 call · 1,234 tokens · 1 call without a known price$/m);
      expect(await cli.document(['show', 'q'], { env })).toMatchObject({
        tokens: { input: 1200, output: 34 },
        spend: { calls: 1, costUsd: 0, unpriced: 1, byModel: { none: { calls: 1 } } },
      });
      expect(server.unexpected).toEqual([]);
    } finally {
      await server.close();
    }
  });
});

describe('runs', () => {
  test('lists newest first, by status, tag and workflow, page by page', async () => {
    const cli = createCliFolder();
    cli.write('in.json', [light, heavy, { id: 'last', weight: 1 }]);
    await cli.run(['run', 'parcel', '--input', 'in.json']);
    await cli.run(['run', 'patience', '--id', 'other']);
    const ids = async (...args: string[]): Promise<string[]> => {
      const page = await cli.document<{ runs: Array<{ id: string }> }>(['runs', ...args]);
      return page.runs.map(({ id }) => id);
    };
    expect(await ids()).toEqual(['other', 'last', 'heavy', 'light']);
    expect(await ids('--status', 'waiting')).toEqual(['heavy']);
    expect(await ids('--tag', 'person')).toEqual(['heavy']);
    expect(await ids('--workflow', 'patience')).toEqual(['other']);
    const { cursor } = await cli.document<{ cursor: string }>(['runs', '--limit', '2']);
    expect(await ids('--limit', '2', '--cursor', cursor)).toEqual(['heavy', 'light']);
    const text = await cli.run(['runs', '--limit', '2']);
    expect(text.stdout).toContain(`runs --limit 2 --cursor ${cursor}`);
    expect(text.stdout).toMatch(/^last +parcel@1\.0\.0 +done +sent /m);
  });
});

describe('show', () => {
  test('tells what happened in order, and cuts long texts unless it is told not to', async () => {
    const cli = createCliFolder();
    const question = Array.from({ length: 200 }, (_, index) => `line ${index}`).join('\n');
    await cli.run(['run', 'oracle', '--input', '-', '--id', 'q'], { stdin: JSON.stringify({ question }) });
    const { code, stdout } = await cli.run(['show', 'q']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^q · oracle@1\.0\.0 · done · answered$/m);
    expect(stdout).toMatch(/^ +1 \d\d:\d\d:\d\d {2}start → asking$/m);
    expect(stdout).toMatch(/^ +2 \d\d:\d\d:\d\d \+\d+ ms {2}askOracle answered → answered \(done\)$/m);
    expect(stdout).toMatch(/… \d+ more lines; --full shows them/);
    expect(stdout).not.toContain('line 199');
    const full = await cli.run(['show', 'q', '--full']);
    expect(full.stdout).toContain('line 199');
    expect(full.stdout).not.toContain('more lines');
  });

  test('shows who answered, timers, gates and the end', async () => {
    const cli = createCliFolder();
    cli.write('in.json', heavy);
    await cli.run(['run', 'parcel', '--input', 'in.json']);
    await cli.run(['send', 'heavy', 'APPROVE', '--data', '{"by":"dana"}']);
    const { stdout } = await cli.run(['show', 'heavy']);
    expect(stdout).toMatch(/^ +timer +1 h of awaitingApproval at .* \(in 1 h\)$/m);
    expect(stdout).toContain('APPROVE by dana → sent (done)');
    expect(stdout).toMatch(/^output +\{"status":"sent","weight":50,"by":"dana"\}$/m);
    expect(await cli.document(['show', 'heavy'])).toMatchObject({
      run: 'heavy',
      status: 'done',
      output: { by: 'dana' },
      history: [
        { type: 'message', message: { type: 'start' } },
        {},
        { message: { event: { type: 'APPROVE', by: 'dana' } } },
      ],
    });
  });
});

describe('a run whose workflow is not there', () => {
  test('shows what is on record, and says what is missing if it has not ended', async () => {
    const cli = createCliFolder();
    cli.write('in.json', [light, heavy]);
    await cli.run(['run', 'parcel', '--input', 'in.json']);
    cli.write('none.mjs', `export { patience as default } from ${JSON.stringify(fixture)};`);
    const without = ['--workflows', 'none.mjs'];
    const ended = await cli.run(['show', 'light', ...without]);
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(ended.stdout).toMatch(/^output +\{"status":"sent"/m);
    const waiting = await cli.run(['show', 'heavy', ...without]);
    expect(waiting).toMatchObject({ code: 0, stderr: '' });
    expect(waiting.stdout).toMatch(/^stuck: Run `heavy` is a run of `parcel@1\.0\.0`, which is not there/m);
    expect(await cli.run(['resume', ...without])).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(
        /^warning: There are unfinished runs of parcel@1\.0\.0, which is not there/,
      ),
    });
  });
});

describe('inbox and send', () => {
  test('the inbox says what is asked, what to look at and how to answer', async () => {
    const cli = createCliFolder();
    cli.write('in.json', [light, heavy]);
    await cli.run(['run', 'parcel', '--input', 'in.json']);
    const { stdout } = await cli.run(['inbox']);
    expect(stdout).toMatch(/^heavy {2}Approve the heavy parcel$/m);
    expect(stdout).toMatch(/^ +due +.*, in 59 min/m);
    expect(stdout).toMatch(/^ +weight +50$/m);
    expect(stdout).toMatch(/^ +answer +REJECT {2}by: string {2}reason: string$/m);
    expect(stdout).not.toContain('light');
    expect(await cli.document(['inbox'])).toEqual({
      inbox: [
        {
          run: 'heavy',
          workflow: 'parcel',
          version: '1.0.0',
          state: 'awaitingApproval',
          standIn: false,
          questions: [expect.objectContaining({ title: 'Approve the heavy parcel' })],
          since: expect.stringMatching(/^\d{4}-.*Z$/),
          due: expect.stringMatching(/^\d{4}-.*Z$/),
          shows: { input: { id: 'heavy', weight: 50, delayMs: 0 } },
          answers: [
            {
              event: 'APPROVE',
              fields: [{ name: 'by', required: true, type: 'string' }],
              schema: expect.objectContaining({ type: 'object' }),
              command: expect.stringContaining('send heavy APPROVE'),
              passes: true,
            },
            expect.objectContaining({ event: 'REJECT' }),
          ],
        },
      ],
    });
  });

  test('send goes on with the run and shows where that led', async () => {
    const cli = createCliFolder();
    cli.write('in.json', [heavy, { ...heavy, id: 'h2' }, { ...heavy, id: 'h3' }]);
    cli.write('answer.json', { by: 'dana' });
    await cli.run(['run', 'parcel', '--input', 'in.json']);
    const { last } = await cli.lines(['send', 'heavy', 'APPROVE', '--data', '@answer.json']);
    expect(last).toMatchObject({
      type: 'outcomes',
      runs: [{ run: 'heavy', status: 'done', output: { by: 'dana' } }],
    });
    const piped = await cli.run(['send', 'h2', 'APPROVE', '--data', '-'], { stdin: '{"by":"kim"}' });
    expect(piped.stdout).toMatch(/^h2 +done +sent +sent, weight 50, kim/m);
    expect(await cli.run(['inbox'])).toMatchObject({ code: 0, stdout: expect.stringMatching(/^h3/) });
  });

  test('an event with a key counts once, and one that is held waits for its state', async () => {
    const cli = createCliFolder();
    cli.write('in.json', heavy);
    await cli.run(['run', 'parcel', '--input', 'in.json']);
    const held = await cli.run(['send', 'heavy', 'FETCH', '--hold']);
    expect(held).toMatchObject({ code: 0, stderr: '' });
    expect(held.stdout).toMatch(/^heavy +waiting +awaitingApproval/m);
    const answer = ['send', 'heavy', 'APPROVE', '--data', '{"by":"dana"}', '--key', 'once'];
    expect(await cli.run(answer)).toMatchObject({ code: 0 });
    expect(await cli.run(answer)).toMatchObject({ code: 0, stderr: '' });
    const { history } = await cli.document<{ history: unknown[] }>(['show', 'heavy']);
    expect(
      history.map((entry) => JSON.stringify(entry)).filter((entry) => entry.includes('APPROVE')),
    ).toHaveLength(1);
  });
});

describe('cancel, resume and the rest', () => {
  test('cancel ends a run with its reason on record', async () => {
    const cli = createCliFolder();
    cli.write('in.json', heavy);
    await cli.run(['run', 'parcel', '--input', 'in.json']);
    const cancelled = await cli.run(['cancel', 'heavy', '--reason', 'sent by mistake']);
    expect(cancelled).toMatchObject({ code: 0, stderr: '' });
    expect(await cli.document(['show', 'heavy'])).toMatchObject({
      status: 'cancelled',
      history: [{}, {}, { message: { type: 'cancel', reason: 'sent by mistake' } }],
    });
    expect(await cli.document(['cancel', 'heavy'])).toMatchObject({ run: 'heavy', status: 'cancelled' });
  });

  test('resume has nothing to do where all have ended or wait', async () => {
    const cli = createCliFolder();
    cli.write('in.json', [light, heavy]);
    await cli.run(['run', 'parcel', '--input', 'in.json']);
    expect(await cli.run(['resume'])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Nothing to go on with'),
    });
    expect((await cli.lines(['resume'])).last).toMatchObject({ type: 'outcomes', runs: [] });
    expect(await cli.run(['resume', 'heavy'])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^heavy +waiting/m),
    });
  });

  test('workflows lists what can be run, with the schemas in JSON', async () => {
    const cli = createCliFolder();
    const { stdout } = await cli.run(['workflows']);
    expect(stdout).toMatch(/^parcel +1\.0\.0 +Send a parcel +tests +APPROVE, REJECT, FETCH$/m);
    expect(stdout).toMatch(/^support-ticket +/m);
    const { workflows } = await cli.document<{ workflows: unknown[] }>(['workflows']);
    expect(workflows[0]).toMatchObject({
      name: 'parcel',
      version: '1.0.0',
      title: 'Send a parcel',
      owner: 'tests',
      input: { type: 'object', required: ['weight'] },
      events: [{ type: 'APPROVE', schema: { required: ['by'] } }, { type: 'REJECT' }, { type: 'FETCH' }],
    });
    expect(cli.files()).toEqual([]);
  });

  test('finds the store by option or environment, and says where to find it again', async () => {
    const cli = createCliFolder();
    cli.write('in.json', heavy);
    const { stdout } = await cli.run(['run', 'parcel', '--input', 'in.json', '--store', 'my store.db']);
    expect(stdout).toContain("--store 'my store.db'");
    expect(await cli.run(['runs'], { env: { SIGNALBOX_STORE: 'my store.db' } })).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('heavy'),
    });
    expect(cli.files().filter((name) => name.endsWith('.db'))).toEqual(['my store.db']);
  });

  test('help and version are on standard output', async () => {
    const cli = createCliFolder();
    const help = await cli.run(['--help']);
    expect(help).toMatchObject({ code: 0, stderr: '' });
    expect(help.stdout).toContain('Exit codes:');
    expect(await cli.run(['help', 'send'])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('--hold'),
    });
    expect(await cli.run(['--version'])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
    });
  });
});
