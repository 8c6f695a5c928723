/** What every command is given: the options that all of them have, and where it writes to. */
import type { Screen } from './screen.ts';

export interface Globals {
  /** Where the runs are kept: the path of an SQLite file, or a `redis://` URL. */
  readonly store: string;
  /** The module of the user's own workflows. */
  readonly workflows?: string | undefined;
  /** What was said on the command line, to be said again in hints. */
  readonly given: { readonly store?: string | undefined; readonly workflows?: string | undefined };
}

export interface Cli {
  readonly globals: Globals;
  readonly screen: Screen;
  /** One line on standard error, for what is worth knowing and ends nothing. */
  warn(message: string): void;
}

/** The exit code, if it is not 0. */
export type CommandResult = Promise<number | void>;
