/** Asks a Redis whether it holds a store of ours, claims an empty prefix, and refuses what would lose data. */
import type { Cluster, Redis } from 'ioredis';

import { InvalidOption, StoreForeign } from '../../src/errors.ts';
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
export async function checkDatabase(client: Redis | Cluster, checks: DatabaseChecks): Promise<Layout> {
  const { prefix, shards = defaultShards } = checks;
  if (!checks.allowEviction) await assertNoEviction(client);
  const key = toFormatKey(prefix);
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

async function setMarker(client: Redis | Cluster, key: string, marker: string): Promise<string> {
  try {
    if ((await client.set(key, marker, 'NX')) === 'OK') return marker;
    return (await client.get(key)) ?? '';
  } catch (error) {
    if (error instanceof Error && error.message.startsWith('WRONGTYPE')) throw refuse(key, error);
    throw error;
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

async function assertNoEviction(client: Redis | Cluster): Promise<void> {
  const policy = await readPolicy(client);
  if (policy === undefined || policy === 'noeviction') return;
  throw new InvalidOption(
    `Redis has \`maxmemory-policy ${policy}\`: it may delete runs when memory is short. Run ` +
      '`redis-cli CONFIG SET maxmemory-policy noeviction` (and put it in redis.conf), or pass `allowEviction: true`.',
    { details: { policy } },
  );
}

/** `undefined` where CONFIG is not permitted, as with many hosts. */
async function readPolicy(client: Redis | Cluster): Promise<string | undefined> {
  try {
    const answer: unknown = await client.config('GET', 'maxmemory-policy');
    return Array.isArray(answer) ? String(answer[1]) : undefined;
  } catch (error) {
    if (error instanceof Error && error.name === 'ReplyError') return undefined;
    throw error;
  }
}
