import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import ts from 'typescript';
import { afterEach, describe, expect, it } from 'vitest';

import { exitCodeTable } from '../../src/cli/exit-codes.ts';
import { createMessagesServer } from '../../src/testing/messages-server/index.ts';

const root = resolve(import.meta.dirname, '../..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const examples = [...readme.matchAll(/```ts\n(.*?)```/gs)].map(([, code = '']) => code);
const [example = ''] = examples;

/** What the example takes as given: the reader's own payments. */
const given = `const payments = {
  refund: (amount: number, options: { idempotencyKey: string; signal: AbortSignal }) =>
    Promise.resolve({ reference: \`\${options.idempotencyKey}: \${amount}\` }),
};\n`;

const cleanUps: Array<() => unknown> = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
});

describe('the example in the README', () => {
  it.each(examples.map((code, index) => [index + 1, code]))('compiles as it stands: %i', (_, code) => {
    const path = join(root, 'readme-example.ts');
    const config = ts.parseJsonConfigFileContent(
      ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile).config,
      ts.sys,
      root,
    );
    const host = ts.createCompilerHost(config.options);
    const { getSourceFile, fileExists } = host;
    host.fileExists = (name) => name === path || fileExists(name);
    host.getSourceFile = (name, options) =>
      name === path ? ts.createSourceFile(name, `${given}${code}`, options) : getSourceFile(name, options);
    const program = ts.createProgram([path], config.options, host);
    const problems = ts.getPreEmitDiagnostics(program, program.getSourceFile(path));
    expect(problems.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))).toEqual([]);
  });

  it('runs to its end, with the real SDK and a person who approves', async () => {
    const server = await createMessagesServer({
      answers: [{ json: { amount: 250, reason: 'Charged twice.' } }],
    });
    cleanUps.push(server.close);
    const folder = mkdtempSync(join(tmpdir(), 'signalbox-readme-'));
    cleanUps.push(() => rmSync(folder, { recursive: true }));
    process.env['ANTHROPIC_BASE_URL'] = server.url;
    cleanUps.push(() => delete process.env['ANTHROPIC_BASE_URL']);

    const path = join(root, 'test/docs', `example-${process.pid}.ts`);
    const code = example.replace("'signalbox.db'", JSON.stringify(join(folder, 'signalbox.db')));
    writeFileSync(
      path,
      `${given}${code}\nexport const history = await run.history();\nawait engine.stop();\n`,
    );
    cleanUps.push(() => rmSync(path));
    const { history } = (await import(path)) as { history: Array<{ verdicts?: unknown; value?: unknown }> };

    expect(history.at(-1)).toMatchObject({ value: 'refunded', status: 'done' });
    expect(history.flatMap(({ verdicts }) => verdicts ?? [])).toMatchObject([
      { gate: 'withinLimit', passed: false, reasons: ['250 is over the limit of 100.'] },
    ]);
  });
});

it('shows every exit code', () => {
  const cells = (text: string): string[] => text.split('\n').map((line) => line.replaceAll(/\s*\|\s*/g, '|'));
  const [, , ...rows] = cells(exitCodeTable());
  expect(cells(readme)).toEqual(expect.arrayContaining(rows));
});
