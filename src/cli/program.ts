/** What can be typed: the commands, their arguments and options, and what help says of them. */
import { createRequire } from 'node:module';
import { Command, InvalidArgumentError, Option } from 'commander';

import type { ListOptions } from '../engine/engine.ts';
import type { Cli, CommandResult } from './cli.ts';
import { cancel, type CancelOptions } from './commands/cancel.ts';
import { check, type CheckOptions } from './commands/check.ts';
import { deleteRun, type DeleteOptions } from './commands/delete.ts';
import { demo } from './commands/demo.ts';
import { graph, graphFormats, type GraphOptions } from './commands/graph.ts';
import { inbox, type InboxOptions } from './commands/inbox.ts';
import { promote, type PromoteOptions } from './commands/promote.ts';
import { record, type RecordOptions } from './commands/record.ts';
import { resume, type ResumeOptions } from './commands/resume.ts';
import { retry, type RetryOptions } from './commands/retry.ts';
import { run, type RunOptions } from './commands/run.ts';
import { runs } from './commands/runs.ts';
import { send, type SendOptions } from './commands/send.ts';
import { show, type ShowOptions } from './commands/show.ts';
import { why, type WhyOptions } from './commands/why.ts';
import { whyNot, type WhyNotCommandOptions } from './commands/why-not.ts';
import { workflows } from './commands/workflows.ts';
import { exitCodeHelp } from './exit-codes.ts';
import { defaultStore } from './open-store.ts';
import { createScreen } from './screen.ts';
import { defaultConcurrency } from './session.ts';
import { oneLine } from './text.ts';

type Labels = NonNullable<ListOptions['labels']>;

interface GlobalOptions {
  readonly store?: string;
  readonly workflows?: string;
  readonly fixtures?: string;
  readonly record?: string;
  readonly json?: true;
  readonly color: boolean;
}

/** Does what the arguments say and gives the exit code. Throws `CommanderError` for arguments that say nothing. */
export async function runProgram(args: readonly string[]): Promise<number> {
  let exitCode = 0;
  const program = createProgram(async (result) => {
    exitCode = (await result) ?? 0;
  });
  if (args.length === 0) {
    program.outputHelp();
    return 2;
  }
  await program.parseAsync(args, { from: 'user' });
  return exitCode;
}

function createProgram(finish: (result: CommandResult) => Promise<void>): Command {
  const program = new Command('signalbox')
    .description('Durable LLM workflows as XState machines, from the command line.')
    .version(version(), '-V, --version', 'print the version')
    .option(
      '--store <where>',
      `an SQLite file or a redis:// URL (default: SIGNALBOX_STORE, or ${defaultStore})`,
    )
    .option('--workflows <module>', 'a JavaScript module with workflows of your own')
    .option('--fixtures <folder>', 'answer from the recordings in a folder; no model and no tool is called')
    .option('--record <folder>', 'add what models and tools answer to the recordings in a folder')
    .option('--json', 'write JSON instead of text; progress as JSON lines')
    .option('--no-color', 'write without colours (also: NO_COLOR, or not to a terminal)')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ writeErr: () => {} })
    .addHelpText('after', exitCodeHelp())
    .exitOverride();
  const cli = (): Cli => createCli(program.opts<GlobalOptions>());

  runCommand(program, 'run')
    .description('start a run for each input, and go on with them until each has ended or waits')
    .action((workflow: string, options: RunOptions) => finish(run(cli(), workflow, options)));

  runCommand(program, 'record')
    .description('run, and keep every exchange with a model or a tool as a file in the folder of --fixtures')
    .option('--append', 'add to the recordings that are there')
    .option('--replace', 'delete the recordings that are there first')
    .action((workflow: string, options: RecordOptions) => finish(record(cli(), workflow, options)));

  program
    .command('runs')
    .description('list runs, newest first')
    .option('--workflow <name>', 'only those of this workflow')
    .addOption(new Option('--status <status>', 'only those in this status').choices(statuses))
    .option('--tag <tag>', 'only those in a state with this tag')
    .option('--label <name=value>', 'only those with this label; may be given several times', addLabel)
    .option('--parent <run>', 'only those that this run has started')
    .option('--top-level', 'only those that no other run has started')
    .option('--stuck', 'only those that no worker executes')
    .option('--limit <n>', 'at most so many (default: 50)', parseCount)
    .option('--cursor <cursor>', 'go on from the page before')
    .action(({ label, ...options }: ListOptions & { readonly label?: Labels }) =>
      finish(runs(cli(), { ...options, ...(label ? { labels: label } : {}) })),
    );

  program
    .command('show')
    .description("one run's timeline: inputs, outputs, prompts, responses, gates, timers, who answered")
    .argument('<run>')
    .option('--full', 'do not cut long texts')
    .action((id: string, options: ShowOptions) => finish(show(cli(), id, options)));

  program
    .command('send')
    .description('send an event to a run, and go on with it until it has ended or waits')
    .argument('<run>')
    .argument('<event>', 'its type, such as APPROVE')
    .option('--data <json>', "the event's data: JSON, @file, or - for stdin")
    .option('--key <key>', 'the run takes one event with this key, however often it is sent')
    .option(
      '--by <who>',
      'who answers: NAME, or NAME:role,role (default: the `by` of the data, or your user name)',
    )
    .option('--hold', 'if the run does not accept the event now, keep it until it does')
    .addOption(timeoutOption())
    .action((id: string, event: string, options: SendOptions) => finish(send(cli(), id, event, options)));

  program
    .command('inbox')
    .description('runs that wait for a person: what is asked, until when, and the commands that answer')
    .argument('[run]', 'only what this run asks')
    .option('--workflow <name>', 'only runs of this workflow')
    .option('--full', 'do not cut long texts')
    .action((id: string | undefined, options: InboxOptions) => finish(inbox(cli(), id, options)));

  program
    .command('why')
    .description('how a run came to where it is: each step, and what each gate saw and said')
    .argument('<run>')
    .option('--full', 'do not cut long texts')
    .action((id: string, options: WhyOptions) => finish(why(cli(), id, options)));

  program
    .command('why-not')
    .description('what keeps a run from taking an event, and the shortest way to where it would')
    .argument('<run>')
    .argument('<event>', 'its type, such as APPROVE')
    .option('--data <json>', "the event's data: JSON, @file, or - for stdin (default: any that it may have)")
    .option('--by <who>', 'who would send it: NAME, or NAME:role,role (default: whoever may)')
    .option('--max-states <n>', 'look for a way through at most so many states (default: 2000)', parseCount)
    .option('--full', 'do not cut long texts')
    .action((id: string, event: string, options: WhyNotCommandOptions) =>
      finish(whyNot(cli(), id, event, options)),
    );

  program
    .command('cancel')
    .description('end a run; what it has in flight is stopped')
    .argument('<run>')
    .option('--reason <text>', 'kept in its history')
    .addOption(timeoutOption())
    .action((id: string, options: CancelOptions) => finish(cancel(cli(), id, options)));

  program
    .command('retry')
    .description('continue a failed run from where it failed, until it has ended or waits')
    .argument('<run>')
    .option('--from <step>', 'continue from this earlier step instead, by its sequence number', parseCount)
    .option('--repeat-irreversible', 'repeat irreversible calls that may have taken effect')
    .addOption(timeoutOption())
    .action((id: string, options: RetryOptions) => finish(retry(cli(), id, options)));

  program
    .command('delete')
    .description('delete a run that has ended, or that no worker can execute, with its history')
    .argument('<run>')
    .option('--force', 'also if it has not ended')
    .addOption(timeoutOption())
    .action((id: string, options: DeleteOptions) => finish(deleteRun(cli(), id, options)));

  program
    .command('resume')
    .description('go on with one run, or all that were left under way, until each has ended or waits')
    .argument('[run]')
    .addOption(concurrencyOption())
    .addOption(timeoutOption())
    .action((id: string | undefined, options: ResumeOptions) => finish(resume(cli(), id, options)));

  program
    .command('workflows')
    .description('list the workflows that can be run')
    .action(() => finish(workflows(cli())));

  program
    .command('check')
    .description('what is wrong with workflows, found on the graph of all that they can do; nothing is run')
    .argument('[workflows...]', 'names, or name@version (default: those of --workflows, or all)')
    .option('--strict', 'warnings count like errors')
    .option(
      '--variants <n>',
      'go on from so many states at each place, whatever they hold (default: 8)',
      parseCount,
    )
    .option('--max-nodes <n>', 'go on from so many states in all (default: 5000)', parseCount)
    .option('--worst', 'what a run can take at most, from each state on')
    .option('--max-usd <dollars>', "what a run may cost (default: the workflow's budget)", parseAmount)
    .option('--max-tokens <n>', "how many tokens a run may use (default: the workflow's budget)", parseAmount)
    .option('--max-calls <n>', 'how often a run may call a model', parseAmount)
    .option('--max-seconds <n>', 'how long a run may take by itself, without waiting for people', parseAmount)
    .option('--step-reliability <rate>', "how often a model's answer is right, from 0 to 1", parseRate)
    .action((names: readonly string[], options: CheckOptions) => finish(check(cli(), names, options)));

  program
    .command('promote')
    .description('may it run in production: a check filled from the machine and its runs, to be signed')
    .argument('<workflow>', 'name, or name@version')
    .option('--count-stand-ins', 'runs count although stand-ins or recordings answered for models')
    .option('--markdown', 'write it as Markdown, for a pull request')
    .option('--full', 'all runs and transitions by their ids')
    .option(
      '--variants <n>',
      'go on from so many states at each place, whatever they hold (default: 8)',
      parseCount,
    )
    .option('--max-nodes <n>', 'go on from so many states in all (default: 5000)', parseCount)
    .action((name: string, options: PromoteOptions) => finish(promote(cli(), name, options)));

  program
    .command('graph')
    .description('a workflow as a diagram: Mermaid, SVG, JSON for XState and the Stately editor, or Graphviz')
    .argument('<workflow>', 'name, or name@version')
    .addOption(
      new Option('--format <format>', 'default: by the name of --out, or mermaid').choices(graphFormats),
    )
    .option('--out <file>', 'write it to a file (.mmd, .svg, .json, .dot)')
    .option('--run <run>', 'draw the way of a run on it: where it was, how often, where it is')
    .addOption(new Option('--coverage', 'draw on it which transitions paths cover').conflicts('run'))
    .action((workflow: string, options: GraphOptions) => finish(graph(cli(), workflow, options)));

  program
    .command('demo')
    .description('run the sample tickets of support-ticket, in .signalbox/ unless a store is named')
    .addOption(concurrencyOption())
    .action((options: { readonly concurrency: number }) => finish(demo(cli(), options)));

  return program;
}

/** A command that starts runs. */
function runCommand(program: Command, name: string): Command {
  return program
    .command(name)
    .argument('<workflow>', 'name, or name@version')
    .option(
      '--input <from>',
      'a file (JSON, a JSON array, or JSON lines), a folder of .json files, or - for stdin',
    )
    .option(
      '--id <id>',
      'id of the run, where its input has no `id` (default: the name of the file, or random)',
    )
    .option('--unchecked', 'run it although `check` finds errors')
    .addOption(concurrencyOption());
}

const statuses = ['running', 'waiting', 'done', 'failed', 'cancelled'];

function concurrencyOption(): Option {
  return new Option('--concurrency <n>', 'how many runs are worked on at a time')
    .default(defaultConcurrency)
    .argParser(parseCount);
}

function timeoutOption(): Option {
  return new Option('--timeout <seconds>', 'wait no longer than this').argParser(
    (text) => parseAmount(text) * 1_000,
  );
}

/** Adds one label to those given before. */
function addLabel(text: string, before: Labels = {}): Labels {
  const [name = '', ...value] = text.split('=');
  if (name === '' || value.length === 0)
    throw new InvalidArgumentError('Expected a name and a value, such as `tenant=acme`.');
  return { ...before, [name]: value.join('=') };
}

function parseCount(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count > 0) return count;
  throw new InvalidArgumentError('Expected a positive integer.');
}

function parseAmount(text: string): number {
  const amount = text.trim() === '' ? Number.NaN : Number(text);
  if (Number.isFinite(amount) && amount >= 0) return amount;
  throw new InvalidArgumentError('Expected a number from 0.');
}

function parseRate(text: string): number {
  const rate = text.trim() === '' ? Number.NaN : Number(text);
  if (rate >= 0 && rate <= 1) return rate;
  throw new InvalidArgumentError('Expected a number from 0 to 1, such as 0.97.');
}

function createCli({ store, workflows: own, fixtures, record, json, color }: GlobalOptions): Cli {
  const screen = createScreen({ json: json === true, color });
  return {
    screen,
    globals: {
      store: store ?? (process.env['SIGNALBOX_STORE'] || defaultStore),
      workflows: own,
      fixtures,
      record: record === undefined ? undefined : { folder: record, existing: 'append' },
      given: { store, workflows: own, fixtures, record },
    },
    warn: (message) => void process.stderr.write(`warning: ${oneLine(message)}\n`),
  };
}

function version(): string {
  const { version: own } = createRequire(import.meta.url)('signalbox/package.json') as { version: string };
  return own;
}
