/** A label and what it names, in as many lines as it takes, cut where it would take too many. */
import { readable } from './readable.ts';
import type { Screen, Style } from './screen.ts';
import { clean, widthOf, wrap } from './text.ts';

export interface BlockOptions {
  readonly indent: number;
  /** Lines beyond these are left out, with a note that says how many. */
  readonly mostLines: number;
  readonly style?: Style;
  /** Default: 9. */
  readonly labelWidth?: number;
}

const least = 9;

export function printField(screen: Screen, label: string, value: unknown, options: BlockOptions): void {
  const { indent, mostLines, style, labelWidth = least } = options;
  const margin = ' '.repeat(indent + labelWidth + 1);
  const lines = wrap(clean(readable(value)).trimEnd(), screen.width - margin.length);
  const shown = lines.length > mostLines ? lines.slice(0, Math.max(1, mostLines - 1)) : lines;
  const left = lines.length - shown.length;
  const padding = ' '.repeat(Math.max(0, labelWidth - widthOf(label)) + 1);
  const head = ' '.repeat(indent) + screen.paint('dim', label) + padding;
  for (const [index, line] of shown.entries()) {
    screen.print(`${index === 0 ? head : margin}${style ? screen.paint(style, line) : line}`.trimEnd());
  }
  if (left > 0) screen.print(`${margin}${screen.paint('dim', `… ${left} more lines; --full shows them`)}`);
}

/** Labels that stand below each other. */
export function labelWidthOf(labels: readonly string[]): number {
  return Math.max(least, ...labels.map(widthOf));
}
