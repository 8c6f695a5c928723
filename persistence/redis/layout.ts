/**
 * Where things are in Redis. A run belongs to one of N shards by a hash of its id, for ever, and each key of a run and
 * of its shard's indexes carries the shard's hash tag: so one script changes a run and all its indexes atomically, in
 * a Redis Cluster too. `<base>` stands for `<prefix>:{<shard>}:`.
 *
 * | key | type | holds |
 * |---|---|---|
 * | `<prefix>:format` | string | the format version and N |
 * | `<prefix>:<kind>:{<name>}` | string or sorted set | allowances, slots and cached answers; no run needs them |
 * | `<base>run:<id>` | hash | the run, by the fields below |
 * | `<base>log:<id>` | list | the history |
 * | `<base>inbox:<id>` | hash | message id to `<at>:<body>`; there only while it has any, like all that follow |
 * | `<base>keys:<id>` | hash | message key to `<message id>:<log length>:<nonce>` |
 * | `<base>journal:<id>` | hash | journal name to value |
 * | `<base>wake:<name>@<version>` | sorted set | ids by the time they are due (I7) |
 * | `<base>list:<status>:<name>` | sorted set | `<created><id>`, all of score 0 and so in the order of their bytes |
 * | `<base>tag:<status>:<tag>:<name>` | sorted set | the same, of the runs with the tag |
 * | `<base>names` | set | workflow names ever seen |
 * | `<base>leases` | set | ids of runs with a lease |
 * | `<base>open` | hash | `name@version` to how many runs have not ended |
 *
 * Fields of a run. One letter each, because a million runs store them a million times:
 * `c` created (9 digits, base 36), byte length of the name, `:`, `name@version` · `i` input · `s` state · `v` value ·
 * `x` status, and a comma before each tag · `q` seq · `u` updated · `l` lease as `<until>:<token>` · `m` id of the
 * last message · `p` problem · `n` nonces of the latest writes · `r` nonces of the latest messages without a key.
 */
import { InvalidOption } from '../../src/errors.ts';
import type { RunStatus } from '../store.ts';

export const formatVersion = 1;

export const defaultShards = 16;

export interface Layout {
  readonly prefix: string;
  readonly shards: number;
}

export function toFormatKey(prefix: string): string {
  return `${prefix}:format`;
}

/** Where watchers hear of messages. */
export function toMailChannel(prefix: string): string {
  return `${prefix}:mail`;
}

/** One key for each allowance, set of slots and cached answer, with a hash tag of its own. */
export function toSharedKey({ prefix }: Layout, kind: 'allowance' | 'slots' | 'cache', name: string): string {
  return `${prefix}:${kind}:{${name}}`;
}

export function toBase({ prefix }: Layout, shard: number): string {
  return `${prefix}:{${shard}}:`;
}

/** Every shard's base. */
export function toBases(layout: Layout): readonly string[] {
  return Array.from({ length: layout.shards }, (_, shard) => toBase(layout, shard));
}

export function toRunBase(layout: Layout, runId: string): string {
  return toBase(layout, hash(runId) % layout.shards);
}

/** FNV-1a over the id's UTF-16 units. Never to change: it says where the runs are. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  return value >>> 0;
}

const createdDigits = 9;

/** `createdAt` so that the order of the bytes is the order of the times. */
export function encodeCreated(createdAt: number): string {
  const digits = createdAt.toString(36);
  if (!Number.isSafeInteger(createdAt) || createdAt < 0 || digits.length > createdDigits) {
    throw new InvalidOption(
      `Expected \`createdAt\` to be milliseconds since the epoch, got \`${createdAt}\`.`,
    );
  }
  return digits.padStart(createdDigits, '0');
}

export function encodeOrigin(createdAt: number, workflow: string, version: string): string {
  return `${encodeCreated(createdAt)}${Buffer.byteLength(workflow)}:${workflow}@${version}`;
}

export function decodeOrigin(origin: string): { createdAt: number; workflow: string; version: string } {
  const colon = origin.indexOf(':', createdDigits);
  const nameBytes = Number(origin.slice(createdDigits, colon));
  const kind = origin.slice(colon + 1);
  const workflow = Buffer.from(kind).toString('utf8', 0, nameBytes);
  return {
    createdAt: parseInt(origin.slice(0, createdDigits), 36),
    workflow,
    version: kind.slice(workflow.length + 1),
  };
}

/** A tag as it stands in `x` and in the names of keys, where `,` and `:` separate. */
export function escapeTag(tag: string): string {
  return tag.replace(/[%,:]/g, (each) => escapes[each] ?? each);
}

const escapes: Readonly<Record<string, string>> = { '%': '%p', ',': '%c', ':': '%d' };
const unescapes: Readonly<Record<string, string>> = { '%p': '%', '%c': ',', '%d': ':' };

export function encodeStanding(status: RunStatus, tags: readonly string[]): string {
  return [status, ...tags.map(escapeTag)].join(',');
}

export function decodeStanding(standing: string): { status: RunStatus; tags: readonly string[] } {
  const [status, ...tags] = standing.split(',');
  return {
    status: status as RunStatus,
    tags: tags.map((tag) => tag.replace(/%[pcd]/g, (each) => unescapes[each] ?? each)),
  };
}
