/** An error as its one line on standard error. */
import { codeOf, exitCodeOf } from './exit-codes.ts';
import { toJson } from './plain-value.ts';
import type { Screen } from './screen.ts';
import { oneLine } from './text.ts';

export function reportError(screen: Screen, error: unknown): void {
  process.stderr.write(`${errorLine(screen, error)}\n`);
}

function errorLine({ json, paintError }: Screen, error: unknown): string {
  const message =
    oneLine(error instanceof Error ? error.message : String(error)) || 'An error without a message.';
  const code = codeOf(error);
  if (json) return toJson({ error: { code, message, exitCode: exitCodeOf(error) } });
  return `${paintError('red', 'error:')} ${message} (${code})`;
}
