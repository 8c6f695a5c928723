/** Refuses clients whose options would make the store's calls do something else than they say. */
import { InvalidOption } from '../../src/errors.ts';
import type { RedisClient } from './clients.ts';

/** Options of a client by name, those for the nodes of a cluster included. */
type Options = Readonly<Record<string, unknown>>;

interface Misfit {
  readonly option: string;
  readonly expected: string;
  isBad(value: unknown): boolean;
}

const misfits: readonly Misfit[] = [
  {
    option: 'keyPrefix',
    expected: "to be empty; use the store's `prefix`",
    isBad: (value) => value !== undefined && value !== '',
  },
  {
    option: 'scaleReads',
    expected: 'to be `master`: a replica does not have the latest writes yet',
    isBad: (value) => value !== undefined && value !== 'master',
  },
  {
    option: 'role',
    expected: 'to be `master`: a replica takes no writes',
    isBad: (value) => value === 'slave',
  },
  { option: 'readOnly', expected: 'to be off: the store writes', isBad: Boolean },
  {
    option: 'monitor',
    expected: 'to be off: a client that monitors takes no other commands',
    isBad: Boolean,
  },
  { option: 'stringNumbers', expected: 'to be off: the store reads numbers', isBad: Boolean },
  {
    option: 'replyMapping',
    expected: 'to be `resp2`: the store reads lists (`protocol: 3` is fine)',
    isBad: (value) => value === 'resp3',
  },
];

/** @throws InvalidOption that names the option. */
export function assertClientFits(client: RedisClient): void {
  const { redisOptions, ...own } = client.options as Options & { readonly redisOptions?: Options };
  for (const { option, expected, isBad } of misfits) {
    const value = [own[option], redisOptions?.[option]].find(isBad);
    if (value === undefined) continue;
    throw new InvalidOption(
      `Expected \`${option}\` of the Redis client ${expected}. Got \`${JSON.stringify(value)}\`.`,
      {
        details: { option, value },
      },
    );
  }
}
