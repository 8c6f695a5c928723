/** `races`: pairs of inputs in one state whose order changes the outcome, each order with a path that shows it. */
import type { AnyWorkflow } from '../../workflow.ts';
import { explore, type ExploreOptions } from '../explore.ts';
import { createPathFolder } from '../paths/fold-path.ts';
import type { Path } from '../paths/path.ts';
import { nameOfPath } from '../paths/path-name.ts';
import { createRoutes, type Route } from '../paths/routes.ts';
import { findRaces, type FoundRace } from './find-races.ts';

export interface Race extends Omit<FoundRace, 'routes'> {
  /**
   * A path over each order, on to an end: `first` before `second`, and after it. An input that is lost when it comes second
   * is no step of its path.
   */
  readonly orders: readonly [Path, Path];
  /** Why it is right as it is: the reason of the entry of the workflow's `accepted` with rule `race` and this `where`, or none. */
  readonly meant?: string;
}

export interface Races {
  /** `name@version` of the workflow. */
  readonly workflow: string;
  /** Those of kind `order` first. */
  readonly races: readonly Race[];
  readonly graph: {
    readonly nodes: number;
    /** Nodes that were not gone on from. If there are any, there may be more races. */
    readonly leftOut: number;
  };
}

/**
 * Find the races of a workflow: two answers, an answer or event and a timer, an answer and an event, or two events, that may
 * come in either order, and lead to different ends.
 *
 * An end is where the run stands, what it holds, what is pending with which input, which timers are armed, its output, and
 * which irreversible actors were started on the way. Of kind `order` are those of which both are taken in either order. Of
 * kind `first-wins` are those of which one is lost if it comes second: the sender of an event gets an error, an answer is
 * dropped, a timer is disarmed. That is how state machines work, and it is told so that each of them is looked at: what comes
 * late is what goes wrong most.
 *
 * What no guard reads is compared as it is in a few of the states that go on alike, so a race may be missed in which nothing
 * else differs. Not told: two events of one type with different payloads, of which the later one holds, and what differs only
 * if a third input comes in between. Nothing is performed. Throws `InvalidOption` for an option or example that is not as described.
 *
 * @example
 * ```ts
 * for (const { where, kind, lost, differs, meant } of races(supportTicket).races) console.log(where, kind, lost, differs, meant);
 * // awaitingApproval APPROVE / after approvalTime  first-wins  [ 'after approvalTime' ]  [ 'state' ]
 * ```
 */
export function races(workflow: AnyWorkflow, options: ExploreOptions = {}): Races {
  const graph = explore(workflow, options);
  const routes = createRoutes(graph);
  const fold = createPathFolder(workflow, routes, graph.start.now);
  const found = findRaces(workflow, graph, routes);
  const path = (route: Route): Path => {
    const steps = fold(route);
    return { name: nameOfPath(steps.map(({ name }) => name)), steps };
  };
  const told = found.map(({ routes: [one, other], ...race }): Race => {
    const meant = reasonFor(workflow, race.where);
    return { ...race, orders: [path(one), path(other)], ...(meant === undefined ? {} : { meant }) };
  });
  return {
    workflow: workflow.ref,
    races: [...told.filter(({ kind }) => kind === 'order'), ...told.filter(({ kind }) => kind !== 'order')],
    graph: {
      nodes: graph.nodes.length,
      leftOut: graph.leftOut,
    },
  };
}

function reasonFor({ accepted = [] }: AnyWorkflow, where: string): string | undefined {
  return accepted.find((one) => one.rule === 'race' && (one.where === undefined || one.where === where))
    ?.reason;
}
