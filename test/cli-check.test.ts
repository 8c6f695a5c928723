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
  }>;
}

describe('check', () => {
  it('tells what is wrong with the workflows of a module, and ends with a code of its own', async () => {
    const folder = createCliFolder();
    const { code, stdout, stderr } = await folder.run(['check']);
    expect(code).toBe(22);
    expect(stdout).toContain('error    run-fails  weighing');
    expect(stdout).toContain('Nothing handles a failure of `weighParcel` in `weighing`.');
    expect(stdout).toMatch(/path +weighParcel → failed/);
    expect(stdout).toContain('Nothing is known of what `weighParcel` answers.');
    expect(stdout).not.toContain('support-ticket');
    expect(stderr).toMatch(/^error: CHECK_FAILED|Not ready to run: .*parcel@/m);
    expect(folder.files()).toEqual([]);
  });

  it('gives the same as one document', async () => {
    const folder = createCliFolder();
    const { stdout } = await folder.run(['check', 'parcel', '--json']);
    const { reports } = JSON.parse(stdout) as Document;
    expect(reports.map(({ workflow }) => workflow)).toEqual([expect.stringContaining('parcel@')]);
    const failing = reports[0]?.findings.find(({ rule }) => rule === 'run-fails');
    expect(failing).toMatchObject({ where: 'weighing', witness: { name: 'weighParcel → failed' } });
  });

  it('knows no workflow of a name that is not there', async () => {
    const { code, stderr } = await createCliFolder().run(['check', 'parcels']);
    expect(code).toBe(6);
    expect(stderr).toContain('No workflow `parcels`');
  });
});
