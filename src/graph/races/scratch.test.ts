import { it } from 'vitest';
import { supportTicket } from '../../../machines/support-ticket/index.ts';
import { helpdeskRouter } from '../../../machines/helpdesk-router/index.ts';
import { explore } from '../explore.ts';
import { createRoutes } from '../paths/routes.ts';
import { findRaces } from './find-races.ts';
import { lostEffect } from '../checks/rules/lost-effect.ts';
it.each([supportTicket, helpdeskRouter] as never[])('x', (w: any) => {
  const t0 = performance.now(); const graph = explore(w, { maxNodes: 1000 }); const routes = createRoutes(graph);
  const t = performance.now(); const f = findRaces(w, graph, routes);
  process.stdout.write(`${w.name} ${graph.nodes.length} explore ${(t - t0) | 0} races ${(performance.now() - t) | 0} ${f.length} order ${f.filter((r) => r.kind === 'order').length} lost ${[...lostEffect.find({ workflow: w, graph, routes, machine: w.machine, options: {} } as any)].length}\n`);
}, 60_000);
