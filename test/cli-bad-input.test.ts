/** Every way to ask for what cannot be: one line on standard error, an exit code of its own kind, nothing stored. */
import { join } from 'node:path';
import { sqliteStore } from 'signalbox/sqlite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import * as errors from '../src/errors.ts';
import { exitCodeOf, exitCodes } from '../src/cli/exit-codes.ts';
import { type CliFolder, createCliFolder } from './fixtures/cli.ts';

const fixture = new URL('./fixtures/cli-workflows.mjs', import.meta.url).href;

interface Case {
  readonly what: string;
  readonly args: readonly string[];
  readonly stdin?: string;
  readonly exit: number;
  readonly says: RegExp;
}

const files: Readonly<Record<string, unknown>> = {
  'good.json': { id: 'good', weight: 1 },
  'comma.json': '{"weight": 5,}',
  'text.json': 'a story\nof two lines',
  'empty.json': '',
  'none.json': [],
  'negative.json': { id: 'n', weight: -1 },
  'mixed/1-good.json': { weight: 1 },
  'mixed/2-bad.json': { weight: 'five' },
  'broken/1-good.json': { weight: 1 },
  'broken/2-bad.json': '{',
  'hollow/notes.txt': '',
  'array.json': [{ weight: 1 }, { weight: 0 }],
  'lines.jsonl': '{"weight": 1}\n{"weight": }\n',
  'twice.json': [
    { id: 'a', weight: 1 },
    { id: 'a', weight: 2 },
  ],
  'changed.json': { id: 'there', weight: 99 },
  'other.mjs': 'export default 1;',
  'copy/node_modules/signalbox/package.json': { name: 'signalbox', exports: './index.js' },
  'copy/node_modules/signalbox/index.js': '',
  'copy/own.mjs': 'export default [];',
  'unnamed.json': { id: '', weight: 1 },
  'throws.mjs': 'throw new Error("two\\nlines");',
};

const run = (input: string, ...more: string[]): readonly string[] => [
  'run',
  'parcel',
  '--input',
  input,
  ...more,
];

const withoutStore: readonly Case[] = [
  { what: 'no command', args: [], exit: 2, says: /Expected a command/ },
  { what: 'an unknown command', args: ['frob'], exit: 2, says: /unknown command 'frob'/ },
  { what: 'a mistyped command', args: ['rnu'], exit: 2, says: /Did you mean run\?/ },
  { what: 'an unknown option', args: ['run', 'parcel', '--frob'], exit: 2, says: /unknown option '--frob'/ },
  { what: 'a missing argument', args: ['run'], exit: 2, says: /missing required argument 'workflow'/ },
  { what: 'a number that is none', args: ['runs', '--limit', 'x'], exit: 2, says: /positive integer/ },
  {
    what: 'a status that is none',
    args: ['runs', '--status', 'x'],
    exit: 2,
    says: /Allowed choices are running/,
  },
  {
    what: 'one id for several inputs',
    args: run('mixed', '--id', 'x'),
    exit: 2,
    says: /`--id` names one run/,
  },
  {
    what: 'an id beside that of the input',
    args: run('good.json', '--id', 'x'),
    exit: 2,
    says: /leave out `--id`/,
  },
  {
    what: 'JSON with a comma too many',
    args: run('comma.json'),
    exit: 3,
    says: /comma\.json is not JSON: .*\(line 1\)/,
  },
  { what: 'a file that is prose', args: run('text.json'), exit: 3, says: /text\.json is not JSON/ },
  { what: 'an empty file', args: run('empty.json'), exit: 3, says: /empty\.json is not JSON: it is empty/ },
  { what: 'an empty array', args: run('none.json'), exit: 3, says: /nothing to run/ },
  {
    what: 'a bad line among JSON lines',
    args: run('lines.jsonl'),
    exit: 3,
    says: /lines\.jsonl:2 is not JSON/,
  },
  { what: 'a bad file in a folder', args: run('broken'), exit: 3, says: /broken\/2-bad\.json is not JSON/ },
  {
    what: 'standard input that is not JSON',
    args: run('-'),
    stdin: '{',
    exit: 3,
    says: /Standard input is not JSON/,
  },
  {
    what: 'a file that is missing',
    args: run('missing.json'),
    exit: 4,
    says: /`missing\.json` cannot be read: there is no such/,
  },
  { what: 'a folder without inputs', args: run('hollow'), exit: 4, says: /has no `\.json` files/ },
  {
    what: 'a module that is missing',
    args: ['workflows', '--workflows', 'x.mjs'],
    exit: 4,
    says: /no module `x\.mjs`/,
  },
  {
    what: 'an input that the schema refuses',
    args: run('negative.json'),
    exit: 5,
    says: /negative\.json: .*weight: Too small/,
  },
  {
    what: 'one bad input in a folder',
    args: run('mixed'),
    exit: 5,
    says: /mixed\/2-bad\.json: .*weight: Invalid input/,
  },
  { what: 'one bad input in an array', args: run('array.json'), exit: 5, says: /array\.json\[1\]: .*weight/ },
  {
    what: 'a workflow in which `check` finds errors',
    args: ['run', 'letter'],
    exit: 22,
    says: /`letter@1\.0\.0` has an error that nobody has accepted.*no-idempotency-key.*`--unchecked`/,
  },
  { what: 'no input where one is needed', args: ['run', 'parcel'], exit: 5, says: /No `--input`/ },
  {
    what: 'an unknown workflow',
    args: ['run', 'parcell'],
    exit: 6,
    says: /No workflow `parcell`\. There is: parcel/,
  },
  {
    what: 'one id for two inputs',
    args: run('twice.json'),
    exit: 11,
    says: /twice\.json\[1\]: run id `a` is also that of twice\.json\[0\]/,
  },
  ...['runs', 'inbox', 'resume'].map((name) => ({
    what: `${name} without a store`,
    args: [name],
    exit: 15,
    says: /no store at `signalbox\.db`/,
  })),
  { what: 'show without a store', args: ['show', 'x'], exit: 15, says: /no store/ },
  { what: 'send without a store', args: ['send', 'x', 'APPROVE'], exit: 15, says: /no store/ },
  { what: 'cancel without a store', args: ['cancel', 'x'], exit: 15, says: /no store/ },
  {
    what: 'a store that is another file',
    args: run('good.json', '--store', 'text.json'),
    exit: 16,
    says: /text\.json` is not a store/,
  },
  {
    what: 'a store in no folder',
    args: run('good.json', '--store', 'no/x.db'),
    exit: 2,
    says: /does not exist\. Create it first/,
  },
  {
    what: 'a Redis that is not there',
    args: ['runs', '--store', 'redis://127.0.0.1:1'],
    exit: 17,
    says: /127\.0\.0\.1:1/,
  },
  {
    what: 'a module without workflows',
    args: ['workflows', '--workflows', 'other.mjs'],
    exit: 18,
    says: /`defineWorkflow` returned/,
  },
  {
    what: 'a module with a Signalbox of its own',
    args: ['workflows', '--workflows', 'copy/own.mjs'],
    exit: 18,
    says: /uses another copy of Signalbox/,
  },
  {
    what: 'an empty id in an input',
    args: run('unnamed.json'),
    exit: 5,
    says: /unnamed\.json: id: Expected .* 1 to 500 characters, got 0/,
  },
  {
    what: 'an empty id as an option',
    args: ['run', 'patience', '--id', ''],
    exit: 2,
    says: /1 to 500 characters, got 0/,
  },
  {
    what: 'a module that throws',
    args: ['workflows', '--workflows', 'throws.mjs'],
    exit: 18,
    says: /cannot be loaded: two lines/,
  },
];

const withStore: readonly Case[] = [
  { what: 'an unknown run to show', args: ['show', 'nobody'], exit: 7, says: /No run `nobody`/ },
  {
    what: 'an unknown run to send to',
    args: ['send', 'nobody', 'APPROVE'],
    exit: 7,
    says: /No run `nobody`/,
  },
  { what: 'an unknown run to cancel', args: ['cancel', 'nobody'], exit: 7, says: /No run `nobody`/ },
  { what: 'an unknown run to resume', args: ['resume', 'nobody'], exit: 7, says: /No run `nobody`/ },
  { what: 'an unknown run to ask', args: ['inbox', 'nobody'], exit: 7, says: /No run `nobody`/ },
  {
    what: 'an unknown event',
    args: ['send', 'there', 'FROB'],
    exit: 8,
    says: /has no event `FROB`\. It has: APPROVE/,
  },
  {
    what: 'data that the schema refuses',
    args: ['send', 'there', 'APPROVE', '--data', '{"by":1}'],
    exit: 9,
    says: /`APPROVE` is not valid: by/,
  },
  {
    what: 'an event without its data',
    args: ['send', 'there', 'APPROVE'],
    exit: 9,
    says: /by: Invalid input/,
  },
  {
    what: 'data that is not JSON',
    args: ['send', 'there', 'APPROVE', '--data', '{by'],
    exit: 3,
    says: /`--data` is not JSON/,
  },
  {
    what: 'data that is no object',
    args: ['send', 'there', 'APPROVE', '--data', '[1]'],
    exit: 3,
    says: /Expected `--data` to be a JSON object, got \[1\]/,
  },
  {
    what: 'a data file that is missing',
    args: ['send', 'there', 'APPROVE', '--data', '@x.json'],
    exit: 4,
    says: /`x\.json` cannot be read/,
  },
  {
    what: 'an event that the state does not accept',
    args: ['send', 'there', 'FETCH'],
    exit: 10,
    says: /does not accept `FETCH` now/,
  },
  {
    what: 'an event to a run that has ended',
    args: ['send', 'over', 'FETCH'],
    exit: 10,
    says: /has ended \(done\)/,
  },
  {
    what: 'a run to cancel that has ended',
    args: ['cancel', 'over'],
    exit: 10,
    says: /has ended \(done\); there is nothing to cancel/,
  },
  {
    what: 'a run id with other input',
    args: run('changed.json'),
    exit: 11,
    says: /changed\.json: run `there` was started before with other input/,
  },
  {
    what: 'a run to resume whose workflow is not there',
    args: ['resume', 'there', '--workflows', 'without.mjs'],
    exit: 6,
    says: /is a run of `parcel@1\.0\.0`, which is not there/,
  },
  {
    what: 'a run id of another workflow',
    args: ['run', 'patience', '--id', 'there'],
    exit: 11,
    says: /is a run of `parcel`/,
  },
];

function fill(cli: CliFolder): CliFolder {
  for (const [name, content] of Object.entries(files)) cli.write(name, content);
  cli.write('without.mjs', `export { patience as default } from ${JSON.stringify(fixture)};`);
  return cli;
}

function expectRefusal(
  finished: { code: number | null; stdout: string; stderr: string },
  { exit, says }: Case,
): void {
  expect(finished.stderr).toMatch(/^error: [^\n]+ \([A-Z_]+\)\n$/);
  expect(finished.stderr).toMatch(says);
  expect(finished.code).toBe(exit);
  expect(finished.stdout).toBe('');
}

describe('without a store, none is made by', () => {
  it.each(withoutStore)('$what', async (each) => {
    const cli = fill(createCliFolder());
    const before = cli.files();
    expectRefusal(await cli.run(each.args, { stdin: each.stdin ?? '' }), each);
    expect(cli.files()).toEqual(before);
  });
});

describe('in a store, nothing is changed by', () => {
  let cli: CliFolder;
  const cleanUps: Array<() => Promise<void>> = [];

  beforeAll(async () => {
    cli = fill(createCliFolder((cleanUp) => cleanUps.push(cleanUp)));
    cli.write('runs.json', [
      { id: 'there', weight: 50 },
      { id: 'over', weight: 1 },
    ]);
    await cli.run(['run', 'parcel', '--input', 'runs.json']);
  });

  afterAll(async () => {
    for (const cleanUp of cleanUps) await cleanUp();
  });

  async function stored(): Promise<unknown> {
    const store = sqliteStore(join(cli.path, 'signalbox.db'));
    const ids = ['there', 'over'];
    const all = await Promise.all(
      ids.map(async (id) => [
        await store.load(id),
        await store.history(id, 0, 100),
        await store.inbox(id, 0),
      ]),
    );
    const { runs } = await store.list({ limit: 10 });
    await store.close();
    return { runs, all };
  }

  it.each(withStore)('$what', async (each) => {
    const before = await stored();
    expectRefusal(await cli.run(each.args, { stdin: each.stdin ?? '' }), each);
    expect(await stored()).toEqual(before);
  });
});

describe('errors', () => {
  it('are one line of JSON where JSON is asked for', async () => {
    const cli = fill(createCliFolder());
    const { code, stdout, stderr } = await cli.run([...run('negative.json'), '--json']);
    expect(code).toBe(5);
    expect(stdout).toBe('');
    expect(stderr.endsWith('\n') && !stderr.trimEnd().includes('\n')).toBe(true);
    expect(JSON.parse(stderr)).toEqual({
      error: { code: 'INPUT_INVALID', message: expect.stringContaining('weight'), exitCode: 5 },
    });
  });

  it('have one exit code for each kind', () => {
    const codes = exitCodes.flatMap((each) => each.errors);
    expect(new Set(codes).size).toBe(codes.length);
    expect(new Set(exitCodes.map(({ exit }) => exit)).size).toBe(exitCodes.length);
  });

  it('that a command can end with are all in the table', () => {
    // These are an actor's, a worker's or a caller's own affair, and end no command.
    const inner = [
      'ActorValueInvalid',
      'BudgetExceeded',
      'ChildRunFailed',
      'CircuitOpen',
      'GateRejected',
      'MapFailed',
      'StateTooLarge',
      'UnhandledError',
      'McpCallFailed',
      'McpToolFailed',
      'McpToolMismatch',
      'TimedOut',
      'ModelAnswerInvalid',
      'ModelCallFailed',
      'OutcomeUnknown',
      'LeaseLost',
      'WaitTimeout',
      'EngineStopped',
    ];
    const classes = Object.entries(errors).filter(
      ([name, value]) =>
        typeof value === 'function' &&
        value.prototype instanceof errors.SignalboxError &&
        !inner.includes(name),
    );
    expect(classes.length).toBeGreaterThan(10);
    for (const [name, Class] of classes) {
      const error = new (Class as unknown as new (message: string) => Error)('x');
      expect([name, exitCodeOf(error)]).not.toEqual([name, 1]);
    }
  });
});
