/** `npm run soak`, smaller. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';

const program = fileURLToPath(new URL('./soak.mjs', import.meta.url));

interface Report {
  readonly runsStarted: number;
  readonly chaos: Readonly<Record<'kills' | 'freezes' | 'cuts' | 'restarts' | 'slotsMoved', number>>;
  readonly notesAcknowledged: number;
  readonly violations: Readonly<Record<string, number>>;
}

it.each(['sqlite', 'redis'])('on %s, nothing is lost, done twice, or stuck', async (store) => {
  const flags = ['--store', store, '--runs', '60', '--seconds', '25', '--seed', '1'];
  const child = spawn(process.execPath, [program, ...flags], {
    env: { ...process.env, NODE_OPTIONS: '' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(child, 'close');
  onTestFinished(async () => {
    child.kill();
    await ended;
  });
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  expect(stdout, stderr).toMatch(/^\{/);
  const { violations, chaos, runsStarted, notesAcknowledged } = JSON.parse(stdout) as Report;
  expect(Object.values(violations), stderr).toEqual(Object.values(violations).map(() => 0));
  expect(await ended).toEqual([0, null]);
  expect(runsStarted).toBe(60);
  expect(notesAcknowledged).toBeGreaterThan(60);
  expect(chaos.kills).toBeGreaterThan(3);
  expect(chaos.freezes).toBeGreaterThan(0);
  if (store === 'redis') expect(chaos.cuts).toBeGreaterThan(0);
});
