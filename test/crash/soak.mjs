#!/usr/bin/env node
/**
 * Runs of support-ticket whose workers are killed with SIGKILL at random moments, again and again, until every run has ended or
 * rests with a person; then checks what must hold.
 *
 *   npm run test:crash -- [--runs 200] [--store sqlite|redis|both] [--seed <n>] [--minutes 15] [--json] [--keep]
 *
 * It needs what `npm run build` makes, and for Redis a `redis-server` on PATH, or REDIS_URL. Exit code 1 if anything did not
 * hold; then, and with `--keep`, the data stays where it is, with all that is known of those runs in evidence.json.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import Table from 'cli-table3';

import { startRedis } from '../fixtures/redis-server.mjs';
import { runSoak } from './soak/run-soak.mjs';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '200' },
    store: { type: 'string', default: 'both' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1e6)) },
    minutes: { type: 'string', default: '15' },
    json: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
  },
});
const [count, seed, minutes] = ['runs', 'seed', 'minutes'].map(numberOf);
const kinds = values.store === 'both' ? ['sqlite', 'redis'] : [values.store];
const folder = mkdtempSync(join(tmpdir(), 'signalbox-soak-'));
const reports = {};

try {
  for (const kind of kinds) reports[kind] = await soakOn(kind);
} finally {
  const isBroken = Object.values(reports).some(({ violations }) => violations.length > 0);
  if (isBroken) process.exitCode = 1;
  if (values.keep || isBroken) console.error(`The data is in ${folder}`);
  else rmSync(folder, { recursive: true, force: true });
}
if (values.json) console.log(JSON.stringify({ seed, reports }));
else print();

async function soakOn(kind) {
  const place = join(folder, kind);
  const { spec, close } = await openPlace(kind, place);
  const tell = ({ left, kills, seconds }) => {
    if (process.stderr.isTTY && !values.json)
      process.stderr.write(`\r${kind}: ${left} runs left, ${kills} kills, ${seconds} s  `);
  };
  try {
    return await runSoak({ spec, folder: place, count, seed, minutes, tell });
  } finally {
    if (process.stderr.isTTY && !values.json) process.stderr.write('\n');
    await close();
  }
}

async function openPlace(kind, place) {
  switch (kind) {
    case 'sqlite':
      return { spec: { kind, path: join(folder, 'runs.db') }, close: async () => {} };
    case 'redis': {
      const given = process.env.REDIS_URL;
      const server = given ? { url: given, stop: async () => {} } : await startRedis(`${place}-server`);
      return { spec: { kind, url: server.url, prefix: `soak-${process.pid}` }, close: server.stop };
    }
    default:
      throw new Error(`Expected \`--store\` to be \`sqlite\`, \`redis\` or \`both\`, got \`${kind}\`.`);
  }
}

function print() {
  const names = [...new Set(Object.values(reports).flatMap(({ figures }) => Object.keys(figures)))];
  const table = new Table({
    head: [`seed ${seed}`, ...kinds],
    style: { head: [], border: [], compact: true },
    colAligns: ['left', ...kinds.map(() => 'right')],
  });
  for (const name of names) table.push([name, ...kinds.map((kind) => reports[kind].figures[name] ?? '')]);
  table.push(['violations', ...kinds.map((kind) => reports[kind].violations.length)]);
  console.log(table.toString());
  for (const kind of kinds) {
    for (const violation of reports[kind].violations) console.log(`${kind}: ${violation}`);
    const said = reports[kind].problems;
    for (const { message, runId, pid } of said.slice(0, 20))
      console.log(`${kind}: worker ${pid}${runId ? ` on ${runId}` : ''} said: ${message}`);
  }
}

function numberOf(name) {
  const value = Number(values[name]);
  if (value > 0) return value;
  throw new Error(`Expected \`--${name}\` to be a number above 0, got \`${values[name]}\`.`);
}
