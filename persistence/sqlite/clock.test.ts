import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';

import { createFileClock, type FileClock, type MachineClock } from './clock.ts';
import type { Connection } from './connection.ts';
import { sqliteStore } from './index.ts';
import { openFile } from './open-file.ts';

const day = 86_400_000;
let folder: string;
let path: string;
let machine: { boot: string | undefined; wall: number; monotonic: number; slept: number };
const connections: Connection[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'signalbox-clock-'));
  path = join(folder, 'runs.db');
  machine = { boot: 'first', wall: 1_000_000, monotonic: 5000, slept: 0 };
});

afterEach(() => {
  vi.restoreAllMocks();
  for (const connection of connections.splice(0)) connection.close();
  rmSync(folder, { recursive: true });
});

function openClock(): FileClock {
  const clock: MachineClock = {
    get boot() {
      return machine.boot;
    },
    wallMs: () => machine.wall,
    monotonicMs: () => machine.monotonic,
    uptimeMs: () => machine.monotonic + machine.slept,
  };
  const connection = openFile(path, clock);
  connections.push(connection);
  return createFileClock(connection, clock, (operation) => operation());
}

function pass(ms: number): void {
  machine.monotonic += ms;
  machine.wall += ms;
}

it('goes by what has passed, whatever the wall clock says, for those that open the file later too', () => {
  const first = openClock();
  expect(first.now()).toBe(1_000_000);
  machine.wall += day;
  pass(10);
  const second = openClock();
  expect([first.now(), second.now()]).toEqual([1_000_010, 1_000_010]);
  machine.wall -= 3 * day;
  pass(10);
  expect([first.now(), second.now(), openClock().now()]).toEqual([1_000_020, 1_000_020, 1_000_020]);
});

it('follows the wall clock after another start of the machine, and never goes back', () => {
  openClock().note();
  machine = { boot: 'second', wall: 1_000_000 + day, monotonic: 10, slept: 0 };
  const second = openClock();
  expect(second.now()).toBe(1_000_000 + day);
  second.note();
  machine = { boot: 'third', wall: 5, monotonic: 10_000, slept: 0 };
  expect(openClock().now()).toBeGreaterThan(1_000_000 + day);
});

it('counts the time that the machine slept, once for all processes', () => {
  const [first, second] = [openClock(), openClock()];
  machine.slept = 60_000;
  machine.wall += 60_000;
  first.now();
  second.now();
  expect([first.now(), second.now(), openClock().now()]).toEqual([1_060_000, 1_060_000, 1_060_000]);
  pass(5);
  expect([second.now(), first.now()]).toEqual([1_060_005, 1_060_005]);
});

it('knows another start by its time where the system has no name for it', () => {
  machine.boot = undefined;
  openClock().note();
  machine.wall += 1000;
  machine.monotonic += 1000;
  expect(openClock().now()).toBe(1_001_000);
  machine = { boot: undefined, wall: 500, monotonic: 100, slept: 0 };
  expect(openClock().now()).toBeGreaterThanOrEqual(1_001_000);
});

it('is not moved in a store by a wall clock that jumps a day', async () => {
  const store = sqliteStore(path);
  const before = (await store.time?.()) ?? NaN;
  const real = Date.now.bind(Date);
  vi.spyOn(Date, 'now').mockImplementation(() => real() + day);
  const other = sqliteStore(path);
  for (const each of [store, other]) {
    const time = (await each.time?.()) ?? NaN;
    expect(time).toBeGreaterThanOrEqual(before);
    expect(time).toBeLessThan(before + day / 2);
  }
  await store.close();
  await other.close();
});
