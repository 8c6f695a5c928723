/** Asks a Redis whether it holds a store of ours, claims an empty prefix, and refuses what would lose data. */
import type { Redis } from 'ioredis';

import { InvalidOption, StoreForeign } from '../../src/errors.ts';
import { primariesOf, type RedisClient } from './clients.ts';
import { isPassing, isWrongType } from './failures.ts';
import { defaultShards, formatVersion, toFormatKey, type Layout } from './layout.ts';

export interface DatabaseChecks {
  readonly prefix: string;
  /** `undefined`: as many as the database was made with, or the default for a new one. */
  readonly shards: number | undefined;
  readonly allowEviction: boolean;
}

/**
 * @throws StoreForeign if something else is at the marker, or a store of another format.
 * @throws InvalidOption if the store was made with another number of shards, or Redis may evict keys.
 */
export async function checkDatabase(client: RedisClient, checks: DatabaseChecks): Promise<Layout> {
  const { prefix, shards = defaultShards } = checks;
  const key = toFormatKey(prefix);
  if (!checks.allowEviction) {
    // A cluster knows its servers once it has answered.
    await client.exists(key);
    await assertNoEviction(client);
  }
  const written = await setMarker(client, key, JSON.stringify({ signalbox: formatVersion, shards }));
  const { format, shards: stored } = parseMarker(written, key);
  if (format !== formatVersion) {
    throw new StoreForeign(
      `Redis has a store of format ${format} under \`${prefix}\` and this version of Signalbox reads format ` +
        `${formatVersion}. Nothing was written; use another \`prefix\`${format > formatVersion ? ' or update Signalbox' : ''}.`,
    );
  }
  if (checks.shards !== undefined && checks.shards !== stored) {
    throw new InvalidOption(
      `Expected \`shards\` to be ${stored}, with which the store under \`${prefix}\` was made, got ` +
        `\`${checks.shards}\`. Leave the option out.`,
    );
  }
  return { prefix, shards: stored };
}

async function setMarker(client: RedisClient, key: string, marker: string): Promise<string> {
  try {
    // Read first: a server that cannot write for now still says what it holds.
    const found = await client.get(key);
    if (found !== null) return found;
    if ((await client.set(key, marker, 'NX')) === 'OK') return marker;
    return (await client.get(key)) ?? '';
  } catch (error) {
    throw isWrongType(error) ? refuse(key, error) : error;
  }
}

function parseMarker(marker: string, key: string): { format: number; shards: number } {
  try {
    const value: unknown = JSON.parse(marker);
    if (typeof value === 'object' && value !== null && 'signalbox' in value && 'shards' in value) {
      const { signalbox: format, shards } = value;
      if (Number.isInteger(format) && Number.isInteger(shards)) {
        return { format: format as number, shards: shards as number };
      }
    }
  } catch {
    // Refused below.
  }
  throw refuse(key);
}

function refuse(key: string, cause?: unknown): StoreForeign {
  return new StoreForeign(
    `The Redis key \`${key}\` is not the marker of a Signalbox store. Nothing was written; use another \`prefix\`.`,
    { cause, details: { key } },
  );
}

export const advice =
  'Run `redis-cli CONFIG SET maxmemory-policy noeviction` (and put it in redis.conf), or pass `allowEviction: true`.';

async function assertNoEviction(client: RedisClient): Promise<void> {
  const policy = await readPolicy(client);
  if (policy === undefined || policy === 'noeviction') return;
  throw new InvalidOption(
    `Redis has \`maxmemory-policy ${policy}\`: it may delete runs when memory is short. ${advice}`,
    { details: { policy } },
  );
}

/** The policy, of any server that may evict keys if there are several. `undefined` where CONFIG is not permitted, as with many hosts. */
export async function readPolicy(client: RedisClient): Promise<string | undefined> {
  const policies = await Promise.all(primariesOf(client).map(readOwnPolicy));
  return policies.find((policy) => policy !== undefined && policy !== 'noeviction') ?? policies[0];
}

async function readOwnPolicy(client: Redis): Promise<string | undefined> {
  try {
    const answer: unknown = await client.config('GET', 'maxmemory-policy');
    return Array.isArray(answer) ? String(answer[1]) : undefined;
  } catch (error) {
    if (error instanceof Error && error.name === 'ReplyError' && !isPassing(error)) return undefined;
    throw error;
  }
}
