/**
 * The same benchmark of this tree and of another commit, in turn, so that both meet the same machine: A B A B. Prints the median
 * of each figure and how this tree stands to the other.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import Table from 'cli-table3';

const root = resolve(import.meta.dirname, '../..');

/** `program` is a path in the repository whose last line of output is `{ stores: { <name>: { <figure>: number } } }`. */
export function compareWith(commit, { program, flags, rounds }) {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-compare-'));
  const other = join(folder, 'tree');
  try {
    git('worktree', 'add', '--detach', other, commit);
    symlinkSync(join(root, 'node_modules'), join(other, 'node_modules'));
    execFileSync('npm', ['run', 'build', '--silent'], { cwd: other, stdio: 'inherit' });
    const measured = { ours: [], theirs: [] };
    for (let round = 0; round < rounds; round++) {
      measured.theirs.push(measure(other));
      measured.ours.push(measure(root));
    }
    print(commit, measured);
  } finally {
    git('worktree', 'remove', '--force', other);
    rmSync(folder, { recursive: true, force: true });
  }

  function measure(tree) {
    const output = execFileSync(process.execPath, [join(tree, program), ...flags], { encoding: 'utf8' });
    return JSON.parse(output.trim().split('\n').at(-1)).stores;
  }
}

function print(commit, { ours, theirs }) {
  const table = new Table({ head: ['store', 'figure', commit, 'this tree', 'this / other'] });
  for (const [store, figures] of Object.entries(ours[0])) {
    for (const figure of Object.keys(figures)) {
      const of = (rounds) => median(rounds.map((round) => round[store]?.[figure] ?? Number.NaN));
      const [then, now] = [of(theirs), of(ours)];
      table.push([store, figure, then.toFixed(1), now.toFixed(1), (now / then).toFixed(2)]);
    }
  }
  console.log(table.toString());
}

function median(values) {
  const sorted = values.toSorted((one, other) => one - other);
  const middle = (sorted.length - 1) / 2;
  return (sorted[Math.floor(middle)] + sorted[Math.ceil(middle)]) / 2;
}

function git(...args) {
  execFileSync('git', args, { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
}
