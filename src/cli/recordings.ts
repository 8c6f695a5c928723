/** The recordings that a command makes (`--record`) or is answered by (`--fixtures`), and what is said of them at its end. */
import { readdir } from 'node:fs/promises';

import type { ExchangeInterceptor } from '../engine/exchanging.ts';
import { ExchangeNotRecorded, FixtureInvalid } from '../errors.ts';
import type { Existing } from '../testing/fixtures/fixture-folder.ts';
import { recordExchanges } from '../testing/fixtures/record-exchanges.ts';
import { replayExchanges } from '../testing/fixtures/replay-exchanges.ts';
import type { Cli } from './cli.ts';
import { CommandError } from './command-error.ts';
import { reading } from './read-inputs.ts';

/** Where to, and what to do with what is there. */
export interface RecordTo {
  readonly folder: string;
  readonly existing: Existing;
}

export interface Recordings {
  readonly intercept: ExchangeInterceptor;
  /** Nothing is called, so nothing has to be there to be called. */
  readonly replays: boolean;
  /** For programs. */
  summary(): Readonly<Record<string, unknown>>;
  /** For people. */
  sentence(): string;
  /** What makes the command fail, whatever became of its runs. */
  trouble(): Error | undefined;
}

export async function openRecordings(cli: Cli): Promise<Recordings | undefined> {
  const { fixtures, record } = cli.globals;
  if (fixtures !== undefined && record !== undefined) {
    throw new CommandError('USAGE', 'Expected `--fixtures`, to replay, or `--record`, got both.');
  }
  if (fixtures !== undefined) return openReplay(fixtures);
  return record && openRecorder(cli, record);
}

function openRecorder(cli: Cli, { folder, existing }: RecordTo): Recordings {
  const lost: Error[] = [];
  const recorder = recordExchanges(folder, {
    append: existing === 'append',
    replace: existing === 'replace',
    onProblem(error) {
      lost.push(error);
      cli.warn(`An exchange was not recorded: ${error.message}`);
    },
  });
  const count = (): number => recorder.written().length;
  return {
    intercept: recorder,
    replays: false,
    summary: () => ({ type: 'recorded', folder, files: recorder.written() }),
    sentence: () =>
      count() > 0
        ? `Recorded ${exchanges(count())} in ${folder}.`
        : `Nothing was recorded in ${folder}: no model and no tool was asked. A run that has ended asks no more; another id or \`--store\` begins anew.`,
    trouble: () =>
      lost[0] &&
      new FixtureInvalid(`${exchanges(lost.length)} could not be recorded. The first: ${lost[0].message}`),
  };
}

async function openReplay(folder: string): Promise<Recordings> {
  await reading(folder, () => readdir(folder));
  const replay = replayExchanges(folder);
  chooseRecordedProvider(replay.fixtures);
  const total = replay.fixtures.length;
  const used = (): number => total - replay.unused().length;
  return {
    intercept: replay,
    replays: true,
    summary: () => ({
      type: 'replayed',
      folder,
      used: used(),
      unused: replay.unused().map(({ file }) => file),
      missed: replay.missed().map(({ message, details }) => ({ message, details })),
    }),
    sentence: () => {
      const hint =
        used() > 0 || replay.missed().length > 0
          ? ''
          : ' A run that has ended asks no more; another id or `--store` begins anew.';
      return `Replayed ${used()} of ${exchanges(total)} in ${folder}; nothing was called.${hint}`;
    },
    trouble: () => {
      const [first, ...others] = replay.missed();
      if (!first) return undefined;
      const more = others.length > 0 ? ` And ${others.length} more.` : '';
      return new ExchangeNotRecorded(`${first.message}${more}`, { cause: first, details: first.details });
    },
  };
}

function exchanges(count: number): string {
  return `${count} ${count === 1 ? 'exchange' : 'exchanges'}`;
}

/** Without a key a stand-in would be asked, whose answers are not those that were recorded. This one is never sent. */
function chooseRecordedProvider(
  fixtures: ReadonlyArray<{ readonly kind: string; readonly by: string }>,
): void {
  const { ANTHROPIC_API_KEY: key, ANTHROPIC_BASE_URL: url } = process.env;
  if (key?.trim() || url?.trim()) return;
  if (fixtures.some(({ by }) => by === 'anthropic')) process.env['ANTHROPIC_API_KEY'] = 'replayed';
}
