/**
 * Runs the support services as a process of their own:
 *
 *   node dist/machines/support-ticket/services/main.js --db services.db --port 0
 *     [--fault refunds:die-after-charging:1:<idempotency key>] [--until-stdin-closes]
 *
 * Prints one line of JSON with its `url` and `pid` once it listens. SUPPORT_SERVICES_FAULTS orders faults as well,
 * separated by commas.
 */
import { parseArgs } from 'node:util';

import { FaultOrderBody } from './app.ts';
import type { FaultOrder } from './ledger.ts';
import { startServer } from './server.ts';

const { values } = parseArgs({
  options: {
    db: { type: 'string' },
    port: { type: 'string', default: '0' },
    fault: { type: 'string', multiple: true, default: [] },
    'until-stdin-closes': { type: 'boolean', default: false },
  },
});

try {
  if (!values.db) throw new Error('Expected `--db <file>`, where the ledger is kept.');
  const fromEnvironment = (process.env['SUPPORT_SERVICES_FAULTS'] ?? '').split(',').filter(Boolean);
  const server = await startServer({
    database: values.db,
    port: Number(values.port),
    faults: [...values.fault, ...fromEnvironment].map(parseFault),
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

function parseFault(text: string): FaultOrder {
  const [target, kind, times = '1', ...key] = text.split(':');
  const parsed = FaultOrderBody.safeParse({
    target,
    kind,
    times: Number(times),
    ...(key.length > 0 && { key: key.join(':') }),
  });
  if (parsed.success) return parsed.data;
  throw new Error(`Expected a fault such as \`refunds:hang:2\`, got \`${text}\`.`);
}
