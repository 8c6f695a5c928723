/**
 * A Redis server of a test's own, to be configured, killed and started again on its port and data, and a way to it that
 * can be cut. Tests that only need a Redis share the one of the global setup.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterEach } from 'vitest';

import { disconnect } from '../persistence/redis/clients.ts';
import { redisStore, type RedisStoreOptions } from '../persistence/redis/index.ts';
import type { Store } from '../persistence/store.ts';

const opened: Array<() => Promise<unknown>> = [];

/** A store that is closed after the test. */
export function openStore(options: RedisStoreOptions): Store {
  const store = redisStore(options);
  opened.push(() => store.close());
  return store;
}

/** A client that is disconnected after the test. */
export function connectClient(url: string, options = {}): Redis {
  const client = new Redis(url, options);
  client.on('error', () => {});
  opened.push(() => disconnect(client));
  return client;
}

/** To be called once in a test file that opens stores or clients. */
export function closeAfterEach(): void {
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((close) => close()));
  });
}

/** None outlives the process that started it. */
const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const server of running) server.kill('SIGKILL');
});

export interface RedisServer {
  readonly url: string;
  readonly port: number;
  start(): Promise<void>;
  /** Kills the process at once, as a crash would. */
  kill(): Promise<void>;
  /** Kills it and removes its data. */
  remove(): Promise<void>;
}

export async function createRedisServer(args: readonly string[] = []): Promise<RedisServer> {
  const port = await findFreePort();
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-redis-'));
  const url = `redis://127.0.0.1:${port}`;
  let server: ChildProcess | undefined;

  async function kill(): Promise<void> {
    if (!server || server.exitCode !== null || server.signalCode !== null) return;
    const exited = once(server, 'exit');
    server.kill('SIGKILL');
    await exited;
  }

  return {
    url,
    port,
    async start() {
      const base = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', ''];
      const started = spawn(
        process.env['SIGNALBOX_TEST_REDIS_SERVER'] ?? 'redis-server',
        [...base, ...args],
        {
          stdio: 'ignore',
        },
      );
      server = started;
      running.add(started);
      started.once('exit', () => running.delete(started));
      await waitForAnswer(url);
    },
    kill,
    async remove() {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export interface CuttableWay {
  readonly url: string;
  /**
   * Let the next request reach the server, and cut its connection when the answer comes, after passing on the first
   * bytes of it (default: none).
   */
  loseNextAnswer(passBytes?: number): void;
  /** How often an answer was lost. */
  lost(): number;
  close(): Promise<void>;
}

export async function createCuttableWay(port: number): Promise<CuttableWay> {
  const sockets = new Set<Socket>();
  let armed = false;
  let passed = 0;
  let lost = 0;
  const proxy = createServer((client) => {
    const server = connect(port, '127.0.0.1');
    let isAsked = false;
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        server.destroy();
      });
    }
    client.on('data', (data) => {
      isAsked = armed;
      server.write(data);
    });
    server.on('data', (data) => {
      if (!isAsked || !armed) return void client.write(data);
      armed = false;
      lost++;
      if (passed > 0) client.end(data.subarray(0, passed));
      else client.destroy();
    });
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  return {
    url: `redis://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    loseNextAnswer(passBytes = 0) {
      armed = true;
      passed = passBytes;
    },
    lost: () => lost,
    async close() {
      const closed = once(proxy, 'close');
      proxy.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

export interface SlotMover {
  /** Moves the slot of the key from its server to the next one, a key at a time, as `redis-cli --cluster reshard` does. */
  move(key: string): Promise<void>;
  end(): Promise<void>;
}

export function createSlotMover(servers: readonly RedisServer[]): SlotMover {
  const admins = servers.map(({ url }) => new Redis(url));
  const call = (admin: Redis | undefined, name: string, ...args: Array<string | number>): Promise<unknown> =>
    admin ? admin.call(name, ...args) : Promise.reject(new Error('Expected a server.'));

  return {
    async move(key) {
      const slot = Number(await call(admins[0], 'CLUSTER', 'KEYSLOT', key));
      const names = await Promise.all(
        admins.map(async (admin) => String(await call(admin, 'CLUSTER', 'MYID'))),
      );
      const from = await findOwner(slot);
      const to = (from + 1) % admins.length;
      await call(admins[to], 'CLUSTER', 'SETSLOT', slot, 'IMPORTING', names[from] ?? '');
      await call(admins[from], 'CLUSTER', 'SETSLOT', slot, 'MIGRATING', names[to] ?? '');
      for (;;) {
        const keys = (await call(admins[from], 'CLUSTER', 'GETKEYSINSLOT', slot, 1)) as string[];
        if (keys.length === 0) break;
        await call(
          admins[from],
          'MIGRATE',
          '127.0.0.1',
          servers[to]?.port ?? 0,
          '',
          0,
          5000,
          'KEYS',
          ...keys,
        );
        // So that calls come in between.
        await delay(2);
      }
      for (const admin of [admins[to], ...admins]) {
        await call(admin, 'CLUSTER', 'SETSLOT', slot, 'NODE', names[to] ?? '');
      }
    },
    async end() {
      await Promise.all(admins.map(disconnect));
    },
  };

  /** The place of the server that has the slot. */
  async function findOwner(slot: number): Promise<number> {
    const ranges = (await call(admins[0], 'CLUSTER', 'SLOTS')) as Array<[number, number, [string, number]]>;
    const port = ranges.find(([first, last]) => first <= slot && slot <= last)?.[2][1];
    return servers.findIndex((server) => server.port === port);
  }
}

export async function findFreePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}

async function waitForAnswer(url: string): Promise<void> {
  for (const deadline = Date.now() + 120_000; ;) {
    const client = new Redis(url, { lazyConnect: true, retryStrategy: () => null });
    client.on('error', () => {});
    try {
      await client.connect();
      await client.ping();
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await delay(10);
    } finally {
      client.disconnect();
    }
  }
}
