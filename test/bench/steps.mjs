/**
 * Durable steps per second and the latency of one step, on each store, beside the raw cost of the same writes.
 *
 *     npm run bench [-- --runs 4000] [--stores memory,sqlite,redis] [--keys 1000000]
 *
 * A run is five no-op invocations, one after the other: six writes of state, history, journal and lease, the start
 * included. Throughput has 64 runs at once, from their start to their result. A step alone is a fifth of what one run takes
 * from its start, which is stored, to its result. Everything is measured in this process, in one go, against servers and
 * files of its own. Medians of three rounds.
 */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import Table from 'cli-table3';
import { createEngine, defineWorkflow } from 'signalbox';
import { memoryStore } from 'signalbox/memory';
import { redisStore } from 'signalbox/redis';
import { openDatabase, sqliteStore } from 'signalbox/sqlite';
import { fromPromise, setup } from 'xstate';

import { startRedis, temporaryFolder } from './servers.mjs';

const { values: options } = parseArgs({
  options: {
    runs: { type: 'string', default: '4000' },
    stores: { type: 'string', default: 'memory,sqlite,redis' },
    keys: { type: 'string', default: '1000000' },
  },
});
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
    'raw writes/s at 64',
    'bytes a run',
  ],
});
const results = { node: process.version, runs, stepsPerRun, atOnce, stores: {} };

if (stores.includes('memory')) report('memory', await measure(memoryStore()), {});
if (stores.includes('sqlite')) await measureSqlite();
if (stores.includes('redis')) await measureRedis();

console.log(table.toString());
console.log(JSON.stringify(results));

async function measureSqlite() {
  const { folder, remove } = await temporaryFolder();
  const path = join(folder, 'bench.db');
  const raw = await rawSqlite(join(folder, 'raw.db'));
  const store = sqliteStore(path);
  const measured = await measure(store);
  report('sqlite', { ...measured, bytes: bytesOf(path) / measured.started }, raw);
  await remove();
}

async function measureRedis() {
  const redis = await startRedis();
  const raw = await rawRedis(redis.client);
  await redis.client.flushall();
  const before = await usedMemory(redis.client);
  const measured = await measure(redisStore(redis.url));
  const bytes = ((await usedMemory(redis.client)) - before) / measured.started;
  report('redis', { ...measured, bytes }, raw);

  const keys = Number(options.keys);
  if (keys > 0) {
    await redis.client.call('DEBUG', 'POPULATE', String(keys), 'other', '64');
    report(`redis, ${keys.toLocaleString('en')} other keys`, await measure(redisStore(redis.url)), raw);
  }
  await redis.stop();
}

/** Throughput with many runs at once, then the latency of a step of a run that is alone. */
async function measure(store) {
  const engine = createEngine({ workflows: [workflow], store, concurrency: atOnce * 2, pollMs: 1_000 });
  let started = 0;
  const oneRun = async () => {
    started++;
    await (await engine.start(workflow)).result();
  };
  await inParallel(oneRun, runs / 4, atOnce);
  const rates = [];
  for (let round = 0; round < rounds; round++) {
    rates.push((runs * stepsPerRun) / (await seconds(() => inParallel(oneRun, runs, atOnce))));
  }
  const alone = [];
  for (let index = 0; index < Math.min(runs, 500); index++)
    alone.push((await seconds(oneRun)) / writesPerRun);
  await engine.stop();
  await store.close();
  return { stepsPerSecond: median(rates), aloneUs: median(alone) * 1e6, started };
}

/** What a step writes, without the step: one compare-and-set of a state of two kilobytes, by one Lua call. */
async function rawRedis(client) {
  client.defineCommand('rawCompareAndSet', {
    numberOfKeys: 1,
    lua: `local seq = tonumber(redis.call('HGET', KEYS[1], 'seq') or '0')
          if seq ~= tonumber(ARGV[1]) then return 0 end
          redis.call('HSET', KEYS[1], 'seq', seq + 1, 'state', ARGV[2])
          return 1`,
  });
  const body = 'x'.repeat(2_048);
  let next = 0;
  const one = async () => {
    if ((await client.rawCompareAndSet(`raw:${next++}`, 0, body)) !== 1)
      throw new Error('The raw write was refused.');
  };
  return rawFigures(one);
}

/** The same bytes in one transaction that is synced to the disk. */
function rawSqlite(path) {
  const database = openDatabase(path);
  database.exec(
    'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE raw (id INTEGER PRIMARY KEY, state TEXT)',
  );
  const insert = database.prepare('INSERT INTO raw (state) VALUES (?)');
  const body = 'x'.repeat(2_048);
  return rawFigures(async () => void insert.run(body), { parallel: false });
}

async function rawFigures(one, { parallel = true } = {}) {
  await inParallel(one, runs / 4, atOnce);
  const perSecond = parallel ? runs / (await seconds(() => inParallel(one, runs, atOnce))) : undefined;
  const alone = [];
  for (let index = 0; index < Math.min(runs, 1_000); index++) alone.push(await seconds(one));
  return { aloneUs: median(alone) * 1e6, perSecond: perSecond ?? 1 / median(alone) };
}

function report(name, measured, raw) {
  results.stores[name] = { ...measured, raw };
  table.push([
    name,
    whole(measured.stepsPerSecond),
    whole(measured.aloneUs),
    whole(raw.aloneUs),
    raw.aloneUs ? (measured.aloneUs / raw.aloneUs).toFixed(2) : '',
    whole(raw.perSecond),
    whole(measured.bytes),
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

async function usedMemory(client) {
  return Number(/used_memory:(\d+)/.exec(await client.info('memory'))[1]);
}

function bytesOf(path) {
  return [path, `${path}-wal`].reduce(
    (total, file) => total + (statSync(file, { throwIfNoEntry: false })?.size ?? 0),
    0,
  );
}
