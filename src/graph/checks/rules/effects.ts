import { actorOf } from '../../actor-of.ts';
import type { Found, Rule, Subject } from '../rule.ts';

/** Irreversible actors that are invoked and are not idempotent. */
export const noIdempotencyKey: Rule = {
  id: 'no-idempotency-key',
  severity: 'error',
  explains:
    'What it does cannot be taken back, and doing it again does it twice. After a crash nobody knows whether it was done.',
  fix: 'Give the tool an `idempotencyKey`, and hand it to the other side.',
  *find({ workflow, graph, routes }: Subject): Iterable<Found> {
    const told = new Set<string>();
    for (const edge of graph.edges) {
      for (const { src } of edge.advanced.started) {
        const actor = actorOf(workflow, src);
        if (!actor?.irreversible || actor.idempotent || told.has(src)) continue;
        told.add(src);
        yield {
          where: src,
          message: `\`${src}\` is irreversible and has no idempotency key.`,
          witness: [...routes.to(edge.from), edge],
        };
      }
    }
  },
};
