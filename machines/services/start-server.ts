/** A service on a port of this machine, in this process. */
import { serve, type ServerType } from '@hono/node-server';

import type { FaultOrder } from './faults.ts';
import { openLedger } from './ledger.ts';
import type { Service } from './service.ts';

export interface ServerOptions {
  /** The ledger's SQLite file; created if there is none. */
  readonly database: string;
  /** Default: 0, any that is free. */
  readonly port?: number;
  /** Faults to meet from the start. */
  readonly faults?: readonly FaultOrder[];
  /** What a fault of the kind `die-after` does. Default: the process exits. */
  die?(): void;
}

export interface Server {
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

export async function startServer(
  service: Service,
  { database, port = 0, faults = [], die = () => process.exit(1) }: ServerOptions,
): Promise<Server> {
  const ledger = openLedger(database);
  for (const fault of faults) ledger.orderFault(fault);
  const open = service.open({ ledger, die });

  let server: ServerType | undefined;
  try {
    const bound = await new Promise<number>((resolve, reject) => {
      server = serve({ fetch: open.fetch, hostname: '127.0.0.1', port }, (info) => resolve(info.port));
      server.once('error', reject);
    });
    return { url: `http://127.0.0.1:${bound}`, port: bound, close };
  } catch (error) {
    await open.close?.();
    ledger.close();
    throw error;
  }

  /** Callers that still wait get no answer. */
  async function close(): Promise<void> {
    const closed = new Promise<void>((resolve) => server?.close(() => resolve()));
    if (server && 'closeAllConnections' in server) server.closeAllConnections();
    await closed;
    await open.close?.();
    ledger.close();
  }
}
