#!/usr/bin/env node
/** The `signalbox` binary: runs one command, and turns what went wrong into one line and an exit code. */
import { CommanderError } from 'commander';

import { CommandError } from './command-error.ts';
import { exitCodeOf } from './exit-codes.ts';
import { runProgram } from './program.ts';
import { reportError } from './report-error.ts';
import { createScreen } from './screen.ts';
import { oneLine } from './text.ts';

const args = process.argv.slice(2);

// Node's own way to print warnings takes several lines, and says of its SQLite that it is experimental.
process.removeAllListeners('warning');
process.on('warning', ({ name, message }) => {
  if (name !== 'ExperimentalWarning') process.stderr.write(`warning: ${oneLine(message)}\n`);
});

// Whoever read our output has closed it, as `head` does. Runs are safe where they are.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

const exitCode = await runProgram(args).catch((error: unknown) => fail(error));
// A workflow's own work may still hold the process; it was told to stop. What was written is flushed first.
process.stdout.write('', () => process.exit(exitCode));

function fail(thrown: unknown): number {
  if (thrown instanceof CommanderError && thrown.exitCode === 0) return 0;
  const error = thrown instanceof CommanderError ? usageError(thrown) : thrown;
  reportError(createScreen({ json: args.includes('--json'), color: !args.includes('--no-color') }), error);
  return exitCodeOf(error);
}

function usageError({ code, message }: CommanderError): CommandError {
  if (code === 'commander.help') return new CommandError('USAGE', 'Expected a command; `--help` lists them.');
  return new CommandError('USAGE', oneLine(message.replace(/^error: /, '')));
}
