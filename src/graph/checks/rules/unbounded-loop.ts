import type { Timer } from '../../../engine/run-state.ts';
import type { AnyWorkflow } from '../../../workflow.ts';
import { actorOf } from '../../actor-of.ts';
import { connectedParts } from '../../connected-parts.ts';
import type { Graph, GraphEdge, GraphNode } from '../../graph.ts';
import { placeName } from '../place-name.ts';
import type { Found, Rule, Severity, Subject } from '../rule.ts';

/**
 * Ways round that answers and timers alone can take for ever. Where a counter bounds a loop, each time round is a node of its
 * own, so what is left of the graph as a loop has no bound.
 */
export const unboundedLoop: Rule = {
  id: 'unbounded-loop',
  severity: 'error',
  mayBeGuessed: true,
  explains: 'The run can go round here for ever by itself, and pay each time.',
  fix: 'Count the rounds in the context, and let a guard end them.',
  *find({ graph, routes, workflow }: Subject): Iterable<Found> {
    for (const { loop, severity } of loopsOf(graph, workflow)) {
      const [first] = loop;
      if (!first) continue;
      const where = placeName(first.from.state?.snapshot.value);
      const round = loop.map(({ to }) => placeName(to.state?.snapshot.value));
      yield {
        where,
        message: `It can go round for ever: ${[where, ...round].join(' → ')}.`,
        witness: [...routes.to(first.from), ...loop],
        severity,
      };
    }
  },
};

interface Loop {
  readonly loop: readonly GraphEdge[];
  readonly severity: Severity;
}

/** Undefined where nothing is begun, as by a reminder: nothing is paid. */
function judged(loop: readonly GraphEdge[], workflow: AnyWorkflow): Loop | undefined {
  if (loop.every(({ advanced }) => advanced.started.length === 0)) return undefined;
  // Time or money ends it, or it is what the workflow is for: each round has succeeded, and waited for the next.
  const mayBeMeant = hasDeadline(loop) || isWithinBudget(loop, workflow) || isRegular(loop);
  return { loop, severity: mayBeMeant ? 'warning' : 'error' };
}

/** Whether a timer that is armed all the way round, and never anew, ends it. */
function hasDeadline(loop: readonly GraphEdge[]): boolean {
  const [first] = loop;
  return (first?.from.state?.timers ?? []).some(({ source, id }) =>
    loop.every(({ from, advanced }) => {
      const deadlineIn = (timers: readonly Timer[] = []): number | undefined =>
        timers.find((timer) => timer.source === source && timer.id === id)?.deadline;
      const before = deadlineIn(from.state?.timers);
      return before !== undefined && before === deadlineIn(advanced.state.timers);
    }),
  );
}

/** Whether all that is begun is paid from the budget of the run. */
function isWithinBudget(loop: readonly GraphEdge[], workflow: AnyWorkflow): boolean {
  return (
    workflow.budget !== undefined &&
    loop.every(({ advanced }) => advanced.started.every(({ src }) => actorOf(workflow, src)?.fallible))
  );
}

function isRegular(loop: readonly GraphEdge[]): boolean {
  return loop.some(({ move }) => move.type === 'timer') && !loop.some(({ move }) => 'error' in move);
}

/**
 * For each strongly connected part of the graph without the events from outside, the worst of its loops, and of those the
 * shortest.
 */
function loopsOf({ nodes, edges }: Graph, workflow: AnyWorkflow): Loop[] {
  const byItself = edges.filter(({ move }) => move.type === 'answer' || move.type === 'timer');
  const out = new Map<GraphNode, GraphEdge[]>();
  for (const edge of byItself) out.set(edge.from, [...(out.get(edge.from) ?? []), edge]);
  const parts = connectedParts(nodes, (node) => (out.get(node) ?? []).map(({ to }) => to));
  const partOf = new Map(parts.flatMap((part, index) => part.map((node) => [node, index] as const)));
  return parts.flatMap((part) => {
    const within = (node: GraphNode): GraphEdge[] =>
      (out.get(node) ?? []).filter(({ to }) => partOf.get(to) === partOf.get(node));
    const loops = part.flatMap((node) => {
      const loop = shortestLoop(node, within);
      return (loop && judged(loop, workflow)) ?? [];
    });
    const rank = ({ loop, severity }: Loop): number =>
      loop.length + (severity === 'error' ? 0 : nodes.length);
    return loops.sort((one, other) => rank(one) - rank(other)).slice(0, 1);
  });
}

/** Breadth first, from the node back to itself. */
function shortestLoop(start: GraphNode, within: (node: GraphNode) => GraphEdge[]): GraphEdge[] | undefined {
  const came = new Map<GraphNode, GraphEdge>();
  const queue = new Set([start]);
  for (const node of queue) {
    for (const edge of within(node)) {
      if (edge.to === start) {
        const loop = [edge];
        for (let at = edge.from; at !== start; at = loop[0]?.from ?? start)
          loop.unshift(came.get(at) as GraphEdge);
        return loop;
      }
      if (queue.has(edge.to)) continue;
      came.set(edge.to, edge);
      queue.add(edge.to);
    }
  }
  return undefined;
}
