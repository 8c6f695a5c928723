/** Commands to be typed, as they work from here: what hints and ready answers print. */
import { existsSync, realpathSync } from 'node:fs';
import { basename, dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { Globals } from './cli.ts';

/** A whole command, with the options that say which store and workflows are meant. */
export function commandLine({ given }: Globals, words: readonly string[]): string {
  const store = given.store === undefined ? [] : ['--store', withoutPassword(given.store)];
  const workflows = given.workflows === undefined ? [] : ['--workflows', given.workflows];
  const fixtures = given.fixtures === undefined ? [] : ['--fixtures', given.fixtures];
  const record = given.record === undefined ? [] : ['--record', given.record];
  return [program(), ...[...words, ...store, ...workflows, ...fixtures, ...record].map(quote)].join(' ');
}

/** A password in a URL is not repeated on the screen. */
function withoutPassword(store: string): string {
  return store.replace(/^(rediss?:\/\/[^:@/]*):[^@]*@/, '$1:…@');
}

/** How this program is called: by its name where that is found, else by its file. */
function program(): string {
  const script = process.argv[1] ?? '';
  if (basename(script) === 'signalbox' && !script.split(sep).includes('node_modules')) return 'signalbox';
  if (npxFindsUs()) return 'npx signalbox';
  const main = fileURLToPath(new URL('./main.js', import.meta.url));
  const near = relative(process.cwd(), main);
  return `node ${quote(near.startsWith('..') ? main : near)}`;
}

/** `npx signalbox` runs the package whose folder this is, or the one that is installed in it. */
function npxFindsUs(): boolean {
  const own = packageRoot();
  for (let folder = process.cwd(); ; folder = dirname(folder)) {
    if (folder === own || realPath(join(folder, 'node_modules', 'signalbox')) === own) return true;
    if (existsSync(join(folder, 'package.json')) || folder === dirname(folder)) return false;
  }
}

/** The folder that has this package's package.json. */
export function packageRoot(): string {
  let folder = dirname(realpathSync(fileURLToPath(import.meta.url)));
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  return folder;
}

function realPath(path: string): string | undefined {
  return existsSync(path) ? realpathSync(path) : undefined;
}

/** For a POSIX shell. */
export function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
