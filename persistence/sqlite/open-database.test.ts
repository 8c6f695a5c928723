import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';

import { expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');

/** Nothing but the statement is kept, and garbage is collected; the driver would close the database, or crash the process. */
const program = `
  import { openDatabase } from 'signalbox/sqlite';
  const prepare = () => {
    const database = openDatabase(':memory:');
    database.exec('CREATE TABLE numbers (number INTEGER)');
    return database.prepare('INSERT INTO numbers VALUES (?)');
  };
  const insert = prepare();
  for (let number = 0; number < 20; number++) {
    globalThis.gc();
    await new Promise((resolve) => setTimeout(resolve, 2));
    insert.run(number);
  }
  console.log('inserted');
`;

it('keeps a database open as long as one of its statements is in use', () => {
  const args = ['--expose-gc', '--input-type=module', '--eval', program];
  const { stdout, stderr, signal } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
  expect({ stdout, stderr, signal }).toEqual({ stdout: 'inserted\n', stderr: '', signal: null });
});
