/** The rule about import directions, shown to bite: each forbidden import is planted and must be reported by name. */

import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

interface Cruise {
  readonly summary: {
    readonly totalCruised: number;
    readonly violations: ReadonlyArray<{ readonly from: string; readonly rule: { readonly name: string } }>;
  };
  readonly modules: ReadonlyArray<{ readonly source: string }>;
}

const root = fileURLToPath(new URL('../../', import.meta.url));
const folders = ['src', 'persistence', 'machines'];

/** file, what it imports, and the rule that must say no. */
const forbidden: ReadonlyArray<readonly [file: string, imported: string, rule: string]> = [
  ['src/workflow.ts', './engine/advance.ts', 'layer-base'],
  ['src/engine/a.ts', '../actors/model.ts', 'layer-engine'],
  ['src/engine/b.ts', '../../persistence/memory.ts', 'layer-engine'],
  ['src/engine/c.ts', '../gates/human.ts', 'layer-engine'],
  ['src/engine/d.ts', 'signalbox/sqlite', 'layer-engine'],
  ['src/engine/e.ts', '../cli/main.ts', 'nobody-imports-cli'],
  ['src/actors/a.ts', '../../persistence/store.ts', 'layer-actors'],
  ['src/actors/b.ts', '../graph/paths.ts', 'layer-actors'],
  ['src/actors/c.ts', '@anthropic-ai/sdk', 'vendor-anthropic'],
  ['src/gates/a.ts', '../engine/advance.ts', 'layer-gates'],
  ['src/graph/a.ts', '../../persistence/store.ts', 'layer-graph'],
  ['src/testing/a.ts', '../../persistence/sqlite/index.ts', 'layer-testing'],
  ['src/observe/a.ts', '../testing/index.ts', 'layer-observe'],
  ['src/serve/a.ts', '../../persistence/store.ts', 'layer-serve'],
  ['src/cli/a.ts', '../../persistence/sqlite/index.ts', 'cli-by-entry-points'],
  ['src/cli/b.ts', '../../persistence/store.ts', 'layer-cli'],
  ['src/index.ts', './testing/index.ts', 'layer-main-entry'],
  ['src/novelty/a.ts', '../errors.ts', 'layer-unknown'],
  ['persistence/a.ts', '../src/workflow.ts', 'layer-persistence'],
  ['persistence/b.ts', './sqlite/index.ts', 'no-adapter-in-the-shared'],
  ['persistence/c.ts', 'node:sqlite', 'vendor-sqlite'],
  ['persistence/d.ts', 'not-installed', 'no-unresolvable'],
  ['persistence/e.ts', 'dev-only', 'no-dev-dependency'],
  ['persistence/sqlite/a.ts', '../redis/index.ts', 'adapters-apart'],
  ['persistence/sqlite/b.ts', '../memory.ts', 'adapters-apart'],
  ['persistence/sqlite/c.ts', 'ioredis', 'vendor-ioredis'],
  ['machines/one/a.ts', '../../src/index.ts', 'layer-machine'],
  ['machines/one/b.ts', '../two/machine.ts', 'layer-machine'],
  ['machines/c.ts', '../src/errors.ts', 'layer-machines-entry'],
  ['src/gates/b.ts', './cycle.ts', 'no-cycle'],
];

/** What the layers may do, and the targets of the imports above. */
const permitted: ReadonlyArray<readonly [file: string, imported?: string]> = [
  ['src/errors.ts'],
  ['src/engine/advance.ts', '../gates/verdict.ts'],
  ['src/engine/run.ts', '../../persistence/store.ts'],
  ['src/gates/verdict.ts', '../errors.ts'],
  ['src/gates/human.ts', '../errors.ts'],
  ['src/gates/cycle.ts', './b.ts'],
  ['src/actors/model.ts', '../engine/advance.ts'],
  ['src/actors/providers/anthropic.ts', '@anthropic-ai/sdk'],
  ['src/graph/paths.ts', '../engine/advance.ts'],
  ['src/testing/index.ts', '../../persistence/conformance.ts'],
  ['src/cli/main.ts', 'signalbox/sqlite'],
  ['persistence/store.ts', '../src/errors.ts'],
  ['persistence/conformance.ts', './store.ts'],
  ['persistence/memory.ts', './store.ts'],
  ['persistence/redis/index.ts', 'ioredis'],
  ['persistence/sqlite/index.ts', 'node:sqlite'],
  ['persistence/sqlite/other.ts', '@photostructure/sqlite'],
  ['machines/index.ts', './two/machine.ts'],
  ['machines/two/machine.ts', 'signalbox/memory'],
  ['src/engine/free.test.ts', '../cli/main.ts'],
];

describe('the import rule on a planted tree', () => {
  let folder: string;
  let reported: string[];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'signalbox-imports-'));
    await plant(folder);
    const { summary } = await cruise(folder);
    reported = summary.violations.map(({ from, rule }) => `${from}: ${rule.name}`);
  });

  afterAll(() => rm(folder, { recursive: true, force: true }));

  it.each(forbidden)('refuses that %s imports %s (%s)', (file, _imported, rule) => {
    expect(reported).toContain(`${file}: ${rule}`);
  });

  it('refuses nothing else', () => {
    const planted = new Set(forbidden.map(([file]) => file));
    expect(reported.filter((line) => !planted.has(line.replace(/: .*/, '')))).toEqual([]);
  });
});

describe('the import rule on this project', () => {
  it('reads every source file', async () => {
    const { summary, modules } = await cruise(root);
    const cruised = new Set(modules.map(({ source }) => source));
    const sources = (await Promise.all(folders.map(typescriptFiles))).flat();

    expect(summary.totalCruised).toBeGreaterThan(0);
    expect(sources.filter((file) => !cruised.has(file))).toEqual([]);
  });
});

async function plant(folder: string): Promise<void> {
  const write = async (file: string, text: string) => {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await writeFile(join(folder, file), text);
  };
  const entry = (path: string) => ({ 'signalbox-source': path, default: './not-built.js' });
  const vendors = ['@anthropic-ai/sdk', '@photostructure/sqlite', 'ioredis'];

  await write('tsconfig.json', '{}');
  await write(
    'package.json',
    JSON.stringify({
      name: 'signalbox',
      type: 'module',
      exports: {
        './sqlite': entry('./persistence/sqlite/index.ts'),
        './memory': entry('./persistence/memory.ts'),
      },
      peerDependencies: Object.fromEntries(vendors.map((name) => [name, '*'])),
      devDependencies: { 'dev-only': '*' },
    }),
  );
  for (const name of [...vendors, 'dev-only']) {
    await write(`node_modules/${name}/package.json`, JSON.stringify({ name, exports: './index.js' }));
    await write(`node_modules/${name}/index.js`, '');
  }
  // Type-only, because that is the import which a lazier rule would not see.
  for (const [file, imported] of [...permitted, ...forbidden]) {
    await write(file, imported ? `import type {} from '${imported}';\n` : 'export {};\n');
  }
}

async function cruise(folder: string): Promise<Cruise> {
  const depcruise = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
  const args = [
    depcruise,
    ...folders,
    '--config',
    join(root, '.dependency-cruiser.cjs'),
    '--output-type',
    'json',
  ];
  return new Promise((resolve, reject) => {
    // A JSON report exits with 0 even when it holds violations.
    execFile(process.execPath, args, { cwd: folder, maxBuffer: 2 ** 28 }, (error, stdout) => {
      if (error) reject(error);
      else resolve(JSON.parse(stdout) as Cruise);
    });
  });
}

async function typescriptFiles(folder: string): Promise<string[]> {
  const files = await readdir(join(root, folder), { recursive: true });
  return files.filter((file) => file.endsWith('.ts')).map((file) => `${folder}/${file}`);
}
