/**
 * How exploring grows with the machine: a chain of states, regions side by side, and a support ticket whose counters go
 * further; beside bare `@xstate/graph` on the same machine where that can be asked.
 *
 *     npm run bench:paths [-- --most 1000]
 *
 * Each row is `paths(workflow)` under transition coverage, in this process, one after the other. `@xstate/graph` is asked for
 * its shortest paths, one to each state; it knows of no invocations and no timers. Where it would not end in a minute it is
 * not asked.
 */
import { parseArgs } from 'node:util';

import { getShortestPaths } from '@xstate/graph';
import Table from 'cli-table3';
import { defineWorkflow } from 'signalbox';
import { paths } from 'signalbox/graph';
import { createSupportTicket } from 'signalbox/machines';
import { createMachine } from 'xstate';

const { values: options } = parseArgs({ options: { most: { type: 'string', default: '1000' } } });
const most = Number(options.most);

const table = new Table({
  head: [
    'machine',
    'transitions',
    'covered',
    'paths',
    'nodes',
    'advances',
    'ms',
    '@xstate/graph: states',
    'ms',
  ],
});
const rows = [];

for (const states of [10, 100, 1_000].filter((count) => count <= most)) {
  report(`a chain of ${states} states`, defineWorkflow({ machine: chain(states), version: '1' }), {
    bare: true,
  });
}
for (const regions of [4, 8, 12]) {
  report(`${regions} regions, on or off`, defineWorkflow({ machine: regionsOf(regions), version: '1' }), {
    bare: true,
  });
}
for (const times of [1, 3, 5]) {
  const all = ['classify', 'split', 'facts', 'draft', 'decide', 'refund', 'mail', 'record'];
  const retries = Object.fromEntries(all.map((step) => [step, times]));
  report(`support-ticket, counters to ${times}`, createSupportTicket({ retries, repairs: times }));
}
process.stdout.write(`${table.toString()}\n${JSON.stringify({ node: process.version, rows })}\n`);

function report(name, workflow, { bare = false } = {}) {
  const [ms, { paths: found, coverage, graph }] = timed(() => paths(workflow));
  const [bareMs, theirs] = bare ? timed(() => bareShortestPaths(workflow.machine)) : [];
  const row = {
    name,
    transitions: coverage.of,
    covered: coverage.covered,
    paths: found.length,
    nodes: graph.nodes,
    advances: graph.advances,
    ms: Math.round(ms),
    bareStates: theirs?.length ?? '',
    bareMs: bareMs === undefined ? '' : Math.round(bareMs),
  };
  rows.push(row);
  table.push(Object.values(row));
}

function bareShortestPaths(machine) {
  const events = machine.events.map((type) => ({ type }));
  return getShortestPaths(machine, { events });
}

function timed(work) {
  const start = performance.now();
  const result = work();
  return [performance.now() - start, result];
}

function chain(length) {
  const states = Array.from({ length }, (_, index) => [
    `s${index}`,
    index === length - 1 ? { type: 'final' } : { on: { NEXT: `s${index + 1}` } },
  ]);
  return createMachine({ id: 'chain', initial: 's0', states: Object.fromEntries(states) });
}

function regionsOf(count) {
  const states = Array.from({ length: count }, (_, index) => {
    const type = `SWITCH_${index}`;
    return [
      `r${index}`,
      { initial: 'off', states: { off: { on: { [type]: 'on' } }, on: { on: { [type]: 'off' } } } },
    ];
  });
  return createMachine({ id: 'regions', type: 'parallel', states: Object.fromEntries(states) });
}
