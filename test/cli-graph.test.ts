/** `signalbox graph`: diagrams from the built command line. */
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { createMachine } from 'xstate';

import { createCliFolder } from './fixtures/cli.ts';
import { readMermaid } from './support/mermaid.ts';
import { elementsIn, parseXml } from './support/xml.ts';

const ready = ['support-ticket', 'long-document', 'helpdesk-router', 'document-intake'];
const sample = fileURLToPath(
  new URL('../machines/support-ticket/samples/01-charged-twice.json', import.meta.url),
);

describe('graph', () => {
  test.each(ready)('draws %s in each format', async (name) => {
    const cli = createCliFolder();
    const drawn = async (format: string): Promise<string> => {
      const { code, stdout, stderr } = await cli.run(['graph', name, '--format', format]);
      expect(stderr).toBe('');
      expect(code).toBe(0);
      return stdout;
    };
    expect(readMermaid(await drawn('mermaid')).states.size).toBeGreaterThan(5);
    expect(parseXml(await drawn('svg')).name).toBe('svg');
    expect(createMachine(JSON.parse(await drawn('json')) as object).id).toBe(name);
    expect(await drawn('dot')).toMatch(/^digraph workflow \{\n/);
    expect(cli.files()).toEqual([]);
  });

  test('writes Mermaid where nothing else is asked for, and what the name of a file says', async () => {
    const cli = createCliFolder();
    const { stdout } = await cli.run(['graph', 'parcel']);
    expect(readMermaid(stdout).title).toBe('parcel@1.0.0 · Send a parcel');
    const { stdout: said } = await cli.run(['graph', 'parcel', '--out', 'parcel.svg']);
    expect(said).toBe('Wrote parcel.svg.\n');
    expect(parseXml(cli.read('parcel.svg')).attributes['class']).toBe('signalbox-diagram');
    await cli.run(['graph', 'parcel', '--out', 'parcel.txt', '--format', 'mermaid']);
    expect(cli.read('parcel.txt')).toBe(stdout);
  });

  test('writes one document with --json', async () => {
    const cli = createCliFolder();
    expect(await cli.document(['graph', 'patience', '--coverage'])).toEqual({
      workflow: 'patience@1.0.0',
      format: 'mermaid',
      diagram: expect.stringContaining('waiting --> over : after 400 ms'),
      coverage: { criterion: 'transitions', covered: 1, of: 1, missing: [], leftOut: [], paths: 1 },
    });
  });

  test('lists what paths do not cover', async () => {
    const cli = createCliFolder();
    const { code, stdout } = await cli.run(['graph', 'parcel', '--coverage', '--out', 'parcel.mmd']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Wrote parcel\.mmd\.\n\d of \d transitions are covered by \d+ paths\.\n/);
    expect(stdout).toContain('  missing: returned FETCH 0\n');
    const { comments, classes } = readMermaid(cli.read('parcel.mmd'));
    expect(comments).toContain('missing: returned FETCH 0');
    expect(classes.get('returned')).toBe('missing');
    expect(classes.get('weighing')).toBe('covered');
  });

  test('draws the way of a run, to where it waits', async () => {
    const cli = createCliFolder();
    cli.write('in.json', { id: 'heavy', weight: 50 });
    await cli.run(['run', 'parcel', '--input', 'in.json']);
    const { stdout } = await cli.run(['graph', 'parcel', '--run', 'heavy']);
    const { classes, arrows } = readMermaid(stdout);
    expect(Object.fromEntries(classes)).toMatchObject({
      weighing: 'taken',
      awaitingApproval: 'current',
      sent: 'untaken',
    });
    expect(arrows.filter(({ label }) => label.includes('×'))).toEqual([
      { from: 'weighing', to: 'awaitingApproval', label: 'weighParcel done [guard] ×1', within: '' },
    ]);
  });

  test('draws the way of a support ticket', async () => {
    const cli = createCliFolder();
    await cli.run(['run', 'support-ticket', '--input', sample]);
    const { runs } = await cli.document<{ runs: ReadonlyArray<{ id: string; state: string }> }>(['runs']);
    const [run] = runs;
    await cli.run(['graph', 'support-ticket', '--run', run?.id ?? '', '--out', 'way.svg']);
    const elements = elementsIn(parseXml(cli.read('way.svg')));
    const marked = (mark: string, name: string): string[] =>
      elements.flatMap(({ attributes }) =>
        attributes['class']?.split(' ').includes(mark) ? (attributes[name] ?? []) : [],
      );
    expect(marked('current', 'data-state')).toEqual([`support-ticket.${run?.state}`]);
    expect(marked('taken', 'data-transition')).toEqual(
      expect.arrayContaining([
        'classifying classifyTicket.done 0',
        'triaged always 1',
        'partReady always 0',
        'lookingUpBilling lookUpBilling.done 0',
        'decidingRefund decideRefund.done 1',
        'refunding issueRefund.done 0',
        'sending sendReply.done 0',
        'partFinished always 1',
      ]),
    );
    expect(marked('untaken', 'data-state')).toContain('support-ticket.awaitingTriage');
  });
});

describe('graph refuses', () => {
  test.each([
    ['a workflow that is not there', ['graph', 'nothing'], 6, /No workflow `nothing`/],
    ['a format that is not there', ['graph', 'parcel', '--format', 'png'], 2, /Allowed choices/],
    [
      'a file whose name says no format',
      ['graph', 'parcel', '--out', 'parcel.png'],
      2,
      /which format is wanted/,
    ],
    [
      'a run and coverage at once',
      ['graph', 'parcel', '--coverage', '--run', 'heavy'],
      2,
      /cannot be used with/,
    ],
    ['a run where there is no store', ['graph', 'parcel', '--run', 'heavy'], 15, /There is no store/],
    ['a folder that is not there', ['graph', 'parcel', '--out', 'no/parcel.svg'], 4, /cannot be written/],
  ])('%s', async (_, args, exit, message) => {
    const cli = createCliFolder();
    const { code, stdout, stderr } = await cli.run(args);
    expect(stderr).toMatch(message);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect({ code, stdout }).toEqual({ code: exit, stdout: '' });
    expect(cli.files()).toEqual([]);
  });

  test('a run that is not there, or of another workflow', async () => {
    const cli = createCliFolder();
    cli.write('in.json', { id: 'light', weight: 5 });
    await cli.run(['run', 'parcel', '--input', 'in.json']);
    const missing = await cli.run(['graph', 'parcel', '--run', 'T-9']);
    expect(missing).toMatchObject({ code: 7, stdout: '' });
    const other = await cli.run(['graph', 'oracle', '--run', 'light']);
    expect(other).toMatchObject({ code: 2, stdout: '' });
    expect(other.stderr).toContain('is a run of `parcel@1.0.0`, not of `oracle`');
  });
});
