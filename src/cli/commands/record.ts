/** `signalbox record`: runs, and keeps what models and tools answer, so that `--fixtures` can answer the same later. */
import type { Cli, CommandResult } from '../cli.ts';
import { CommandError } from '../command-error.ts';
import { run, type RunOptions } from './run.ts';

export interface RecordOptions extends RunOptions {
  readonly append?: true;
  readonly replace?: true;
}

export async function record(
  cli: Cli,
  name: string,
  { append, replace, ...options }: RecordOptions,
): CommandResult {
  const { fixtures: folder, record: other, given } = cli.globals;
  if (folder === undefined || other !== undefined) {
    throw new CommandError('USAGE', 'Expected `--fixtures` to name the folder to record into.');
  }
  if (append && replace) throw new CommandError('USAGE', 'Expected `--append` or `--replace`, got both.');
  const globals = {
    ...cli.globals,
    fixtures: undefined,
    record: { folder, existing: append ? 'append' : replace ? 'replace' : 'refuse' },
    // Whoever answers a person's question goes on recording.
    given: { ...given, fixtures: undefined, record: folder },
  } as const;
  return run({ ...cli, globals }, name, options);
}
