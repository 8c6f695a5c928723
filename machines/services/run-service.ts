/**
 * Runs a service as a process of its own:
 *
 *   node dist/machines/<folder>/services/main.js --db services.db --port 0
 *     [--fault refunds:die-after:1:<idempotency key>] [--until-stdin-closes]
 *
 * Prints one line of JSON with its `url` and `pid` once it listens. `<variable>_FAULTS` in the environment orders faults
 * as well, separated by commas.
 */
import { parseArgs } from 'node:util';

import { parseFault } from './faults.ts';
import type { Service, ServiceName } from './service.ts';
import { startServer } from './start-server.ts';

export async function runService({ variable }: ServiceName, service: Service): Promise<void> {
  try {
    const { values } = parseArgs({
      options: {
        db: { type: 'string' },
        port: { type: 'string', default: '0' },
        fault: { type: 'string', multiple: true, default: [] },
        'until-stdin-closes': { type: 'boolean', default: false },
      },
    });
    if (!values.db) throw new Error('Expected `--db <file>`, where the ledger is kept.');
    const fromEnvironment = (process.env[`${variable}_FAULTS`] ?? '').split(',').filter(Boolean);
    const server = await startServer(service, {
      database: values.db,
      port: Number(values.port),
      faults: [...values.fault, ...fromEnvironment].map((fault) => parseFault(service.faultTargets, fault)),
    });
    const stop = () => void server.close().then(() => process.exit(0));
    process.once('SIGTERM', stop);
    if (values['until-stdin-closes']) {
      // Whoever started it may be killed: its end of the pipe closes in any case.
      process.stdin.once('close', stop).resume();
      // A terminal sends Ctrl-C to both; the one that started it still needs it for a while.
      process.on('SIGINT', () => {});
    } else {
      process.once('SIGINT', stop);
    }
    process.stdout.write(`${JSON.stringify({ url: server.url, pid: process.pid })}\n`);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
