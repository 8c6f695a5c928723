/**
 * Keeps workers up and kills them: one always, a second most of the time, each with SIGKILL at a moment that nobody has
 * chosen, and started again at once. It remembers when somebody was there to work.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('./worker.mjs', import.meta.url));

/** After so many kills workers live twice as long as at first. */
const killsToDouble = 40;

export function keepWorkers({ options, env, random, lifeMs }) {
  /** Every worker: from when to when it was ready for work, and when it was started and killed. */
  const shifts = [];
  const problems = [];
  const children = new Set();
  let kills = 0;
  let stopping = false;

  async function live() {
    const child = fork(program, [JSON.stringify(options)], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
    });
    children.add(child);
    const ended = once(child, 'close');
    const shift = { pid: child.pid, startedAt: Date.now(), from: Infinity, to: Infinity, killedAt: Infinity };
    shifts.push(shift);
    let stderr = '';
    child.stderr.on('data', (chunk) => (stderr += chunk));
    child.on('message', ({ type, ...message }) => {
      if (type === 'ready') shift.from = Date.now();
      else problems.push({ at: Date.now(), pid: child.pid, ...message });
    });
    // One in seven dies before or while it starts, the others while they work.
    const [least, most] = random.chance(1 / 7) ? [0, 400] : lifeMs;
    // Longer with every kill: on a slow machine a worker may be killed again and again before it has done anything.
    const patience = 1 + kills / killsToDouble;
    const over = new AbortController();
    await Promise.race([
      pause(random.between(least, most) * patience, undefined, { signal: over.signal }),
      ended,
      stopped,
    ]);
    over.abort();
    shift.killedAt = Date.now();
    child.kill('SIGKILL');
    const [code, signal] = await ended;
    shift.to = Date.now();
    children.delete(child);
    if (signal === 'SIGKILL') kills += 1;
    else
      problems.push({
        at: Date.now(),
        pid: child.pid,
        message: `A worker ended by itself with ${code ?? signal}. ${stderr}`,
      });
  }

  let stop;
  const stopped = new Promise((resolve) => (stop = resolve));

  async function keepUp(second) {
    while (!stopping) {
      await live();
      if (second && random.chance(0.4))
        await Promise.race([pause(random.between(200, 2_000), undefined, { ref: false }), stopped]);
    }
  }

  const slots = [keepUp(false), keepUp(true)];
  return {
    shifts,
    problems,
    get kills() {
      return kills;
    },
    async stop() {
      stopping = true;
      stop();
      await Promise.all(slots);
    },
  };
}
