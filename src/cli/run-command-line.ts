/** One command line from its arguments to its exit code: what goes wrong becomes one line on standard error. */
import { CommanderError } from 'commander';

import { CommandError } from './command-error.ts';
import { exitCodeOf } from './exit-codes.ts';
import { runProgram } from './program.ts';
import { reportError } from './report-error.ts';
import { createScreen } from './screen.ts';
import { oneLine } from './text.ts';

/** Runs the command and resolves to its exit code. Does not reject. */
export async function runCommandLine(args: readonly string[]): Promise<number> {
  try {
    return await runProgram(args);
  } catch (error) {
    return fail(args, error);
  }
}

function fail(args: readonly string[], thrown: unknown): number {
  if (thrown instanceof CommanderError && thrown.exitCode === 0) return 0;
  const error = thrown instanceof CommanderError ? usageError(thrown) : thrown;
  reportError(createScreen({ json: args.includes('--json'), color: !args.includes('--no-color') }), error);
  return exitCodeOf(error);
}

function usageError({ code, message }: CommanderError): CommandError {
  if (code === 'commander.help') return new CommandError('USAGE', 'Expected a command; `--help` lists them.');
  return new CommandError('USAGE', oneLine(message.replace(/^error: /, '')));
}
