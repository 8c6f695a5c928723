/** The paths of a workflow's races: one over each order, with what is to be said of it. */
import { AssertionError } from 'node:assert';

import type { Path, Race, Races } from '../../graph/index.ts';

export interface RacePath {
  /** `race in asking: APPROVE, then after reminder (meant: it counts all the same)`. No two of a workflow have the same. */
  readonly name: string;
  readonly path: Path;
  /** What is wrong with the order itself: that nobody has said that it is meant. Undefined if that is not asked for, or not so. */
  readonly problem?: AssertionError;
}

/** `mustBeMeant`: whether a race of kind `order` has to be accepted with a reason. */
export function racePaths({ workflow, races }: Races, mustBeMeant: boolean): RacePath[] {
  const times = new Map<string, number>();
  return races.flatMap((race) => {
    const { orders, first, second } = race;
    const problem = mustBeMeant ? problemOf(race, workflow) : undefined;
    return orders.map((path, index): RacePath => {
      const inputs = index === 0 ? [first, second] : [second, first];
      const name = `race in ${race.state}: ${orderName(race, inputs)} (${markOf(race)})`;
      const count = (times.get(name) ?? 0) + 1;
      times.set(name, count);
      return { name: count === 1 ? name : `${name} (${count})`, path, ...(problem ? { problem } : {}) };
    });
  });
}

function orderName({ lost }: Race, [before = '', after = '']: readonly string[]): string {
  return `${before}, then ${after}${lost.includes(after) ? ', which is lost' : ''}`;
}

function markOf({ meant }: Race): string {
  return meant === undefined ? 'not marked as meant' : `meant: ${meant}`;
}

function problemOf(race: Race, workflow: string): AssertionError | undefined {
  const { kind, meant, state, where, first, second, differs } = race;
  if (kind !== 'order' || meant !== undefined) return undefined;
  return new AssertionError({
    message: [
      `In \`${state}\` of ${workflow}, \`${first}\` before \`${second}\` leads to another end than after it, and nobody has said that this is meant.`,
      `What differs: ${differs.join(', ')}.`,
      'Let each write what is its own, or let only one of them come at a time. If either order is right, say so in the workflow:',
      `  accepted: [{ rule: 'race', where: ${JSON.stringify(where)}, reason: '<why>' }]`,
    ].join('\n'),
  });
}
