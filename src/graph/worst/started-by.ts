import type { Graph, GraphEdge } from '../graph.ts';

/** The first edge that starts the actor; of one in a child run (`investigate/search`), the one that starts that run. */
export function actorStartedBy({ edges }: Graph, name: string): GraphEdge | undefined {
  return edges.find(({ advanced }) =>
    advanced.started.some(({ src }) => src === name || name.startsWith(`${src}/`)),
  );
}
