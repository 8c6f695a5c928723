/** `signalbox promote`, as the built command line, on runs that it has made itself. */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { Promotion } from '../src/graph/promotion/promotion.ts';
import { type CliFolder, createCliFolder } from './fixtures/cli.ts';

const samples = (workflow: string): string =>
  fileURLToPath(new URL(`../machines/${workflow}/samples`, import.meta.url));

function verdicts({ lines }: Promotion): Record<string, string> {
  return Object.fromEntries(lines.map(({ id, verdict }) => [id, verdict]));
}

describe('promote, of a ready workflow with its samples', () => {
  let folder: CliFolder;
  let cleanUp: (() => Promise<void>) | undefined;

  beforeAll(async () => {
    folder = createCliFolder((end) => (cleanUp = end));
    await folder.run(['run', 'long-document', '--input', samples('long-document')]);
  });

  afterAll(() => cleanUp?.());

  it('counts no run that stand-ins answered, and ends with a code of its own', async () => {
    const { code, stdout, stderr } = await folder.run(['promote', 'long-document']);
    expect(code).toBe(23);
    expect(stderr).toContain('long-document@1.0.0 fails 1 of 8 lines: inputs.');
    expect(stdout).toMatch(/3 {2}Has it run on genuinely different inputs\? {2}FAILS/);
    expect(stdout).toMatch(/runs answered by stand-ins/);
    expect(stdout).toMatch(/^ +summarizingChunks +invokes summarizeChunks \(map\)/m);
    expect(stdout).toMatch(/^Owner \(research\) +_+ +Date _+$/m);
  });

  it('passes with them, and is readable at 110 columns', async () => {
    const { code, stdout } = await folder.run(['promote', 'long-document', '--count-stand-ins']);
    expect(code).toBe(0);
    expect(stdout).toContain('No line fails.');
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(110);
  });

  it('gives all runs and transitions by their ids as one document', async () => {
    const filled = await folder.document<Promotion>(['promote', 'long-document', '--count-stand-ins']);
    expect(filled).toMatchObject({ workflow: 'long-document@1.0.0', verdict: 'passes', runs: 30 });
    expect(verdicts(filled)).toMatchObject({ flowchart: 'passes', rung: 'informs', inputs: 'passes' });
    const inputs = filled.lines.find(({ id }) => id === 'inputs');
    const ways = inputs?.evidence.find(({ topic }) => topic === 'different ways')?.items ?? [];
    expect(ways.length).toBeGreaterThan(2);
    const transitions = ways.flatMap((way) => way.transitions ?? []);
    expect(transitions).toContain('summarizingChunks summarizeChunks.done 0');
    expect(ways.flatMap(({ runs = [] }) => runs)).toContain('01-twenty-pages');
  });

  it('is written as Markdown for a pull request', async () => {
    const { code, stdout } = await folder.run(['promote', 'long-document', '--markdown']);
    expect(code).toBe(23);
    expect(stdout).toMatch(/^# Promotion check of long-document@1\.0\.0: Summarise a long document$/m);
    expect(stdout).toMatch(/^\| 3 \| Has it run on genuinely different inputs\? \| \*\*fails\*\* \|/m);
    expect(stdout).toMatch(/^- \[ \] It has run on 0 different inputs/m);
    expect(stdout).toMatch(/^\| Reviewer \| {2}\| {2}\|$/m);
  });
});

describe('promote', () => {
  it('says what to run where nothing was run yet', async () => {
    const folder = createCliFolder();
    const { code, stdout } = await folder.run(['promote', 'oracle']);
    expect(code).toBe(23);
    expect(stdout).toContain('There are no runs on record.');
    expect(stdout).toMatch(/run oracle --input <file or folder>/);
    expect(folder.files()).toEqual([]);
  });

  it('fails each line that does not hold, with what to do', async () => {
    const folder = createCliFolder();
    const filled = await folder.document<Promotion>(['promote', 'parcel']);
    expect(verdicts(filled)).toMatchObject({
      flowchart: 'fails',
      rung: 'informs',
      inputs: 'fails',
      effects: 'fails',
      gates: 'passes',
      irreversible: 'passes',
      ownership: 'fails',
    });
    for (const { verdict, problems } of filled.lines) {
      expect(problems.length > 0).toBe(verdict === 'fails');
      for (const { fix } of problems) expect(fix).not.toBe('');
    }
  });

  it('knows no workflow of a name that is not there, and no store that was named and is not there', async () => {
    const folder = createCliFolder();
    const unknown = await folder.run(['promote', 'parcels']);
    expect(unknown.code).toBe(6);
    expect(unknown.stderr).toContain('No workflow `parcels`');
    const missing = await folder.run(['promote', 'parcel', '--store', 'nowhere.db']);
    expect(missing.code).toBe(15);
  });
});
