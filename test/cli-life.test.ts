/** Runs are cancelled, deleted, retried and found from the command line, also those that nobody can execute. */
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { sqliteStore } from '../persistence/sqlite/index.ts';
import { createEngine, type StartOptions } from '../src/engine/engine.ts';
import type { AnyWorkflow } from '../src/workflow.ts';
import { type CliFolder, createCliFolder } from './fixtures/cli.ts';
import { waiting } from './support/small-workflows.ts';

const fixture = new URL('./fixtures/cli-workflows.mjs', import.meta.url).href;

/** Stored by a program, and left to others. */
async function startFrom(
  cli: CliFolder,
  workflow: AnyWorkflow,
  options: StartOptions<unknown>,
): Promise<void> {
  const store = sqliteStore(join(cli.path, 'signalbox.db'));
  const engine = createEngine({ workflows: [workflow], store, work: 'none' });
  await engine.start(workflow.name, options);
  await engine.stop();
  await store.close();
}

async function parcel(): Promise<AnyWorkflow> {
  return ((await import(fixture)) as { readonly parcel: AnyWorkflow }).parcel;
}

async function run(cli: CliFolder, input: object): Promise<number | null> {
  cli.write('in.json', input);
  return (await cli.run(['run', 'parcel', '--input', 'in.json'])).code;
}

function errorOf({ stderr }: { readonly stderr: string }): unknown {
  return (JSON.parse(stderr) as { readonly error: { readonly code: string } }).error.code;
}

describe('delete', () => {
  it('removes a run that has ended, and another one only with `--force`', async () => {
    const cli = createCliFolder();
    expect(await run(cli, { id: 'heavy', weight: 50 })).toBe(0);
    const refused = await cli.run(['delete', 'heavy', '--json']);
    expect([refused.code, errorOf(refused)]).toEqual([26, 'RUN_ACTIVE']);
    expect((await cli.run(['cancel', 'heavy'])).code).toBe(0);
    expect(await cli.document(['delete', 'heavy'])).toEqual({ run: 'heavy', deleted: true });
    expect((await cli.run(['show', 'heavy'])).code).toBe(7);
    expect(await run(cli, { id: 'heavy', weight: 50 })).toBe(0);
    expect((await cli.run(['delete', 'heavy', '--force'])).code).toBe(0);
    expect((await cli.run(['delete', 'heavy'])).code).toBe(7);
  });
});

describe('a run whose version is gone', () => {
  it('is cancelled and deleted', async () => {
    const cli = createCliFolder();
    await startFrom(cli, waiting('second', '9'), { id: 'old' });
    expect((await cli.run(['send', 'old', 'GO'])).code).toBe(6);
    const cancelled = await cli.document<{ status: string }>(['cancel', 'old', '--reason', 'given up']);
    expect(cancelled.status).toBe('cancelled');
    expect((await cli.run(['delete', 'old'])).code).toBe(0);
  });
});

describe('retry', () => {
  it('continues a failed run, and only that', async () => {
    const cli = createCliFolder();
    expect(await run(cli, { id: 'huge', weight: 500 })).toBe(12);
    expect((await cli.run(['retry', 'huge'])).code).toBe(12);
    const { history } = await cli.document<{ history: Array<{ message?: { type: string } }> }>([
      'show',
      'huge',
    ]);
    expect(history.filter(({ message }) => message?.type === 'retry')).toHaveLength(1);
    expect(await run(cli, { id: 'light', weight: 5 })).toBe(0);
    const refused = await cli.run(['retry', 'light', '--json']);
    expect([refused.code, errorOf(refused)]).toEqual([27, 'RETRY_NOT_POSSIBLE']);
  });
});

describe('--timeout', () => {
  it('ends a command that waits for longer, and leaves the run as it is', async () => {
    const cli = createCliFolder();
    await startFrom(cli, await parcel(), { id: 'slow', input: { weight: 5, delayMs: 600_000 } });
    const late = await cli.run(['resume', 'slow', '--timeout', '0.2']);
    expect([late.code, late.stderr]).toEqual([24, expect.stringContaining('WAIT_TIMEOUT')]);
    const { status } = await cli.document<{ status: string }>(['show', 'slow']);
    expect(status).toBe('running');
    expect((await cli.run(['resume', 'slow', '--timeout', 'soon'])).code).toBe(2);
  });
});

describe('runs', () => {
  it('finds runs by their labels, and those at the top', async () => {
    const cli = createCliFolder();
    const workflow = await parcel();
    await startFrom(cli, workflow, { id: 'a', input: { weight: 5 }, labels: { tenant: 'acme', tier: '1' } });
    await startFrom(cli, workflow, { id: 'b', input: { weight: 5 }, labels: { tenant: 'other' } });
    const ids = async (...args: string[]): Promise<string[]> =>
      (await cli.document<{ runs: Array<{ id: string }> }>(['runs', ...args])).runs.map(({ id }) => id);
    expect(await ids('--label', 'tenant=acme')).toEqual(['a']);
    expect(await ids('--label', 'tenant=acme', '--label', 'tier=2')).toEqual([]);
    expect(await ids('--top-level')).toEqual(['b', 'a']);
    expect(await ids('--stuck')).toEqual([]);
    expect(await ids('--parent', 'a')).toEqual([]);
    expect((await cli.run(['runs', '--label', 'tenant'])).code).toBe(2);
    const { stdout } = await cli.run(['runs', '--label', 'tenant=acme', '--limit', '1']);
    expect(stdout).toContain('a');
  });
});
