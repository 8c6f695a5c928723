/**
 * Machines and walks made at random, in plain XState and on engines: see fuzz.test.ts.
 *
 *     npm run fuzz [-- --machines 3000] [--seed 1] [--stores memory,sqlite,redis]
 *
 * `machines` is how many there are on each store. A difference is printed with the seed and the smallest machine that shows it.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    machines: { type: 'string', default: '3000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    stores: { type: 'string', default: 'memory,sqlite,redis' },
  },
});
console.log(`${values.machines} machines on each of ${values.stores}, seed ${values.seed}`);

const root = fileURLToPath(new URL('../..', import.meta.url));
const vitest = fileURLToPath(new URL('../../node_modules/vitest/vitest.mjs', import.meta.url));
const { status } = spawnSync(process.execPath, [vitest, 'run', 'test/fuzz', '--testTimeout=0'], {
  cwd: root,
  stdio: 'inherit',
  env: {
    ...process.env,
    SIGNALBOX_FUZZ_MACHINES: values.machines,
    SIGNALBOX_FUZZ_SEED: values.seed,
    SIGNALBOX_FUZZ_STORES: values.stores,
  },
});
process.exitCode = status ?? 1;
