/** The soak (soak.mjs), smaller: what `npm run test:crash` does with 200 runs. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, inject, it, onTestFinished } from 'vitest';

const program = fileURLToPath(new URL('./soak.mjs', import.meta.url));

interface Soaked {
  readonly reports: Readonly<
    Record<
      string,
      { readonly figures: Readonly<Record<string, number>>; readonly violations: readonly string[] }
    >
  >;
}

it.each(['sqlite', 'redis'])(
  'on %s, 20 tickets whose workers are killed again and again come to their ends, each effect and each model call once',
  async (store) => {
    const flags = ['--runs', '20', '--store', store, '--seed', '1', '--minutes', '60', '--json'];
    const child = spawn(process.execPath, [program, ...flags], {
      env: { ...process.env, NODE_OPTIONS: '', REDIS_URL: inject('redisUrl') },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const ended = once(child, 'close');
    onTestFinished(async () => {
      child.kill('SIGKILL');
      await ended;
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    const [code] = await ended;
    expect(stdout, stderr).toMatch(/^\{/);
    const { violations, figures } = (JSON.parse(stdout) as Soaked).reports[store]!;
    expect(violations).toEqual([]);
    expect(code).toBe(0);
    expect(figures['kills']).toBeGreaterThan(5);
    expect(figures['invocations taken over']).toBeGreaterThan(5);
    expect(figures['refunds']).toBeGreaterThan(0);
    expect(figures['mails']).toBeGreaterThan(0);
    expect(figures['timers fired']).toBeGreaterThan(0);
    expect(figures['events sent']).toBeGreaterThan(0);
  },
);
