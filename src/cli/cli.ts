/** What every command is given: the options that all of them have, and where it writes to. */
import type { Existing } from '../testing/fixtures/fixture-folder.ts';
import type { Screen } from './screen.ts';

export interface Globals {
  /** Where the runs are kept: the path of an SQLite file, or a `redis://` URL. */
  readonly store: string;
  /** The module of the user's own workflows. */
  readonly workflows?: string | undefined;
  /** The folder of the recordings that answer instead of models and tools. */
  readonly fixtures?: string | undefined;
  /** Where what models and tools answer is recorded. */
  readonly record?: { readonly folder: string; readonly existing: Existing } | undefined;
  /** What was said on the command line, to be said again in hints. */
  readonly given: {
    readonly store?: string | undefined;
    readonly workflows?: string | undefined;
    readonly fixtures?: string | undefined;
    readonly record?: string | undefined;
  };
}

export interface Cli {
  readonly globals: Globals;
  readonly screen: Screen;
  /** One line on standard error, for what is worth knowing and ends nothing. */
  warn(message: string): void;
}

/** The exit code, if it is not 0. */
export type CommandResult = Promise<number | void>;
