/**
 * Durable steps per second and the latency of one step, on each store, beside the raw cost of the same writes.
 *
 *     npm run bench [-- --runs 4000] [--stores memory,sqlite,redis] [--keys 1000000] [--against <commit>]
 *
 * A run is five no-op invocations, one after the other: six writes of state, history, journal and lease, the start
 * included. Throughput has 64 runs at once, from their start to their result. A step alone is a fifth of what one run takes
 * from its start, which is stored, to its result. Everything is measured in this process, in one go, against servers and
 * files of its own. Medians of three rounds. With `--against`, all of it in turn with the same of another commit, three times.
 */
import { statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import Table from 'cli-table3';
import { Redis } from 'ioredis';
import { createEngine, defineWorkflow } from 'signalbox';
import { memoryStore } from 'signalbox/memory';
import { redisStore } from 'signalbox/redis';
import { openDatabase, sqliteStore } from 'signalbox/sqlite';
import { fromPromise, setup } from 'xstate';

import { startRedis } from '../fixtures/redis-server.mjs';
import { compareWith } from './compare.mjs';

const { values: options } = parseArgs({
  options: {
    runs: { type: 'string', default: '4000' },
    stores: { type: 'string', default: 'memory,sqlite,redis' },
    keys: { type: 'string', default: '1000000' },
    against: { type: 'string' },
  },
});
if (options.against !== undefined) {
  const flags = ['runs', 'stores', 'keys'].flatMap((name) => [`--${name}`, options[name]]);
  compareWith(options.against, { program: 'test/bench/steps.mjs', flags, rounds: 3 });
  process.exit();
}
const runs = Number(options.runs);
const stores = options.stores.split(',');
const stepsPerRun = 5;
const atOnce = 64;
const rounds = 3;

const states = Object.fromEntries(
  Array.from({ length: stepsPerRun }, (_, index) => [
    `step${index}`,
    {
      invoke: { src: 'work', id: 'work', onDone: index + 1 < stepsPerRun ? `step${index + 1}` : 'finished' },
    },
  ]),
);
const machine = setup({ actors: { work: fromPromise(async () => {}) } }).createMachine({
  id: 'noop',
  initial: 'step0',
  states: { ...states, finished: { type: 'final' } },
});
const workflow = defineWorkflow({ machine, version: '1' });

const table = new Table({
  head: [
    'store',
    'steps/s',
    'step alone (µs)',
    'raw write alone (µs)',
    'ratio',
    'raw writes/s',
    'bytes a run',
  ],
});
const results = { node: process.version, runs, stepsPerRun, atOnce, stores: {} };

if (stores.includes('memory')) await measure('memory', memoryStore(), {});
if (stores.includes('sqlite')) await measureSqlite();
if (stores.includes('redis')) await measureRedis();

console.log(table.toString());
console.log(JSON.stringify(results));

async function measureSqlite() {
  const { folder, remove } = await temporaryFolder();
  const path = join(folder, 'bench.db');
  const raw = rawSqlite(join(folder, 'raw.db'));
  await measure('sqlite', sqliteStore(path), { raw, stored: () => bytesOf(path) });
  await remove();
}

async function measureRedis() {
  const { folder, remove } = await temporaryFolder();
  const redis = await startRedis(folder, { 'enable-debug-command': 'local' });
  const client = new Redis(redis.url);
  const raw = rawRedis(client);
  const stored = async () => Number(/used_memory:(\d+)/.exec(await client.info('memory'))[1]);
  await measure('redis', redisStore(redis.url), { raw, rawAtOnce: atOnce, stored });

  const keys = Number(options.keys);
  if (keys > 0) {
    await client.call('DEBUG', 'POPULATE', String(keys), 'other', '64');
    const name = `redis, ${keys.toLocaleString('en')} other keys`;
    await measure(name, redisStore(redis.url), { raw, rawAtOnce: atOnce });
  }
  client.disconnect();
  await redis.stop();
  await remove();
}

/**
 * Throughput with many runs at once, and the latency of a step of a run that is alone, each beside `raw`: one write
 * without a step. `stored` tells how many bytes the store holds.
 */
async function measure(name, store, { raw, rawAtOnce = 1, stored }) {
  const engine = createEngine({
    workflows: [workflow],
    check: false,
    store,
    concurrency: atOnce * 2,
    pollMs: 1_000,
  });
  const oneRun = async () => (await engine.start(workflow)).result();
  await inParallel(oneRun, runs / 4, atOnce);

  const storedBefore = await stored?.();
  const rates = [];
  for (let round = 0; round < rounds; round++) {
    rates.push((runs * stepsPerRun) / (await seconds(() => inParallel(oneRun, runs, atOnce))));
  }
  const bytes = stored && ((await stored()) - storedBefore) / (rounds * runs);
  const rawRate = raw && runs / (await seconds(() => inParallel(raw, runs, rawAtOnce)));

  // In turn, so that both meet the same machine.
  const steps = [];
  const writes = [];
  for (let index = 0; index < 1_000; index++) {
    const run = await engine.start(workflow);
    steps.push((await seconds(() => run.result())) / stepsPerRun);
    for (let write = 0; raw && write < stepsPerRun; write++) writes.push(await seconds(raw));
  }
  await engine.stop();
  await store.close();
  report(name, {
    stepsPerSecond: median(rates),
    stepUs: median(steps) * 1e6,
    ...(raw && { rawUs: median(writes) * 1e6, rawPerSecond: rawRate }),
    ...(bytes && { bytesPerRun: bytes }),
  });
}

/** One compare-and-set of a state of two kilobytes, by one Lua call. */
function rawRedis(client) {
  client.defineCommand('rawCompareAndSet', {
    numberOfKeys: 1,
    lua: `local seq = tonumber(redis.call('HGET', KEYS[1], 'seq') or '0')
          if seq ~= tonumber(ARGV[1]) then return 0 end
          redis.call('HSET', KEYS[1], 'seq', seq + 1, 'state', ARGV[2])
          return 1`,
  });
  const body = 'x'.repeat(2_048);
  let next = 0;
  return async () => {
    const written = await client.rawCompareAndSet(`raw:${next++}`, 0, body);
    if (written !== 1) throw new Error('The raw write was refused.');
  };
}

/** Two kilobytes in one transaction that is synced to the disk. */
function rawSqlite(path) {
  const database = openDatabase(path);
  database.exec(
    'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE raw (id INTEGER PRIMARY KEY, state TEXT)',
  );
  const insert = database.prepare('INSERT INTO raw (state) VALUES (?)');
  const body = 'x'.repeat(2_048);
  return async () => void insert.run(body);
}

function report(name, measured) {
  const { stepsPerSecond, stepUs, rawUs, rawPerSecond, bytesPerRun } = measured;
  results.stores[name] = measured;
  const ratio = rawUs && (stepUs / rawUs).toFixed(2);
  table.push([
    name,
    ...[stepsPerSecond, stepUs, rawUs].map(whole),
    ratio ?? '',
    ...[rawPerSecond, bytesPerRun].map(whole),
  ]);
}

async function inParallel(task, times, width) {
  let left = times;
  await Promise.all(
    Array.from({ length: width }, async () => {
      while (left-- > 0) await task();
    }),
  );
}

async function seconds(task) {
  const start = process.hrtime.bigint();
  await task();
  return Number(process.hrtime.bigint() - start) / 1e9;
}

function median(values) {
  return [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)];
}

function whole(value) {
  return value === undefined ? '' : Math.round(value).toLocaleString('en');
}

async function temporaryFolder() {
  const folder = await mkdtemp(join(tmpdir(), 'signalbox-bench-'));
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
}

function bytesOf(path) {
  return [path, `${path}-wal`].reduce(
    (total, file) => total + (statSync(file, { throwIfNoEntry: false })?.size ?? 0),
    0,
  );
}
