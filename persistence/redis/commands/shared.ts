/**
 * `shared`: allowances, slots and cached answers, each one key. Slots and windows go by the server's time, so that all
 * workers agree on it.
 *
 * These scripts carry no nonce. A call that is sent again because its answer was lost occupies the same slot and caches
 * the same text; points it may take, or give back, twice, which costs a wait, or as many points too many.
 */
import type { Allowance, Shared } from '../../shared.ts';
import { defineScript, type Connection } from '../connection.ts';
import { toSharedKey } from '../layout.ts';

const take = defineScript(`
-- KEYS[1] points that are taken; it expires when the window is over
-- ARGV    1 points, 2 limit, 3 length of a window
-- Returns 0 taken, or the milliseconds until the window is over
local used = tonumber(redis.call('GET', KEYS[1]) or 0)
if used > 0 and used + ARGV[1] > tonumber(ARGV[2]) then return math.max(1, redis.call('PTTL', KEYS[1])) end
redis.call('INCRBY', KEYS[1], ARGV[1])
if redis.call('PTTL', KEYS[1]) < 0 then redis.call('PEXPIRE', KEYS[1], ARGV[3]) end
return 0
`);

const giveBack = defineScript(`
-- KEYS[1] points that are taken
-- ARGV    1 points
-- Returns 0
local used = tonumber(redis.call('GET', KEYS[1]) or 0)
local back = math.min(used, tonumber(ARGV[1]))
if back > 0 then redis.call('DECRBY', KEYS[1], back) end
return 0
`);

const occupy = defineScript(`
-- KEYS[1] holders, by the time at which they lose their slot
-- ARGV    1 holder, 2 slots, 3 for how long
-- Returns 1 the holder has a slot, 0 all are taken
local seconds, micros = unpack(redis.call('TIME'))
local now = seconds * 1000 + math.floor(micros / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) and redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[1], now + ARGV[3], ARGV[1])
local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')
redis.call('PEXPIREAT', KEYS[1], last[2])
return 1
`);

export function createShared(use: <T>(work: (connection: Connection) => Promise<T>) => Promise<T>): Shared {
  return {
    take: (key, points, allowance) =>
      use(async ({ layout, run }) => {
        const { limit, windowMs } = allowance;
        const name = toSharedKey(layout, 'allowance', windowName(key, allowance));
        return Number(await run(take, [name], [points, limit, windowMs]));
      }),

    giveBack: (key, points, allowance) =>
      use(async ({ layout, run }) => {
        await run(giveBack, [toSharedKey(layout, 'allowance', windowName(key, allowance))], [points]);
      }),

    occupy: (key, { holder, slots, ttlMs }) =>
      use(async ({ layout, run }) => {
        return (await run(occupy, [toSharedKey(layout, 'slots', key)], [holder, slots, ttlMs])) === 1;
      }),

    vacate: (key, holder) =>
      use(async ({ layout, call }) => {
        await call((client) => client.zrem(toSharedKey(layout, 'slots', key), holder));
      }),

    cached: (key) =>
      use(async ({ layout, call }) => {
        return (await call((client) => client.get(toSharedKey(layout, 'cache', key)))) ?? undefined;
      }),

    cache: (key, text, ttlMs) =>
      use(async ({ layout, call }) => {
        const name = toSharedKey(layout, 'cache', key);
        await call((client) =>
          ttlMs === undefined ? client.set(name, text) : client.set(name, text, 'PX', ttlMs),
        );
      }),
  };
}

/** Two allowances of one key do not disturb each other. */
function windowName(key: string, { limit, windowMs }: Allowance): string {
  return `${limit}/${windowMs} ${key}`;
}
