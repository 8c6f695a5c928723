/**
 * A worker of the soak. It starts the tickets that nobody is known to have started, noting each start that was acknowledged,
 * and works on whatever is due, until it is killed.
 *
 *   node worker.mjs '{ "store", "plan", "started", "leaseMs", "paceMs" }'
 */
import { appendFileSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

import { createEngine } from 'signalbox';

import { openStore } from '../../fixtures/open-store.mjs';
import { patient, quick, workflows } from './workflows.mjs';

process.once('disconnect', () => process.exit());
const { store, plan, started, leaseMs, paceMs } = JSON.parse(process.argv[2]);

const engine = createEngine({
  workflows,
  check: false,
  store: openStore(store),
  work: 'none',
  leaseMs,
  pollMs: 50,
  onProblem: (error, { runId }) =>
    process.send({ type: 'problem', message: error.message, code: error.code, runId }),
});
engine.work({ concurrency: 200 });
process.send({ type: 'ready' });

for (const { input, version } of JSON.parse(readFileSync(plan, 'utf8'))) {
  if (readFileSync(started, 'utf8').includes(`${input.id}\n`)) continue;
  await engine.start(version === 'patient' ? patient : quick, { id: input.id, input });
  appendFileSync(started, `${input.id}\n`);
  await pause(paceMs);
}
