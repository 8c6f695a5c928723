/**
 * Who holds a lease, and whether they are dead.
 *
 * A token names the process that made it, so that another process on the same machine can tell at once that it is gone
 * instead of waiting for the lease to run out. Of a process on another machine, or in another PID namespace, nothing can
 * be said; there the lease decides.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

interface ProcessName {
  /** What process ids are unique in: the boot of a machine and a PID namespace, or the host. */
  readonly realm: string;
  readonly pid: number;
  /** When the process was started, in clock ticks since boot; empty where it cannot be told. */
  readonly startedAt: string;
}

/** A token that no other engine has. */
export function createOwnerToken(): string {
  const { realm, pid, startedAt } = self;
  return [realm, pid, startedAt, randomUUID()].join('|');
}

/** True only if the process that made the token is certainly gone. */
export function isOwnerDead(token: string): boolean {
  const [realm, pid, startedAt] = token.split('|');
  if (realm !== self.realm || !pid) return false;
  try {
    process.kill(Number(pid), 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
  if (startedAt === '') return false;
  const fields = statOf(Number(pid));
  return isZombie(fields) || startTime(fields) !== startedAt;
}

const self: ProcessName = {
  realm: realmOfPids(),
  pid: process.pid,
  startedAt: startTime(statOf(process.pid)),
};

function realmOfPids(): string {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return `${boot}/${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    // Not Linux: process ids are the host's.
    return hostname();
  }
}

/** The fields of `/proc/<pid>/stat` after the process name, which may hold spaces and parentheses. Empty if there is none. */
function statOf(pid: number): readonly string[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return [];
  }
}

function isZombie(fields: readonly string[]): boolean {
  return fields[0] === 'Z';
}

function startTime(fields: readonly string[]): string {
  return fields[19] ?? '';
}
