/**
 * Calls that count once although they may reach Redis more than once, because their answer was lost and the client sends
 * them again.
 *
 * Each such call has a nonce. Its script keeps the answer under it in a hash of this client and the shard, and gives that
 * answer if the nonce comes again. Later calls tell which nonces are settled, so the hash holds what is under way and a
 * few more. It expires after the client is gone.
 */
import { randomBytes } from 'node:crypto';

export interface CallArguments {
  /** The key of the hash. */
  readonly key: string;
  readonly nonce: string;
  readonly keepMs: number;
  /** Nonces to forget, as a JSON array; '' if there are none. */
  readonly settled: string;
}

export interface Calls {
  /** Make a call to a shard. */
  once<T>(base: string, attempt: (call: CallArguments) => Promise<T>): Promise<T>;
  nextNonce(): string;
}

/** How long Redis keeps the hash of a client that makes no calls. */
const keepMs = 3_600_000;
/** How long a client may still send a call that was given up on. */
const lateMs = 600_000;
const maxForgotten = 1000;

interface ShardCalls {
  settled: string[];
  /** Oldest first. */
  late: Array<{ readonly nonce: string; readonly until: number }>;
}

export function createCalls(): Calls {
  const client = randomBytes(9).toString('base64url');
  const shards = new Map<string, ShardCalls>();
  const nextNonce = createNonces(client.slice(0, 6));

  function shardOf(base: string): ShardCalls {
    const found = shards.get(base);
    if (found) return found;
    const shard = { settled: [], late: [] };
    shards.set(base, shard);
    return shard;
  }

  return {
    nextNonce,
    async once(base, attempt) {
      const nonce = nextNonce();
      const shard = shardOf(base);
      while (shard.late[0] && shard.late[0].until < performance.now()) {
        shard.settled.push(shard.late.shift()?.nonce ?? '');
      }
      const settled = shard.settled.splice(0, maxForgotten);
      try {
        const result = await attempt({
          key: `${base}calls:${client}`,
          nonce,
          keepMs,
          settled: settled.length > 0 ? JSON.stringify(settled) : '',
        });
        shard.settled.push(nonce);
        return result;
      } catch (error) {
        // Whether the settled ones were forgotten is unknown as well.
        shard.settled.push(...settled);
        shard.late.push({ nonce, until: performance.now() + lateMs });
        throw error;
      }
    },
  };
}

/** Names for calls: of this client by six random characters, and then in turn. */
function createNonces(client: string): () => string {
  let calls = 0;
  return () => {
    calls = (calls + 1) % 36 ** 5;
    return client + calls.toString(36).padStart(5, '0');
  };
}
