/**
 * Where things are in Redis. A run belongs to one of N shards by a hash of its id, and never moves. Each key of a run and
 * of its shard carries the shard's hash tag, so that one script changes a run and the index atomically, in a Redis
 * Cluster too. `<base>` stands for `<prefix>:{<shard>}:`.
 *
 * | key | type | holds |
 * |---|---|---|
 * | `<prefix>:format` | string | the format version and N |
 * | `<prefix>:workers` | hash | token to what a worker announced, as JSON |
 * | `<prefix>:<kind>:{<name>}` | string or sorted set | allowances, slots and cached answers; no run needs them |
 * | `<base>run:<id>` | hash | the run, by the fields below |
 * | `<base>log:<id>` | list | the history |
 * | `<base>inbox:<id>` | hash | message id to `<at>:<length of key>:<key><body>`; absent while empty, like all that follow |
 * | `<base>keys:<id>` | hash | message key to `<message id>:<log length>` |
 * | `<base>journal:<id>` | hash | journal name to value |
 * | `<base>recorded:<id>` | sorted set | ids of recordings by their time, while a worker has the run |
 * | `<base>index` | sorted set | all that runs are found by, as entries of score 0 and so in the order of their bytes; see `terms.ts` |
 * | `<base>calls:<client>` | hash | answers to calls that the client may send again; expires after the client is gone |
 *
 * One index for each shard, and not one for each status or tag: the name of no key depends on stored data, so a call can
 * declare every key that its script touches. A Redis Cluster checks the declared keys before the script begins: while a
 * slot moves, it refuses a script as a whole or executes it as a whole.
 *
 * Fields of a run. One letter each, because a million runs store them a million times:
 * `c` origin: created (13 digits), length of the workflow's name, `:`, escaped `name@version` · `t` terms that never
 * change · `x` terms of status and tags · `i` input · `s` state · `v` value · `q` seq · `u` updated (13 digits) ·
 * `l` lease as `<until>:<token>` · `w` when it is due · `m` id of the last message · `p` problem as JSON · `k` takeovers
 * since the last commit · `n` nonce of the last commit.
 */
export const formatVersion = 2;

export const defaultShards = 16;

export interface Layout {
  readonly prefix: string;
  readonly shards: number;
}

/** The keys of a run and of its shard. */
export interface RunKeys {
  readonly base: string;
  readonly run: string;
  readonly log: string;
  readonly inbox: string;
  readonly keys: string;
  readonly journal: string;
  readonly recorded: string;
  readonly index: string;
}

export function toFormatKey(prefix: string): string {
  return `${prefix}:format`;
}

export function toWorkersKey({ prefix }: Layout): string {
  return `${prefix}:workers`;
}

/** Where watchers hear of messages. */
export function toMailChannel(prefix: string): string {
  return `${prefix}:mail`;
}

/** Where subscribers hear of texts published for the run. */
export function toTextChannel(prefix: string, runId: string): string {
  return `${prefix}:text:${runId}`;
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

export function toIndexKey(base: string): string {
  return `${base}index`;
}

export function toRunKeys(layout: Layout, runId: string): RunKeys {
  const base = toBase(layout, hash(runId) % layout.shards);
  return {
    base,
    run: `${base}run:${runId}`,
    log: `${base}log:${runId}`,
    inbox: `${base}inbox:${runId}`,
    keys: `${base}keys:${runId}`,
    journal: `${base}journal:${runId}`,
    recorded: `${base}recorded:${runId}`,
    index: toIndexKey(base),
  };
}

/** FNV-1a over the id's UTF-16 units. Never to change: it says where the runs are. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  return value >>> 0;
}
