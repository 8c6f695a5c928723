/** `announce`, `workers`, `publish` and `time`: what processes tell each other beside the runs. */
import type { Worker } from '../../store.ts';
import { defineScript, type Connection } from '../connection.ts';
import { toFormatKey, toRunKeys, toTextChannel, toWorkersKey } from '../layout.ts';

const readWorkers = defineScript(`
-- KEYS[1] workers
-- ARGV[1] now
-- Returns { worker as JSON, ... }, and removes those whose time is over
local found, over = {}, {}
local announced = redis.call('HGETALL', KEYS[1])
for at = 1, #announced, 2 do
  if cjson.decode(announced[at + 1])['until'] > tonumber(ARGV[1]) then
    found[#found + 1] = announced[at + 1]
  else
    over[#over + 1] = announced[at]
  end
end
if #over > 0 then redis.call('HDEL', KEYS[1], unpack(over)) end
return found
`);

const publish = defineScript(`
-- KEYS[1] run, so that all texts of a run pass through one server and keep their order
-- ARGV    1 channel, 2 text
return redis.call('PUBLISH', ARGV[1], ARGV[2])
`);

const readTime = defineScript(`
-- KEYS[1] a key of which one server of a cluster is in charge
return redis.call('TIME')
`);

export async function announceWorker(
  { layout, call }: Connection,
  token: string,
  worker: Omit<Worker, 'token'> | null,
): Promise<void> {
  const key = toWorkersKey(layout);
  if (!worker) return void (await call((client) => client.hdel(key, token)));
  const { workflows, until } = worker;
  await call((client) => client.hset(key, token, JSON.stringify({ token, workflows, until })));
}

export async function listWorkers({ layout, run }: Connection, now: number): Promise<readonly Worker[]> {
  const found = (await run(readWorkers, [toWorkersKey(layout)], [now])) as string[];
  return found.map((text) => JSON.parse(text) as Worker);
}

export async function publishText({ layout, run }: Connection, runId: string, text: string): Promise<void> {
  await run(publish, [toRunKeys(layout, runId).run], [toTextChannel(layout.prefix, runId), text]);
}

/** In milliseconds since the epoch. */
export async function readServerTime({ layout, run }: Connection): Promise<number> {
  const [seconds = '', micros = ''] = (await run(readTime, [toFormatKey(layout.prefix)], [])) as string[];
  return Number(seconds) * 1000 + Math.floor(Number(micros) / 1000);
}
