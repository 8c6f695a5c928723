/** Routes that cover all targets that can be covered: few, each from the start to an end, and none that the others make needless. */
import type { Route, Routes } from './routes.ts';
import { passedOn, type Targets } from './targets.ts';

export interface Cover {
  readonly routes: readonly Route[];
  /** Targets that some piece of route covers, and that the budget did not reach. */
  readonly leftOut: readonly string[];
}

export function cover({ pieces, coveredBy }: Targets, routes: Routes, maxPaths: number): Cover {
  const nearest = new Map<string, Piece>();
  for (const { edges, covers } of pieces) {
    const [first] = edges;
    if (!first) continue;
    const distance = routes.to(first.from).length + edges.length;
    for (const target of covers) {
      const known = nearest.get(target);
      if (!known || distance < known.distance) nearest.set(target, { edges, distance });
    }
  }
  // Those that are furthest away take most of the others along.
  const byDistance = [...nearest].sort(([, one], [, other]) => other.distance - one.distance);
  const covered = new Set<string>();
  const chosen: Route[] = [];
  const leftOut: string[] = [];
  for (const [target, { edges }] of byDistance) {
    if (covered.has(target)) continue;
    if (chosen.length >= maxPaths) {
      leftOut.push(target);
      continue;
    }
    const route = routes.through(...edges);
    chosen.push(route);
    for (const one of coveredBy(passedOn(route))) covered.add(one);
  }
  return { routes: withoutNeedless(chosen, coveredBy), leftOut };
}

interface Piece {
  readonly edges: Route;
  readonly distance: number;
}

/** Later routes may have taken along all that an earlier one was chosen for. */
function withoutNeedless(chosen: readonly Route[], coveredBy: Targets['coveredBy']): Route[] {
  const times = new Map<string, number>();
  const coverage = chosen.map((route) => new Set(coveredBy(passedOn(route))));
  for (const covers of coverage) for (const target of covers) times.set(target, (times.get(target) ?? 0) + 1);
  return chosen.filter((_, index) => {
    const covers = [...(coverage[index] ?? [])];
    if (covers.some((target) => times.get(target) === 1)) return true;
    for (const target of covers) times.set(target, (times.get(target) ?? 0) - 1);
    return false;
  });
}
