/** `signalbox check`, as the built command line. */
import { describe, expect, it } from 'vitest';

import { createCliFolder } from './fixtures/cli.ts';

interface Document {
  readonly reports: ReadonlyArray<{
    readonly workflow: string;
    readonly findings: ReadonlyArray<{
      readonly rule: string;
      readonly where: string;
      readonly witness?: { readonly name: string };
    }>;
    readonly worst: unknown;
  }>;
}

describe('check', () => {
  it('tells what is wrong with the workflows of a module, and ends with a code of its own', async () => {
    const folder = createCliFolder();
    const { code, stdout, stderr } = await folder.run(['check']);
    expect(code).toBe(22);
    expect(stdout).toContain('warning  failure-not-handled  weighing');
    expect(stdout).toContain('error    no-idempotency-key  postLetter');
    expect(stdout).toContain('Nothing handles a failure of `weighParcel` in `weighing`.');
    expect(stdout).toMatch(/path +weighParcel → failed/);
    expect(stdout).toContain('Nothing is known of what `weighParcel` answers.');
    expect(stdout).not.toContain('support-ticket');
    expect(stderr).toMatch(/^error: Not ready to run: letter@1\.0\.0\. \(CHECK_FAILED\)$/m);
    expect(folder.files()).toEqual([]);
  });

  it('gives the same as one document', async () => {
    const folder = createCliFolder();
    const { stdout } = await folder.run(['check', 'parcel', '--json']);
    const { reports } = JSON.parse(stdout) as Document;
    expect(reports.map(({ workflow }) => workflow)).toEqual([expect.stringContaining('parcel@')]);
    const failing = reports[0]?.findings.find(({ rule }) => rule === 'failure-not-handled');
    expect(failing).toMatchObject({ where: 'weighing', witness: { name: 'weighParcel → failed' } });
  });

  it('knows no workflow of a name that is not there', async () => {
    const { code, stderr } = await createCliFolder().run(['check', 'parcels']);
    expect(code).toBe(6);
    expect(stderr).toContain('No workflow `parcels`');
  });

  it('says what a run can take at most, and from each state on', async () => {
    const folder = createCliFolder();
    const { stdout } = await folder.run(['check', 'long-document']);
    expect(stdout).toMatch(/^ {2}At most \d+ model calls, [\d,]+ tokens, \$\d+\.\d\d and .* a run/m);
    expect(stdout).not.toContain('at most, from');
    const { stdout: whole } = await folder.run(['check', 'long-document', '--worst']);
    expect(whole).toMatch(/at most, from +calls +tokens +money +time +with waiting/);
    expect(whole).toMatch(/^ {2}combiningSummaries +\d+ +[\d,]+ +\$/m);
    expect(whole).toMatch(/Assumed: .*`summarizeChunks`\s+has no more items than those of the examples/s);
  });

  it('takes bounds, and holds what a run can take against them', async () => {
    const bounds = ['--max-usd', '0.01', '--max-tokens', '9', '--max-calls', '1', '--max-seconds', '0.5'];
    const rates = ['--step-reliability', '0.9'];
    const folder = createCliFolder();
    const { code, stdout } = await folder.run(['check', 'long-document', '--strict', ...bounds, ...rates]);
    expect(code).toBe(22);
    for (const measure of ['usd', 'tokens', 'modelCalls', 'timeMs']) {
      expect(stdout).toContain(`warning  over-budget  ${measure}`);
    }
    expect(stdout).toMatch(/warning +long-chain/);
  });

  it('gives the figures as numbers, and "Infinity" where nothing sets a bound', async () => {
    const { stdout } = await createCliFolder().run(['check', 'parcel', '--json']);
    const { reports } = JSON.parse(stdout) as Document;
    expect(reports[0]?.worst).toMatchObject({
      run: { modelCalls: 0, usd: 0, timeMs: 'Infinity' },
      bounded: { timeMs: 0 },
      untimed: ['weighParcel'],
      places: expect.arrayContaining([expect.objectContaining({ place: 'weighing' })]) as unknown,
    });
  });

  it.each([
    ['--max-usd', 'cheap', 'Expected a number from 0.'],
    ['--max-tokens', '-1', 'Expected a number from 0.'],
    ['--max-calls', '', 'Expected a number from 0.'],
    ['--max-seconds', 'Infinity', 'Expected a number from 0.'],
    ['--step-reliability', '97', 'Expected a number from 0 to 1, such as 0.97.'],
  ])('refuses %s %j', async (option, value, message) => {
    const { code, stderr } = await createCliFolder().run(['check', 'parcel', `${option}=${value}`]);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });
});
