/**
 * Finds an SQLite: `node:sqlite` where Node has it without a flag (22.13 and later), else `@photostructure/sqlite`,
 * which has the same interface. Only what this folder uses of that interface is described here.
 */
import { createRequire } from 'node:module';

import { InvalidOption } from '../../src/errors.ts';

/** What a column holds and a parameter takes. */
export type Cell = string | number | null | Uint8Array;

export type Row = Readonly<Record<string, Cell>>;

export interface Statement {
  run(...parameters: readonly Cell[]): { readonly changes: number | bigint };
  get(...parameters: readonly Cell[]): unknown;
  all(...parameters: readonly Cell[]): unknown[];
}

export interface Driver {
  prepare(sql: string): Statement;
  exec(sql: string): void;
  close(): void;
}

/** What both libraries throw when SQLite refuses. */
export interface SqliteError extends Error {
  /** The extended result code. */
  readonly errcode: number;
}

interface SqliteModule {
  readonly DatabaseSync: new (path: string, options?: { readonly timeout?: number }) => Driver;
}

/** @throws InvalidOption `INVALID_OPTION` if this Node has no SQLite and the package is not installed. */
export function openDriver(path: string, timeoutMs: number): Driver {
  const { DatabaseSync } = loadModule();
  return new DatabaseSync(path, { timeout: timeoutMs });
}

export function isSqliteError(error: unknown): error is SqliteError {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number';
}

function loadModule(): SqliteModule {
  const builtIn: unknown = process.getBuiltinModule('node:sqlite');
  if (isSqliteModule(builtIn)) return builtIn;
  try {
    return createRequire(import.meta.url)('@photostructure/sqlite') as SqliteModule;
  } catch (cause) {
    throw new InvalidOption(
      `Node ${process.versions.node} has no built-in SQLite. Run \`npm install @photostructure/sqlite\`, ` +
        'or use Node 22.13 or later.',
      { cause },
    );
  }
}

function isSqliteModule(module: unknown): module is SqliteModule {
  return typeof module === 'object' && module !== null && 'DatabaseSync' in module;
}
