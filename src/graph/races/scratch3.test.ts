import { it } from 'vitest';
import { createMachine } from 'xstate';
import { defineWorkflow } from '../../workflow.ts';
import { explore } from '../explore.ts';
import { createRoutes } from '../paths/routes.ts';
import { findRaces } from './find-races.ts';

it('12 regions', () => {
  const states = Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`r${i}`, { initial: 'off', states: { off: { on: { [`E${i}`]: 'on' } }, on: { on: { [`E${i}`]: 'off' } } } }]));
  const workflow = defineWorkflow({ machine: createMachine({ id: 'many', type: 'parallel', states }) as never, version: '1' });
  let t = performance.now();
  const graph = explore(workflow);
  const t1 = performance.now() - t;
  t = performance.now();
  const routes = createRoutes(graph);
  const t3 = performance.now() - t;
  t = performance.now();
  const found = findRaces(workflow, graph, routes);
  process.stdout.write(`nodes ${graph.nodes.length} edges ${graph.edges.length} explore ${t1 | 0} routes ${t3|0} races ${performance.now() - t | 0} found ${found.length}\n`);
}, 60_000);
