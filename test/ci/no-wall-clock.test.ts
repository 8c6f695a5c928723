/** The rule that no test ends by a wall clock, shown to bite: a machine may be slow, and everything still passes. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const rules: ReadonlyArray<readonly [what: string, pattern: RegExp, example: string]> = [
  ['a limit of one test', /^\s*\}, ?[\d_]{3,}\);$/m, '\n}, 60_000);\n'],
  ['a limit of one test', /\bit\([^\n]*\{ timeout: [\d_]+ \}/, "it('x', { timeout: 9 }, () => {"],
  [
    'a limit of a wait',
    /\{ (?:interval: \d+, )?timeout: [\d_]+(?:, interval: \d+)? \}/,
    '{ timeout: 5_000 }',
  ],
  ['a limit of real time', /\.now\(\) - \w+\)\.toBeLessThan/, 'expect(Date.now() - began).toBeLessThan(5);'],
];

it.each(rules)('%s is found: %s', (_what, pattern, example) => {
  expect(example).toMatch(pattern);
});

it('no test has one', () => {
  const files = ['src', 'persistence', 'machines', 'test']
    .flatMap((folder) => readdirSync(folder, { recursive: true }).map((file) => `${folder}/${String(file)}`))
    .filter((file) => file.endsWith('.test.ts') || (file.startsWith('test/') && file.endsWith('.ts')));
  const found = files
    .filter((file) => !file.endsWith('no-wall-clock.test.ts'))
    .flatMap((file) => {
      const text = readFileSync(file, 'utf8');
      return rules.flatMap(([what, pattern]) => (pattern.test(text) ? [`${file}: ${what}`] : []));
    });
  expect(files.length).toBeGreaterThan(100);
  expect(found).toEqual([]);
});
