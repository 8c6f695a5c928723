/** A label and what it names, in as many lines as it takes, cut where it would take too many. */
import { toJson } from './plain-value.ts';
import type { Screen, Style } from './screen.ts';
import { clean, wrap } from './text.ts';

export interface BlockOptions {
  readonly indent: number;
  /** Lines beyond these are left out, with a note that says how many. */
  readonly mostLines: number;
  readonly style?: Style;
}

const labelWidth = 10;

export function printField(screen: Screen, label: string, value: unknown, options: BlockOptions): void {
  const { indent, mostLines, style } = options;
  const margin = ' '.repeat(indent + labelWidth);
  const lines = wrap(clean(textOf(value)).trimEnd(), screen.width - margin.length);
  const shown = lines.length > mostLines ? lines.slice(0, Math.max(1, mostLines - 1)) : lines;
  const left = lines.length - shown.length;
  const head = ' '.repeat(indent) + screen.paint('dim', label.padEnd(labelWidth));
  for (const [index, line] of shown.entries()) {
    screen.print(`${index === 0 ? head : margin}${style ? screen.paint(style, line) : line}`.trimEnd());
  }
  if (left > 0) screen.print(`${margin}${screen.paint('dim', `… ${left} more lines; --full shows them`)}`);
}

/** Text as it is, anything else as JSON. */
export function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  return toJson(value);
}
