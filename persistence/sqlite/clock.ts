/**
 * The clock of a file. All processes of a file are on one machine, so they can share a clock that no jump of the
 * machine's wall clock moves: the wall time at an anchor, and what the machine's monotonic clock has counted since. The
 * anchor is a row of the file. Invariants:
 *
 * C1. Processes that read the clock at the same moment read the same time, whatever `Date.now` tells each of them.
 * C2. The time never goes back. When the machine has been started again there is a new anchor, at the wall time, but
 *     above the latest time that the file has seen (`latest`, written at most a second late with whatever is written).
 * C3. While a machine sleeps its monotonic clock may stand still (Linux). Its uptime does not: what they have drifted
 *     apart is added to the anchor, by the first process that notices.
 *
 * So a wall clock that is set while the machine is up is followed after its next start. Linux names each start
 * (`boot_id`); elsewhere it is known by when it was, so that there a wall clock that jumps between two openings of the
 * file makes a new anchor too, never below the old one's time.
 */
import { readFileSync } from 'node:fs';
import { hostname, uptime } from 'node:os';

import { readNumber, readText } from './checksum.ts';
import { toCell, type Connection } from './connection.ts';

/** What the clock asks of the machine. */
export interface MachineClock {
  /** Names the machine's current start; `undefined` if the system has no name for it. */
  readonly boot: string | undefined;
  wallMs(): number;
  /** Counts from the machine's start, the same in every process. */
  monotonicMs(): number;
  /** Counts from the machine's start, sleep included; `undefined` where `monotonicMs` includes it already. */
  uptimeMs(): number | undefined;
}

export interface FileClock {
  now(): number;
  /** Remembers the latest time with the transaction that is open, at most once a second (C2). */
  note(): void;
}

interface Anchor {
  readonly wall: number;
  readonly monotonic: number;
  readonly leaps: number;
}

const noteEveryMs = 1000;
const leastLeapMs = 1000;
const bootToleranceMs = 60_000;

/** Runs in a transaction that writes. */
export function anchorClock(connection: Connection, machine: MachineClock): void {
  if (isAnchored(connection, machine)) return;
  const latest = connection.get('SELECT latest FROM clock')?.['latest'];
  const wall = Math.max(
    machine.wallMs(),
    typeof latest === 'number' ? Math.max(latest, readTime(connection, machine)) + noteEveryMs : 0,
  );
  connection.run(
    `INSERT OR REPLACE INTO clock (one, boot, booted_at, wall, monotonic, leaps, latest) VALUES (1, ?, ?, ?, ?, 0, ?)`,
    toCell(bootOf(machine)),
    bootedAt(machine),
    wall,
    machine.monotonicMs(),
    wall,
  );
}

/** The time by the anchor there is, as far as it is this start's: after another one `monotonic` begins anew. */
function readTime(connection: Connection, machine: MachineClock): number {
  const { boot } = connection.get('SELECT boot FROM clock') ?? {};
  const isOtherStart = machine.boot !== undefined || boot !== bootOf(machine);
  const anchor = readAnchor(connection);
  const since = machine.monotonicMs() - anchor.monotonic;
  return isOtherStart || since < 0 ? 0 : anchor.wall + since;
}

/** Whether the anchor is of the machine's current start. */
export function isAnchored(connection: Connection, machine: MachineClock): boolean {
  const row = connection.get('SELECT boot, booted_at, monotonic FROM clock');
  if (!row || readText(row['boot']) !== bootOf(machine)) return false;
  if (readNumber(row['monotonic']) > machine.monotonicMs()) return false;
  if (machine.boot !== undefined) return true;
  return Math.abs(readNumber(row['booted_at']) - bootedAt(machine)) <= bootToleranceMs;
}

function bootOf({ boot }: MachineClock): string {
  return boot ?? hostname();
}

function bootedAt(machine: MachineClock): number {
  return machine.wallMs() - machine.monotonicMs();
}

function readAnchor(connection: Connection): Anchor {
  const row = connection.get('SELECT wall, monotonic, leaps FROM clock');
  return {
    wall: readNumber(row?.['wall'], 'clock.wall'),
    monotonic: readNumber(row?.['monotonic'], 'clock.monotonic'),
    leaps: readNumber(row?.['leaps'], 'clock.leaps'),
  };
}

/** `leap` is given what is to be written when the machine has slept. */
export function createFileClock(
  connection: Connection,
  machine: MachineClock,
  leap: (operation: () => void) => void,
): FileClock {
  let anchor = readAnchor(connection);
  let drift = readDrift(machine);
  let last = 0;
  let notedAt = -Infinity;
  let isLeaping = false;

  function now(): number {
    const current = readAnchor(connection);
    // Another process has noticed that the machine slept.
    if (current.leaps !== anchor.leaps) drift = readDrift(machine);
    anchor = current;
    const slept = readDrift(machine) - drift;
    if (slept > leastLeapMs && !isLeaping) {
      isLeaping = true;
      leap(() => addSleep(slept));
    }
    last = Math.max(last, anchor.wall + machine.monotonicMs() - anchor.monotonic);
    return last;
  }

  function addSleep(slept: number): void {
    isLeaping = false;
    connection.run(
      'UPDATE clock SET wall = wall + ?, leaps = leaps + 1 WHERE leaps = ?',
      Math.round(slept),
      anchor.leaps,
    );
  }

  return {
    now,
    note() {
      if (performance.now() - notedAt < noteEveryMs) return;
      notedAt = performance.now();
      const at = now();
      connection.run('UPDATE clock SET latest = ? WHERE latest < ?', at, at);
    },
  };
}

function readDrift(machine: MachineClock): number {
  const up = machine.uptimeMs();
  return up === undefined ? 0 : up - machine.monotonicMs();
}

/**
 * `process.hrtime` counts from the machine's start on all systems: `CLOCK_MONOTONIC` (Linux; stands still in sleep),
 * `mach_continuous_time` (macOS), `QueryPerformanceCounter` (Windows).
 */
export const thisMachine: MachineClock = {
  boot: readBoot(),
  wallMs: () => Date.now(),
  monotonicMs: () => Number(process.hrtime.bigint() / 1_000_000n),
  uptimeMs: () => (process.platform === 'linux' ? uptime() * 1000 : undefined),
};

function readBoot(): string | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return undefined; // A sandbox without /proc: the start is known by when it was.
  }
}
