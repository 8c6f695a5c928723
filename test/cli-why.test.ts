/** `why` and `why-not` of the built command line, on runs in an SQLite file. */
import { fileURLToPath } from 'node:url';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { type CliFolder, createCliFolder } from './fixtures/cli.ts';

const own = ['--workflows', fileURLToPath(new URL('./fixtures/why-workflows.mjs', import.meta.url))];
const samples = fileURLToPath(new URL('../machines/support-ticket/samples/', import.meta.url));

interface Answer {
  readonly accepted?: { readonly payload: Readonly<Record<string, unknown>> };
  readonly blocks: ReadonlyArray<{ readonly type: string }>;
  readonly way?: { readonly steps: ReadonlyArray<{ readonly name: string }> };
  readonly search?: { readonly states: number; readonly whole: boolean };
}

describe('on support tickets', () => {
  const cleanUps: Array<() => Promise<void>> = [];
  let cli: CliFolder;

  /** One is done, one waits for a triage, one for a refund over the limit, one for a reply. */
  beforeAll(async () => {
    cli = createCliFolder((cleanUp) => void cleanUps.push(cleanUp));
    for (const name of ['01-charged-twice', '04-empty', '20-over-the-limit', '23-threat-of-a-lawyer']) {
      const input = ['--input', `${samples}${name}.json`];
      expect(await cli.run(['run', 'support-ticket', ...input])).toMatchObject({ code: 0, stderr: '' });
    }
  });
  afterAll(async () => {
    for (const cleanUp of cleanUps) await cleanUp();
  });

  test('why shows each step, with what each gate saw, said, and where the route went', async () => {
    const { code, stdout, stderr } = await cli.run(['why', 'T-023']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^T-023 · support-ticket@1\.0\.0 · waiting · awaitingReply\nSTAND-IN: /);
    expect(stdout).toMatch(/^ +1 .* start\n +goes to +classifying$/m);
    expect(stdout).toMatch(
      /^ +2 .* classifyTicket → technical\n +gate +✓ classified\n +saw +\{"categories":\["technical"\]\}\n +goes to +classifying → troubleshooting$/m,
    );
    // What the gate names nothing of, it saw in the answer.
    expect(stdout).toMatch(
      /draftReply → [^\n]+\n +answer +reply:\n[^]*?\n +gate +✗ replyChecked\n +It promises/,
    );
    expect(stdout).toMatch(/^ +stays in +drafting$/m);
  });

  test('why writes one document', async () => {
    const document = await cli.document<{ readonly steps: readonly unknown[] }>(['why', 'T-020']);
    expect(document).toMatchObject({
      run: 'T-020',
      workflow: 'support-ticket',
      status: 'waiting',
      state: 'awaitingApproval',
      standIn: true,
    });
    expect(document.steps.at(-1)).toMatchObject({
      what: expect.stringMatching(/^decideRefund → /),
      from: 'decidingRefund',
      to: 'awaitingApproval',
      gates: [
        { gate: 'refundNotDue', passed: false },
        { gate: 'refundSane', passed: true },
        { gate: 'withinLimit', passed: false, reasons: [expect.stringContaining('limit')] },
      ],
    });
  });

  test('why tells of a run that has ended, and of one whose workflow is gone', async () => {
    const ended = await cli.run(['why', 'T-001', '--full']);
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(ended.stdout).toMatch(/goes to +recordingOutcome → done \(done\)$/m);
    expect(await cli.run(['why', 'T-999'])).toMatchObject({
      code: 7,
      stderr: expect.stringContaining('RUN_NOT_FOUND'),
    });
  });

  test('why-not says what is accepted where it stands, and the command that sends it', async () => {
    const { code, stdout } = await cli.run(['why-not', 'T-020', 'APPROVE']);
    expect(code).toBe(0);
    expect(stdout).toContain('APPROVE is accepted now.');
    expect(stdout).toMatch(/^ +goes to +refunding$/m);
    const [, line] = /^ +(.* send T-020 APPROVE .*)$/m.exec(stdout) ?? [];
    expect(await cli.shell(`${line} --json`)).toMatchObject({ code: 0, stderr: '' });
  });

  test('why-not finds the way over people and actors to where an event is accepted', async () => {
    const { stdout } = await cli.run(['why-not', 'T-004', 'CONFIRM']);
    expect(stdout).toMatch(/^ +state +awaitingTriage accepts CLASSIFY, CLOSE$/m);
    expect(stdout).toMatch(/^ +accepted in +awaitingPaymentCheck, paymentCheckEscalated, awaitingMailCheck/m);
    expect(stdout).toMatch(/^ +1 {2}CLASSIFY\b.*\n +by +a person: Sort the ticket$/m);
    expect(stdout).toMatch(/^ +2 {2}\w+ → .*\n +by +the answer of the actor$/m);
    expect(stdout).toMatch(/^The first of them:\n .* send T-004 CLASSIFY --data /m);
    // The same, told to a program.
    const answer = await cli.document<Answer>(['why-not', 'T-004', 'CONFIRM']);
    expect(answer.way?.steps.map(({ name }) => name.split(' ')[0])).toEqual([
      'CLASSIFY',
      expect.any(String),
      'draftReply',
      'sendReply',
    ]);
  });

  test('why-not says that an event will never be accepted', async () => {
    const { stdout } = await cli.run(['why-not', 'T-023', 'APPROVE']);
    expect(stdout).toMatch(
      /^Nothing that was tried leads to where it is accepted; what can still come, \d+ states/m,
    );
    const answer = await cli.document<Answer>(['why-not', 'T-023', 'APPROVE']);
    expect(answer).toMatchObject({ search: { whole: true } });
    expect(answer).not.toHaveProperty('way');
  });

  test('why-not ends as `send` does, if the run has ended or the workflow has no such event', async () => {
    for (const [run, event, code, error] of [
      ['T-001', 'APPROVE', 10, 'EVENT_NOT_ACCEPTED'],
      ['T-001', 'APROVE', 8, 'EVENT_UNKNOWN'],
      ['T-004', 'APROVE', 8, 'EVENT_UNKNOWN'],
      ['T-999', 'APPROVE', 7, 'RUN_NOT_FOUND'],
    ] as const) {
      expect(await cli.run(['why-not', run, event])).toMatchObject({
        code,
        stdout: '',
        stderr: expect.stringContaining(`(${error})`),
      });
    }
  });
});

describe('on small machines', () => {
  async function started(workflow: string, input: object): Promise<CliFolder> {
    const cli = createCliFolder();
    cli.write('in.json', input);
    expect(await cli.run(['run', workflow, '--input', 'in.json', '--id', 'r1', ...own])).toMatchObject({
      code: 0,
      stderr: '',
    });
    return cli;
  }

  test('a gate that refuses says why, and what a person would have to do first', async () => {
    const cli = await started('invoice', { amount: 250 });
    const { stdout } = await cli.run(['why-not', 'r1', 'PAY', ...own]);
    expect(stdout).toMatch(/^ +guard +withinLimit refuses it, in awaitingApproval$/m);
    expect(stdout).toMatch(/^ +gate +✗ withinLimit\n +250 EUR is over the limit of 100 EUR\.$/m);
    expect(stdout).toMatch(
      /^One step to where .*\n +1 {2}CHANGE \d+\n +by +role approver: Pay the invoice\n +goes to +awaitingApproval\n +PAY\n +for +role approver\n +goes to +paid \(done\)$/m,
    );
    const [, line] = /^ +(.* send r1 CHANGE --by .*:approver --data .*)$/m.exec(stdout) ?? [];
    expect(await cli.shell(line ?? 'false')).toMatchObject({ code: 0, stderr: '' });
    expect(await cli.run(['why-not', 'r1', 'PAY', ...own])).toMatchObject({
      stdout: expect.stringContaining('PAY is accepted now.'),
    });
  });

  test('a plain guard that refuses shows what it read', async () => {
    const cli = await started('invoice', { amount: 1 });
    const { stdout } = await cli.run(['why-not', 'r1', 'REOPEN', ...own]);
    expect(stdout).toMatch(/^ +guard +isOpen refuses it, in awaitingApproval\n +read +open: false$/m);
    expect(stdout).toMatch(/^Nothing that was tried leads to where it is accepted/m);
  });

  test('data that the schema refuses is said to be so, with data that it takes', async () => {
    const cli = await started('invoice', { amount: 1 });
    const data = ['--data', '{"amount":"much"}'];
    const { code, stdout } = await cli.run(['why-not', 'r1', 'CHANGE', ...data, ...own]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ +data +amount: Invalid input/m);
    expect(stdout).toMatch(/^It would be accepted now with other data:\n +with +\{"amount":\d+\}$/m);
  });

  test('who may not answer is told who may', async () => {
    const cli = await started('invoice', { amount: 1 });
    const { stdout } = await cli.run(['why-not', 'r1', 'PAY', '--by', 'eve:clerk', ...own]);
    expect(stdout).toMatch(/^ +question +Pay the invoice\n +for +role approver, not eve or role clerk$/m);
    const allowed = await cli.run(['why-not', 'r1', 'PAY', '--by', 'eve:approver', ...own]);
    expect(allowed.stdout).toContain('PAY is accepted now.');
  });

  test('a timer that has to fire first is told with its time', async () => {
    const cli = await started('invoice', { amount: 1 });
    const { stdout } = await cli.run(['why-not', 'r1', 'OVERRULE', ...own]);
    expect(stdout).toMatch(
      /^ +1 {2}after patience\n +by +the timer, \d{4}-.* \(in 59 min \d+ s\)\n +goes to +escalated$/m,
    );
  });

  test('a state that nothing leads to is said to be out of reach', async () => {
    const cli = await started('invoice', { amount: 1 });
    const answer = await cli.document<Answer>(['why-not', 'r1', 'DELETE', ...own]);
    expect(answer).toMatchObject({
      blocks: [{ type: 'state', acceptedIn: ['archived'] }],
      search: { whole: true },
    });
  });

  test('where there are too many states, it ends within its budget and says so', async () => {
    const cli = await started('switches', {});
    const { stdout } = await cli.run(['why-not', 'r1', 'BURN', '--max-states', '150', ...own]);
    expect(stdout).toMatch(/^No way was found to where it is accepted within 150 states; there are more/m);
  });

  test('a run of a version that is gone still says why, and not why not', async () => {
    const cli = await started('invoice', { amount: 250 });
    await cli.run(['send', 'r1', 'CHANGE', '--by', 'dana:approver', '--data', '{"amount":5}', ...own]);
    const { code, stdout } = await cli.run(['why', 'r1']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^stuck: Run `r1` is a run of `invoice@1\.0\.0`, which is not there\./m);
    expect(stdout).toMatch(/ CHANGE 5 by dana$/m);
    expect(await cli.run(['why-not', 'r1', 'PAY'])).toMatchObject({
      code: 6,
      stderr: expect.stringContaining('(WORKFLOW_NOT_FOUND)'),
    });
  });

  test('options that say nothing are refused', async () => {
    const cli = await started('invoice', { amount: 1 });
    for (const [options, code] of [
      [['--by', ':approver'], 2],
      [['--max-states', '0'], 2],
      [['--data', '[1]'], 3],
      [['--data', '{'], 3],
    ] as const) {
      expect(await cli.run(['why-not', 'r1', 'PAY', ...options, ...own])).toMatchObject({ code, stdout: '' });
    }
  });
});
