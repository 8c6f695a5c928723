/**
 * Starts what the tools of ready workflows talk to, for the time of one command. Where the environment already names
 * such a service, that one is used.
 */
import { dirname, join, parse } from 'node:path';
import type { ReadyWorkflow } from 'signalbox/machines';

import { CommandError } from './command-error.ts';
import { isRedis } from './open-store.ts';

export interface RunningServices {
  close(): Promise<void>;
}

/** Their data is kept beside the store, so that a ledger and the runs that wrote in it stay together. */
export async function startServices(
  ready: readonly ReadyWorkflow[],
  store: string,
): Promise<RunningServices> {
  const started: RunningServices[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(started.map((services) => services.close()));
  };
  try {
    for (const { startServices: start } of ready) {
      if (!start) continue;
      const services = await start({ dataFolder: dataFolder(store) });
      started.push(services);
      // Only the services themselves know the names; if all are taken, these are not needed.
      if (Object.keys(services.env).every((name) => process.env[name])) await services.close();
      for (const [name, value] of Object.entries(services.env)) process.env[name] ||= value;
    }
  } catch (cause) {
    await close();
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new CommandError('SERVICES_NOT_STARTED', message, { cause });
  }
  return { close };
}

/** `tickets.db` has its services' data in `tickets-services`. */
function dataFolder(store: string): string {
  const path = isRedis(store) ? 'signalbox.db' : store;
  return join(dirname(path), `${parse(path).name}-services`);
}
