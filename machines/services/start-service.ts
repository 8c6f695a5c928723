/**
 * Starts a service as a process of its own and keeps it up until `close`.
 *
 * I1. A process that dies is started again on the same port, so that whoever tries again finds it.
 * I2. No process outlives the one that started it: it ends when its standard input closes.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import type { ServiceName } from './service.ts';

export interface StartOptions {
  /** Where the ledger is kept; created if there is none. */
  readonly dataFolder: string;
  /** Added to the environment of the service. `<variable>_FAULTS` orders faults. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface StartedService {
  readonly url: string;
  /** What the workflow's tools find the service by. */
  readonly env: Record<string, string>;
  close(): Promise<void>;
}

/** Starts in a row that came to nothing before it is given up. */
const mostFailedStarts = 5;
const pauseMs = 50;
const patienceMs = 2_000;

export async function startService(
  name: ServiceName,
  { dataFolder, env = {} }: StartOptions,
): Promise<StartedService> {
  mkdirSync(dataFolder, { recursive: true });
  const database = join(dataFolder, `${name.folder}.db`);
  const program = builtProgram(name);

  let closing = false;
  let failedStarts = 0;
  let child: ChildProcess;

  function start(port: string, environment: Readonly<Record<string, string>>): Promise<string> {
    const started = spawn(
      process.execPath,
      [program, '--db', database, '--port', port, '--until-stdin-closes'],
      { env: { ...process.env, ...environment }, stdio: ['pipe', 'pipe', 'pipe'] },
    );
    child = started;
    let complaint = '';
    started.stderr.on(
      'data',
      (chunk: Buffer) => (complaint = `${complaint}${chunk.toString()}`.slice(-2_000)),
    );
    return new Promise((resolve, reject) => {
      started.once('error', reject);
      started.once('exit', (code, signal) => {
        const how = signal ?? `code ${code}`;
        reject(new Error(`The ${name.title} ended with ${how} before they listened. ${complaint.trim()}`));
      });
      createInterface(started.stdout).once('line', (line) => {
        failedStarts = 0;
        resolve((JSON.parse(line) as { url: string }).url);
      });
    });
  }

  function keepUp(port: string): void {
    child.once('exit', () => {
      if (closing || failedStarts >= mostFailedStarts) return;
      setTimeout(() => {
        if (closing) return;
        failedStarts += 1;
        // Faults were ordered once, when it was first started.
        start(port, { ...env, [`${name.variable}_FAULTS`]: '' }).catch(() => undefined);
        keepUp(port);
      }, pauseMs).unref();
    });
  }

  const url = await start('0', env);
  keepUp(new URL(url).port);

  return {
    url,
    env: { [`${name.variable}_URL`]: url },
    async close() {
      closing = true;
      await ended(child);
    },
  };
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  const impatience = setTimeout(() => child.kill('SIGKILL'), patienceMs);
  await exited;
  clearTimeout(impatience);
}

/** Node runs what was built: beside this file in `dist`, or there when this file runs from its source. */
function builtProgram({ folder, title }: ServiceName): string {
  const candidates = [
    new URL(`../${folder}/services/main.js`, import.meta.url),
    new URL(`../../dist/machines/${folder}/services/main.js`, import.meta.url),
  ].map((url) => fileURLToPath(url));
  const program = candidates.find((path) => existsSync(path));
  if (!program) throw new Error(`Expected the ${title} at ${candidates[1]}. Run \`npm run build\`.`);
  return program;
}
