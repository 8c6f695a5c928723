/** What paths cover, to be drawn on a diagram. */
import type { Paths } from '../../graph/paths/paths.ts';
import type { CoveredTransitions } from './overlay.ts';

/**
 * What these paths take of a workflow's transitions, to be drawn on it.
 *
 * @example
 * ```ts
 * const text = toMermaid(supportTicket, { overlay: coveredBy(paths(supportTicket)) });
 * ```
 */
export function coveredBy({ paths }: Pick<Paths, 'paths'>): CoveredTransitions {
  const ids = paths.flatMap(({ steps }) => steps.flatMap(({ transitions }) => transitions));
  return { kind: 'coverage', covered: new Set(ids) };
}
