/** Tables that fit the screen: what may be long is wrapped, the rest keeps its width. */
import Table from 'cli-table3';

import type { Screen, Style } from './screen.ts';
import { clean, widthOf, wrap } from './text.ts';

export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
  /** Wrapped to what the others leave; shared evenly if there are several. */
  readonly flexible?: boolean;
  /** A flexible column is not made narrower than this. Default: 12. */
  readonly least?: number;
}

export type Cell = string | { readonly text: string; readonly style: Style };

const gap = '  ';
const narrowest = 12;

export function renderTable(
  screen: Screen,
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
): string {
  const widths = columnWidths(screen.width, columns, rows);
  const table = new Table({
    chars: {
      ...Object.fromEntries(borders.map((name) => [name, ''])),
      middle: gap,
    },
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
    colAligns: columns.map(({ align = 'left' }) => align),
  });
  table.push(columns.map(({ title }) => screen.paint('bold', title)));
  for (const row of rows) {
    table.push(
      row.map((cell, index) => {
        const { text, style } = typeof cell === 'string' ? { text: cell, style: undefined } : cell;
        const lines = wrap(clean(text), widths[index] ?? narrowest);
        return lines.map((line) => (style ? screen.paint(style, line) : line)).join('\n');
      }),
    );
  }
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

const borders = [
  'top',
  'top-mid',
  'top-left',
  'top-right',
  'bottom',
  'bottom-mid',
  'bottom-left',
  'bottom-right',
  'left',
  'left-mid',
  'mid',
  'mid-mid',
  'right',
  'right-mid',
] as const;

function columnWidths(
  available: number,
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
): readonly number[] {
  const natural = columns.map(({ title }, index) =>
    Math.max(widthOf(title), ...rows.map((row) => longestLine(row[index] ?? ''))),
  );
  const isFlexible = (index: number): boolean => columns[index]?.flexible === true;
  let left = available - gap.length * (columns.length - 1);
  for (const [index, width] of natural.entries()) if (!isFlexible(index)) left -= width;
  const flexible = natural.map((width, index) => ({ width, index })).filter(({ index }) => isFlexible(index));
  const widths = [...natural];
  // Narrow ones first: what they do not need is for the others.
  flexible.sort((one, other) => one.width - other.width);
  const leastOf = ({ width, index }: { width: number; index: number }): number =>
    Math.min(width, columns[index]?.least ?? narrowest);
  for (const [rank, column] of flexible.entries()) {
    const others = flexible.slice(rank + 1);
    const share = left / (others.length + 1);
    const spare = left - others.reduce((sum, other) => sum + leastOf(other), 0);
    const width = Math.max(
      leastOf(column),
      Math.min(column.width, Math.floor(Math.min(Math.max(share, leastOf(column)), spare))),
    );
    widths[column.index] = width;
    left -= width;
  }
  return widths;
}

function longestLine(cell: Cell): number {
  const text = typeof cell === 'string' ? cell : cell.text;
  return Math.max(...clean(text).split('\n').map(widthOf));
}
