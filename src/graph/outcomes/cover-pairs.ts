/**
 * Rows that hold every pair of two columns' values at least once: far fewer than all combinations, and enough to find what
 * depends on two of them. Greedy, after AETG (Cohen, Dalal, Fredman, Patton 1997).
 */

/** Deterministic. The first row has the first value of each column. None if a column has no values. */
export function coverPairs<T>(columns: ReadonlyArray<readonly T[]>, atMost = Infinity): T[][] {
  if (columns.some(({ length }) => length === 0)) return [];
  const rows: number[][] = [];
  const missing = allPairs(columns);
  // Each value once before any pair: what is cut off at the end is pairs.
  const longest = Math.max(0, ...columns.map(({ length }) => length));
  for (let turn = 0; turn < Math.max(longest, 1) && rows.length < atMost; turn++) {
    const row = columns.map(({ length }) => turn % length);
    rows.push(row);
    for (const pair of pairsIn(row)) missing.delete(pair);
  }
  let row = nextRow(columns, missing);
  while (row && rows.length < atMost) {
    rows.push(row);
    for (const pair of pairsIn(row)) missing.delete(pair);
    row = nextRow(columns, missing);
  }
  return rows.map((indices) => indices.map((index, column) => columns[column]?.[index] as T));
}

function pairName(column: number, value: number, other: number, otherValue: number): string {
  return `${column}:${value} ${other}:${otherValue}`;
}

/** One column alone is paired with itself, so that each of its values is in a row. */
function pairsIn(row: readonly number[]): string[] {
  const pairs: string[] = [];
  for (let column = 0; column < row.length; column++) {
    for (let other = row.length === 1 ? 0 : column + 1; other < row.length; other++) {
      pairs.push(pairName(column, row[column] ?? 0, other, row[other] ?? 0));
    }
  }
  return pairs;
}

type Pair = readonly [column: number, value: number, other: number, otherValue: number];

function allPairs(columns: ReadonlyArray<readonly unknown[]>): Map<string, Pair> {
  const pairs = new Map<string, Pair>();
  for (const [column, values] of columns.entries()) {
    for (let other = columns.length === 1 ? 0 : column + 1; other < columns.length; other++) {
      for (const value of values.keys()) {
        for (const otherValue of (columns[other] ?? []).keys()) {
          if (column === other && value !== otherValue) continue;
          pairs.set(pairName(column, value, other, otherValue), [column, value, other, otherValue]);
        }
      }
    }
  }
  return pairs;
}

/** Begins with a missing pair, and gives each further column the value that brings the most missing pairs with it. */
function nextRow(
  columns: ReadonlyArray<readonly unknown[]>,
  missing: ReadonlyMap<string, Pair>,
): number[] | undefined {
  const [first] = missing.values();
  if (!first) return undefined;
  const row: Array<number | undefined> = columns.map(() => undefined);
  row[first[0]] = first[1];
  row[first[2]] = first[3];
  for (const [column, values] of columns.entries()) {
    if (row[column] !== undefined) continue;
    let best = 0;
    let most = -1;
    for (const value of values.keys()) {
      let brought = 0;
      for (const [other, otherValue] of row.entries()) {
        if (otherValue === undefined || other === column) continue;
        const name =
          other < column
            ? pairName(other, otherValue, column, value)
            : pairName(column, value, other, otherValue);
        if (missing.has(name)) brought += 1;
      }
      if (brought > most) [best, most] = [value, brought];
    }
    row[column] = best;
  }
  return row.map((value) => value ?? 0);
}
