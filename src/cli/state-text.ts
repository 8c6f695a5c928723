/** A run's status and state in words. */
import type { RunSnapshot } from '../engine/run-snapshot.ts';
import type { Screen, Style } from './screen.ts';

type Status = RunSnapshot['status'];

/** `drafting`, `parts.billing`, `{one.a, two.b}`. */
export function stateText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null) return '';
  const paths = pathsOf(value);
  return paths.length === 1 ? (paths[0] ?? '') : `{${paths.join(', ')}}`;
}

function pathsOf(value: object): string[] {
  return Object.entries(value).flatMap(([key, inner]: [string, unknown]) => {
    if (typeof inner === 'string') return [`${key}.${inner}`];
    const below = typeof inner === 'object' && inner !== null ? pathsOf(inner) : [];
    return below.length === 0 ? [key] : below.map((path) => `${key}.${path}`);
  });
}

export const statusStyles: Readonly<Record<Status, Style>> = {
  running: 'cyan',
  waiting: 'yellow',
  done: 'green',
  failed: 'red',
  cancelled: 'red',
};

export function paintStatus(screen: Screen, status: Status, text: string = status): string {
  return screen.paint(statusStyles[status], text);
}
