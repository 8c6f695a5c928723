/**
 * Two suites: `npm test` runs `fast`, every `*.test.ts`; `npm run test:long` runs `long`, every `*.long.test.ts`: what takes
 * minutes, such as each path of each ready workflow killed at each write. CI runs both.
 *
 * No test ends by a wall clock: one that is slow is slow, and one that hangs is named by `stalled-tests.ts`.
 */
import { defineConfig } from 'vitest/config';

/** Where the result is also written as JSON, for scripts that count. */
const summary = process.env['SIGNALBOX_TEST_SUMMARY'];

// As in tsconfig.json: imports of `signalbox` and `signalbox/*` read the sources.
const conditions = ['signalbox-source', 'module', 'node', 'development|production'];
const everyTest = '{src,persistence,machines,test}/**/*.test.ts';
const longTest = '{src,persistence,machines,test}/**/*.long.test.ts';

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    globalSetup: ['test/setup/redis.ts'],
    setupFiles: ['test/setup/no-time-limits.ts', 'test/setup/no-leaks.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 0,
    hookTimeout: 0,
    // Others of the kind: see `no-time-limits.ts`. A timer of Node waits 2^31 - 1 ms at most.
    expect: { poll: { timeout: 2 ** 31 - 1, interval: 10 } },
    teardownTimeout: 60_000,
    reporters: [
      'default',
      './test/setup/stalled-tests.ts',
      ...(summary ? [['json', { outputFile: summary }] as ['json', object]] : []),
    ],
    coverage: { include: ['{src,persistence,machines}/**/*.ts'] },
    projects: [
      // Loading XState, Zod and the engine takes longer than most test files do: a worker does it once, for all its files.
      { extends: true, test: { name: 'fast', include: [everyTest], exclude: [longTest], isolate: false } },
      // What replaces a module (`vi.mock`) belongs here too: each file has modules of its own.
      { extends: true, test: { name: 'long', include: [longTest], isolate: true } },
    ],
  },
});
