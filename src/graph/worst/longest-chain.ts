/**
 * The longest chain of answers that may each be wrong: of models, one after the other, with nobody in between.
 *
 * I1. A chain is made of the outputs of fallible actors on one way. It ends where a person answers what they are asked, for
 *     they have seen what came before, and where an actor fails, for the way on from there is another one.
 * I2. An actor counts once in each state that invokes it. So nothing is counted twice that is only gone round again, whether
 *     in a loop of the graph or in one that a counter bounds, where each time round is a node of its own.
 * I3. What a gate has judged counts too: a gate sees what it was made to see, and the rest may still be wrong. How often the
 *     answers of a step are right that have passed its gates is for whoever states the rate per step.
 */
import type { AnyWorkflow } from '../../workflow.ts';
import { actorOf } from '../actor-of.ts';
import { isAnswered } from '../checks/answered.ts';
import type { Graph, GraphEdge, GraphNode } from '../graph.ts';
import type { Route } from '../paths/routes.ts';

export interface Chain {
  /** In the order in which they answer. */
  readonly actors: readonly string[];
  /** Those of them that a gate judged as they answered. */
  readonly judged: readonly string[];
  /** From the start to the last of them. */
  readonly route: Route;
}

interface Reached {
  readonly node: GraphNode;
  /** What has answered since the chain began. */
  readonly chain: ReadonlyMap<string, GraphEdge>;
  readonly by?: { readonly edge: GraphEdge; readonly before: Reached };
}

/** Beyond so many it is the longest that was found. */
const mostReached = 100_000;

export function longestChain(workflow: AnyWorkflow, { start }: Graph): Chain {
  const chains = new Map<GraphNode, Array<ReadonlyMap<string, GraphEdge>>>();
  const isNew = ({ node, chain }: Reached): boolean => {
    const known = chains.get(node) ?? [];
    if (known.some((other) => [...chain.keys()].every((step) => other.has(step)))) return false;
    chains.set(node, [...known, chain]);
    return true;
  };

  const begin: Reached = { node: start, chain: new Map() };
  let longest = begin;
  isNew(begin);
  const queue = [begin];
  for (const before of queue) {
    if (before.chain.size > longest.chain.size) longest = before;
    if (queue.length > mostReached) continue;
    for (const edge of before.node.out) {
      const next = { node: edge.to, chain: chainAfter(edge, before.chain), by: { edge, before } };
      if (isNew(next)) queue.push(next);
    }
  }

  const route: GraphEdge[] = [];
  for (let { by } = longest; by; { by } = by.before) route.unshift(by.edge);
  const answers = [...longest.chain.values()];
  const judged = answers.filter(({ advanced }) => advanced.verdicts.length > 0);
  return { actors: answers.map(nameOf), judged: judged.map(nameOf), route };

  function chainAfter(edge: GraphEdge, before: Reached['chain']): Reached['chain'] {
    const { move, from } = edge;
    if (isAnswered(edge) || 'error' in move) return nothing;
    if (move.type !== 'answer' || 'guessed' in move) return before;
    const src = from.state?.invocations.find(({ path }) => path === move.path)?.src;
    const step = stepOf(edge);
    if (src === undefined || before.has(step) || !actorOf(workflow, src)?.fallible) return before;
    return new Map([...before, [step, edge]]);
  }
}

const nothing: ReadonlyMap<string, GraphEdge> = new Map();

/** The state that invokes it and the actor, whichever of its transitions the answer takes: `drafting draftReply.done`. */
function stepOf({ transitions: [first], move }: GraphEdge): string {
  return first?.replace(/ \d+$/, '') ?? move.name;
}

function nameOf({ move }: GraphEdge): string {
  return move.name;
}
