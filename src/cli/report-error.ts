/** An error as its one line on standard error. */
import type { Cli } from './cli.ts';
import { codeOf, exitCodeOf } from './exit-codes.ts';
import { toJson } from './plain-value.ts';
import { supportsColor } from './screen.ts';
import { oneLine } from './text.ts';
import { styleText } from 'node:util';

export function reportError(cli: Pick<Cli, 'screen'>, error: unknown): void {
  process.stderr.write(`${errorLine(error, cli.screen.json)}\n`);
}

function errorLine(error: unknown, json: boolean): string {
  const message =
    oneLine(error instanceof Error ? error.message : String(error)) || 'An error without a message.';
  const code = codeOf(error);
  if (json) return toJson({ error: { code, message, exitCode: exitCodeOf(error) } });
  const label = supportsColor(process.stderr)
    ? styleText('red', 'error:', { validateStream: false })
    : 'error:';
  return `${label} ${message} (${code})`;
}
