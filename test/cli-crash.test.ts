/** Commands that are killed or stopped, and what goes on after them. */
import { describe, expect, it } from 'vitest';

import { createCliFolder } from './fixtures/cli.ts';

const parcels = Array.from({ length: 5 }, (_, index) => ({
  id: `p${index}`,
  weight: 1 + index,
  delayMs: 60_000,
}));
const done = parcels.map(({ id }) => expect.objectContaining({ run: id, status: 'done' }));

/** Inputs that take long until they are started again. */
function slowFolder(): ReturnType<typeof createCliFolder> {
  const cli = createCliFolder();
  cli.write('in.json', parcels);
  return cli;
}

const hurry = { CLI_TEST_HURRY: '1', CLI_TEST_LOG: 'log' };
const patient = { CLI_TEST_LOG: 'log' };

describe('a command that is killed', () => {
  it('leaves runs that `resume` finishes', async () => {
    const cli = slowFolder();
    const { child, says, finished } = cli.start(['run', 'parcel', '--input', 'in.json'], { env: patient });
    await says('p4');
    child.kill('SIGKILL');
    expect((await finished).code).toBe(null);

    const { runs } = await cli.document<{ runs: Array<{ status: string }> }>(['runs']);
    expect(runs.map(({ status }) => status)).toEqual(parcels.map(() => 'running'));
    const { last } = await cli.lines(['resume'], { env: hurry });
    expect(last).toMatchObject({ type: 'outcomes', runs: done });
    expect(cli.read('log').trim().split('\n').toSorted()).toEqual(
      parcels.flatMap(({ id }) => [`weigh ${id}`, `weigh ${id}`]),
    );
    const { history } = await cli.document<{ history: unknown[] }>(['show', 'p0']);
    expect(history).toContainEqual(
      expect.objectContaining({ type: 'attempt', attempt: 2, why: 'taken over' }),
    );
  });
});

describe('Ctrl-C', () => {
  it('gives the runs back, says how to go on, and `resume` does', async () => {
    const cli = slowFolder();
    const { child, says, finished } = cli.start(['run', 'parcel', '--input', 'in.json'], { env: patient });
    await says('p4');
    child.kill('SIGINT');
    const stopped = await finished;
    expect(stopped).toMatchObject({ code: 130, stderr: '' });
    const command = /^Stopped with 5 under way\. To go on: (.* resume .*)$/m.exec(stopped.stdout)?.[1] ?? '';
    const resumed = await cli.shell(`CLI_TEST_HURRY=1 ${command}`);
    expect(resumed).toMatchObject({ code: 0, stderr: '' });
    expect(resumed.stdout).toContain('5 runs: 5 done.');
  });

  it('lets one run be resumed at once, and the same command go on with the others', async () => {
    const cli = slowFolder();
    const { child, says, finished } = cli.start(['run', 'parcel', '--input', 'in.json'], { env: patient });
    await says('p4');
    child.kill('SIGTERM');
    expect((await finished).code).toBe(143);
    const one = await cli.lines(['resume', 'p2'], { env: hurry });
    expect(one.last).toMatchObject({ runs: [{ run: 'p2', status: 'done' }] });
    const again = await cli.lines(['run', 'parcel', '--input', 'in.json'], { env: hurry });
    expect(again.last).toMatchObject({ runs: done });
  });
});
