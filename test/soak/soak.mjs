#!/usr/bin/env node
/**
 * Runs whose workers are killed and frozen, whose connections are cut while replies are on their way, and whose Redis is killed
 * and started again, until all of them have ended; then checks what must hold. Prints counts as JSON; exits 1 if something does
 * not hold.
 *
 *   npm run soak -- [--store redis|sqlite|cluster] [--runs 400] [--workers 4] [--seconds 240] [--skew] [--seed <n>] [--keep] [--verbose]
 *
 * `--seconds`: for how long things go wrong; runs start in the first half of it, and may take longer to end. `--skew`: clocks of
 * workers that are 90 s early and late. `cluster`: three Redis nodes whose slots move meanwhile. It needs what `npm run build`
 * makes and, but for SQLite, a `redis-server` on PATH. With `--keep`, or when something did not hold, the data stays.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { createEngine } from 'signalbox';

import { createRandom } from '../crash/soak/random.mjs';
import { causeChaos } from './chaos.mjs';
import { useRuns } from './client.mjs';
import { openStore } from './open-store.mjs';
import { places } from './places.mjs';
import { meaningOf, verify } from './verify.mjs';
import { keepWorkers } from './workers.mjs';
import { soak } from './workflow.mjs';

const { values } = parseArgs({
  options: {
    store: { type: 'string', default: 'redis' },
    runs: { type: 'string', default: '400' },
    workers: { type: 'string', default: '4' },
    seconds: { type: 'string', default: '240' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1e6)) },
    skew: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
  },
});
const leaseMs = 3_000;
const options = { store: values.store, skew: values.skew, leaseMs };
for (const name of ['runs', 'workers', 'seconds', 'seed']) options[name] = numberOf(name);
if (!(options.store in places))
  throw new Error(
    `Expected \`--store\` to be \`redis\`, \`sqlite\` or \`cluster\`, got \`${options.store}\`.`,
  );
if (options.skew && options.store === 'sqlite')
  throw new Error(
    'Expected `--skew` with `redis` or `cluster`: processes on one SQLite file share the clock of their machine.',
  );

// So that what this process has started ends with it.
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));
const folder = mkdtempSync(join(tmpdir(), 'signalbox-soak-'));
const closing = [];
try {
  const result = await run();
  const { found, ...report } = result;
  console.log(JSON.stringify(report, undefined, 1));
  if (found.length > 0) {
    process.exitCode = 1;
    writeFileSync(join(folder, 'violations.json'), JSON.stringify(found, undefined, 1));
    for (const { kind, run: id, what } of found.slice(0, 20))
      console.error(`${id}: ${meaningOf(kind)}: ${what}`);
  }
} catch (error) {
  process.exitCode = 1;
  console.error(error);
} finally {
  for (const close of closing.toReversed()) await close();
  if (values.keep || process.exitCode) console.error(`The data is in ${folder}`);
  else rmSync(folder, { recursive: true, force: true });
}

async function run() {
  const ledger = await startLedger();
  process.env.SOAK_LEDGER = ledger.url;
  const random = createRandom(options.seed);
  const place = await places[options.store]({ folder, random: createRandom(options.seed + 1) });
  closing.push(place.close);
  const { store, engine } = openEngine(place.own);
  const workers = keepWorkers({
    count: options.workers,
    skew: options.skew,
    options: { store: place.spec, leaseMs, concurrency: 60 },
    env: { SOAK_LEDGER: ledger.url },
    say,
  });
  closing.push(workers.stop);

  const runs = Array.from({ length: options.runs }, (_, n) => ({ run: `run-${n}`, items: 3 + (n % 3) }));
  const startedAt = Date.now();
  const secondsSoFar = () => Math.round((Date.now() - startedAt) / 1_000);
  const client = useRuns({
    engine,
    store,
    runs,
    startMs: options.seconds * 500,
    random: createRandom(options.seed + 2),
    say,
    tell: ({ over }) => {
      if (process.stderr.isTTY)
        process.stderr.write(`\r${secondsSoFar()} s, ${over} of ${runs.length} over  `);
    },
  });
  closing.push(client.stop);
  const chaos = causeChaos({ workers, workerCount: options.workers, place, random, leaseMs });

  // A failure of the soak's own parts ends it at once.
  await Promise.race([client.using, chaos.going, pause(options.seconds * 1_000)]);
  await chaos.stop();
  while (!client.isOver() && !client.isStalled()) await Promise.race([client.using, pause(500)]);
  const seconds = secondsSoFar();
  // Sends that are still under way when every run is over have ten seconds to be answered.
  await Promise.race([client.using, pause(10_000)]);
  client.stop();
  const unanswered = client.unanswered();
  await workers.stop();

  const calls = await (await fetch(`${ledger.url}/calls`)).json();
  const { counts, found, ...figures } = await verify({
    runs,
    acknowledged: client.acknowledged,
    notes: client.notes,
    calls,
    fates: workers.fates,
    unanswered,
    // Not by the connection that went through all of it.
    ...openEngine(place.own),
  });
  return {
    options,
    seconds,
    chaos: chaos.counts,
    runsStarted: client.acknowledged.size,
    calls: calls.length,
    ...figures,
    notesAcknowledged: [...client.notes.values()].reduce((sum, { taken }) => sum + taken.size, 0),
    told: Object.fromEntries(client.codes),
    problems: Object.fromEntries(
      [...workers.problems].sort(([, one], [, other]) => other - one).slice(0, 10),
    ),
    violations: counts,
    found,
  };
}

function openEngine(spec) {
  const store = openStore(spec);
  closing.push(() => store.close());
  const engine = createEngine({ workflows: [soak], check: false, store, work: 'none' });
  closing.push(() => engine.stop());
  return { store, engine };
}

/** As it happens, with `--verbose`. */
function say(text) {
  if (values.verbose) console.error(text);
}

async function startLedger() {
  const child = fork(fileURLToPath(new URL('./ledger.mjs', import.meta.url)), { execArgv: [] });
  const [{ url }] = await once(child, 'message');
  closing.push(async () => {
    const exited = once(child, 'exit');
    child.disconnect();
    await exited;
  });
  return { url };
}

function numberOf(name) {
  const value = Number(values[name]);
  if (Number.isInteger(value) && value > 0) return value;
  throw new Error(`Expected \`--${name}\` to be a positive integer, got \`${values[name]}\`.`);
}
