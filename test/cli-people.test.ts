import { fileURLToPath } from 'node:url';

import { expect, test } from 'vitest';

import type { HistoryEntry } from '../src/engine/history.ts';
import { type CliFolder, createCliFolder } from './fixtures/cli.ts';

const own = ['--workflows', fileURLToPath(new URL('./fixtures/people-workflows.mjs', import.meta.url))];

async function asked(...ids: readonly string[]): Promise<CliFolder> {
  const cli = createCliFolder();
  cli.write(
    'in.json',
    ids.map((id) => ({ id, amount: 250 })),
  );
  expect(await cli.run(['run', 'claim', '--input', 'in.json', ...own])).toMatchObject({
    code: 0,
    stderr: '',
  });
  return cli;
}

test('the inbox says who may answer, what is proposed, and when it is due', async () => {
  const cli = await asked('c1');
  const { stdout } = await cli.run(['inbox', ...own]);
  for (const line of [
    /^c1 {2}Pay 250 EUR$/m,
    /^ +due +.*, in 59 min/m,
    /^ +reminder +.*, in 29 min/m,
    /^ +for +dana or role approver$/m,
    /^ +proposed +\{"amount":250\}$/m,
    /^ +half$/m,
    /^ +answer +PAY {2}– Pay it$/m,
    /^ +answer +PAY_OTHER {2}amount: number {2}note: string {2}– Pay another amount {2}for role lead$/m,
    /^ .*send c1 PAY --by [^ ]+:approver /m,
    /^ .*send c1 PAY_OTHER --by [^ ]+:lead --data '\{"amount":250,"note":"…"\}' /m,
  ]) {
    expect(stdout).toMatch(line);
  }
  expect(stdout).not.toContain('not shown');
});

test('an answer is taken from those who may give it, by id or by role', async () => {
  const cli = await asked('c1', 'c2');
  for (const by of [[], ['--by', 'eve'], ['--by', 'eve:support, lead']]) {
    expect(await cli.run(['send', 'c1', 'PAY', ...by, ...own])).toMatchObject({
      code: 20,
      stdout: '',
      stderr: expect.stringMatching(
        /^error: .* that is for dana or role approver\. \(ANSWER_NOT_ALLOWED\)\n$/,
      ),
    });
  }
  expect(await cli.run(['send', 'c1', 'PAY', '--by', ':approver', ...own])).toMatchObject({ code: 2 });
  expect(await cli.run(['send', 'c1', 'PAY', '--by', 'dana', ...own])).toMatchObject({ code: 0, stderr: '' });
  const data = ['--data', '{"amount":200,"note":"Half of it was ours."}'];
  expect(await cli.run(['send', 'c2', 'PAY_OTHER', '--by', 'ada: lead', ...data, ...own])).toMatchObject({
    code: 0,
  });
});

test('what a person changed is told in the timeline', async () => {
  const cli = await asked('c1');
  const data = ['--data', '{"amount":200,"note":"Half of it was ours."}'];
  await cli.run(['send', 'c1', 'PAY_OTHER', '--by', 'ada:lead', ...data, ...own]);
  const { stdout } = await cli.run(['show', 'c1', ...own]);
  expect(stdout).toMatch(/PAY_OTHER by ada/);
  expect(stdout).toMatch(/changed +amount: 250 → 200/);
  const { history } = await cli.document<{ history: HistoryEntry[] }>(['show', 'c1', ...own]);
  expect(history.at(-1)).toMatchObject({ by: { id: 'ada', roles: ['lead'] }, edit: { fate: 'edited' } });
});
