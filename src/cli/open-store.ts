/** Opens the store that `--store` names. Adapters are loaded when they are needed, so that only what is used has to be installed. */
import { existsSync } from 'node:fs';

import type { EngineOptions } from '../engine/engine.ts';
import type { Cli } from './cli.ts';
import { CommandError } from './command-error.ts';

export type Store = EngineOptions['store'];

export const defaultStore = 'signalbox.db';

export interface OpenStoreOptions {
  /** Make a store if there is none. Without it that is an error, so that looking for runs never leaves a file behind. */
  readonly create: boolean;
}

export async function openStore({ globals }: Cli, { create }: OpenStoreOptions): Promise<Store> {
  const target = globals.store;
  if (isRedis(target)) return (await loadRedis())(target);
  if (!create && !existsSync(target)) {
    throw new CommandError(
      'STORE_NOT_FOUND',
      `There is no store at \`${target}\`. \`run <workflow> --input <file>\` makes one; \`--store\` names another.`,
      { details: { store: target } },
    );
  }
  const { sqliteStore } = await import('signalbox/sqlite');
  return sqliteStore(target);
}

export function isRedis(target: string): boolean {
  return /^rediss?:\/\//.test(target);
}

async function loadRedis(): Promise<(url: string) => Store> {
  try {
    const { redisStore } = await import('signalbox/redis');
    return redisStore;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw cause;
    throw new CommandError(
      'PEER_MISSING',
      'A `redis://` store needs the package `ioredis`, which is not installed. Run `npm install ioredis`.',
      { cause },
    );
  }
}
