import { defineConfig } from 'vitest/config';

/** Where `npm test` also writes its result as JSON, for scripts that count. */
const summary = process.env['SIGNALBOX_TEST_SUMMARY'];

// As in tsconfig.json: imports of `signalbox` and `signalbox/*` read the sources.
const conditions = ['signalbox-source', 'module', 'node', 'development|production'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ['{src,persistence,machines,test}/**/*.test.ts'],
    exclude: ['test/bench/**', '**/node_modules/**'],
    globalSetup: ['test/setup/redis.ts'],
    setupFiles: ['test/setup/no-leaks.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 30_000,
    reporters: summary ? ['default', ['json', { outputFile: summary }]] : ['default'],
    coverage: { include: ['{src,persistence,machines}/**/*.ts'] },
  },
});
