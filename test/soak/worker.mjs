/** A worker of the soak: works until it is killed, and says what it has problems with. */
import { createEngine } from 'signalbox';

import { openStore } from './open-store.mjs';
import { soak } from './workflow.mjs';

process.once('disconnect', () => process.exit());
const { store, leaseMs, concurrency } = JSON.parse(process.argv[2]);

const engine = createEngine({
  workflows: [soak],
  check: false,
  store: openStore(store),
  leaseMs,
  concurrency,
  onProblem: ({ code, message }, { runId }) => void process.send({ type: 'problem', code, message, runId }),
});
engine.work();
process.send({ type: 'ready' });
