/**
 * Keeps worker processes up, and kills and freezes them. It remembers when each was killed or frozen, by the clock of the
 * machine: a call of a process that was alive all the time must not overlap with the same call of another.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('./worker.mjs', import.meta.url));
const skewedClock = new URL('./skewed-clock.mjs', import.meta.url).href;
const faketime = '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1';

/** With `skew`, the first of four workers is 90 s early, the second 90 s late, the others on time. */
const offsetsMs = [90_000, -90_000, 0, 0];

export function keepWorkers({ count, skew, options, env, say }) {
  const live = new Map();
  /** By process: when it was killed, and the spans that it was frozen for. */
  const fates = new Map();
  const problems = new Map();
  let stopping = false;

  async function keepUp(slot) {
    while (!stopping) {
      const child = fork(program, [JSON.stringify(options)], {
        env: { ...process.env, ...env, ...(skew && clockOf(slot)) },
        execArgv: skew && offsetsMs[slot % 4] !== 0 && !existsSync(faketime) ? ['--import', skewedClock] : [],
        stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      });
      const fate = { killedAt: Infinity, frozen: [] };
      fates.set(child.pid, fate);
      live.set(slot, { child, fate });
      let stderr = '';
      child.stderr.on('data', (chunk) => (stderr += chunk));
      child.on('message', ({ type, code, message }) => {
        if (type === 'problem') note(`${code ?? 'no code'}: ${message}`);
      });
      const [code, signal] = await once(child, 'close');
      if (signal !== 'SIGKILL') note(`a worker ended by itself with ${code ?? signal}: ${stderr}`);
      if (stderr && signal === 'SIGKILL') note(`a worker wrote: ${stderr}`);
    }
  }

  /** Counts alike problems together. */
  function note(text) {
    const kind = text
      .replaceAll(/`[^`]*`/g, '`…`')
      .replaceAll(/\d{3,}/g, '…')
      .slice(0, 200);
    problems.set(kind, (problems.get(kind) ?? 0) + 1);
    say(`worker: ${text}`);
  }

  const keeping = Array.from({ length: count }, (_, slot) => keepUp(slot));
  return {
    fates,
    problems,
    kill(slot) {
      const { child, fate } = live.get(slot);
      fate.killedAt = Math.min(fate.killedAt, Date.now());
      child.kill('SIGKILL');
    },
    /** Stops the process where it stands, for so long. */
    async freeze(slot, ms) {
      const { child, fate } = live.get(slot);
      const span = { from: Date.now(), to: Infinity };
      fate.frozen.push(span);
      child.kill('SIGSTOP');
      await pause(ms);
      child.kill('SIGCONT');
      // It has to find out that its leases are gone.
      await pause(300);
      span.to = Date.now();
    },
    async stop() {
      stopping = true;
      for (const { child } of live.values()) child.kill('SIGKILL');
      await Promise.all(keeping);
    },
  };
}

function clockOf(slot) {
  const offsetMs = offsetsMs[slot % 4];
  if (offsetMs === 0 || !existsSync(faketime)) return { SOAK_CLOCK_OFFSET_MS: String(offsetMs) };
  return { LD_PRELOAD: faketime, FAKETIME: `${offsetMs / 1_000}s`, FAKETIME_DONT_FAKE_MONOTONIC: '1' };
}
