import { it } from 'vitest';
import { supportTicket } from '../../../machines/support-ticket/index.ts';
import { helpdeskRouter } from '../../../machines/helpdesk-router/index.ts';
import { longDocument } from '../../../machines/long-document/index.ts';
import { documentIntake } from '../../../machines/document-intake/index.ts';
import { explore } from '../explore.ts';
import { createRoutes } from '../paths/routes.ts';
import { findRaces } from './find-races.ts';

it.each([supportTicket, helpdeskRouter, longDocument, documentIntake] as never[])(
  'x',
  (w: any) => {
    let t = performance.now();
    const graph = explore(w, { maxNodes: Number(process.env.NODES ?? 1000) });
    const t1 = performance.now() - t;
    const routes = createRoutes(graph);
    t = performance.now();
    const found = findRaces(w, graph, routes);
    const t2 = performance.now() - t;
    console.log(
      w.ref,
      'nodes',
      graph.nodes.length,
      'explore',
      t1 | 0,
      'ms races',
      t2 | 0,
      'ms',
      'count',
      found.length,
      'order',
      found.filter((r) => r.kind === 'order').length,
      (globalThis as any).stats,
    );
    for (const r of found)
      console.log(
        r.kind,
        '|',
        r.where,
        '|',
        r.first,
        '|',
        r.second,
        '| lost',
        r.lost.join(),
        '| differs',
        r.differs.join(),
      );
  },
  120_000,
);
