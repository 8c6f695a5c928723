/**
 * One run of support-ticket (two problems in one, a refund over the limit, a model that fails at first) by a process that
 * dies at its n-th write, for every n, just before the write and just after it; then another process goes on.
 */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, afterEach, beforeEach, describe, expect, inject, it, vi } from 'vitest';

import { createSupportTicket } from '../../machines/support-ticket/index.ts';
import { startServer } from '../../machines/services/start-server.ts';
import { supportService } from '../../machines/support-ticket/services/app.ts';
import { supportStandIn } from '../../machines/support-ticket/stand-in.ts';
import twoProblems from '../../machines/support-ticket/samples/02-two-problems-in-one.json' with { type: 'json' };
import { createMemoryData, memoryStore } from '../../persistence/memory.ts';
import { redisStore } from '../../persistence/redis/index.ts';
import { sqliteStore } from '../../persistence/sqlite/index.ts';
import type { Store } from '../../persistence/store.ts';
import type { ModelProvider } from '../../src/actors/index.ts';
import { decode } from '../../src/engine/codec.ts';
import { createEngine } from '../../src/engine/engine.ts';
import type { HistoryEntry } from '../../src/engine/history.ts';
import { ModelCallFailed } from '../../src/errors.ts';
import { type Death, mortalStore } from '../fixtures/mortal-store.mjs';

/** Who asks for a refund is promised one by the stand-in, and its first draft may not go out. */
const ticket = { ...twoProblems, body: `${twoProblems.body}\n\nPlease refund what you charged twice.` };
const leaseMs = 1_000;
const folder = mkdtempSync(join(tmpdir(), 'signalbox-every-commit-'));
let worlds = 0;
const closing: Array<() => Promise<void>> = [];
const problems: Error[] = [];

const opened = {
  memory() {
    const data = createMemoryData();
    return () => memoryStore({ data });
  },
  SQLite() {
    const path = join(folder, `${worlds}.db`);
    return () => sqliteStore(path);
  },
  Redis() {
    const options = { url: inject('redisUrl'), prefix: `every-commit:${randomUUID()}` };
    return () => redisStore(options);
  },
} satisfies Readonly<Record<string, () => () => Store>>;

/** With `rounds: 'all'` a successor dies after each write of the first, else after one. */
export function testEveryCommit(
  stores: readonly (keyof typeof opened)[],
  { rounds = 'few' as 'few' | 'all' } = {},
): void {
  afterAll(() => rmSync(folder, { recursive: true }));

  describe.each(stores)('a run on %s whose process dies', (name) => {
    const open = opened[name];
    afterEach(async () => {
      expect(problems.splice(0)).toEqual([]);
      for (const close of closing.splice(0).toReversed()) await close();
      vi.unstubAllEnvs();
    });

    let whole: Ending;

    beforeEach(async () => {
      whole = await lived(open, []);
      expect(whole.output).toMatchObject({
        status: 'answered',
        parts: [{ refund: { status: 'refunded' } }, {}],
      });
      expect(whole.route).toEqual(expect.arrayContaining(['timer', 'output draftReply#2', 'event APPROVE']));
    });

    it.each(['before', 'after'] as const)(
      'just %s any of its writes ends as if it had lived',
      async (when) => {
        const [writes] = whole.writes;
        expect(writes?.length).toBeGreaterThan(20);
        for (const [index, write] of (writes ?? []).entries()) {
          const at = index + 1;
          const ending = await lived(open, [{ at, when }]);
          assertSame(ending, whole, `killed ${when} write ${at} (${write})`);
          expect(
            ending.calls.length - whole.calls.length,
            `model calls made again, ${at}`,
          ).toBeLessThanOrEqual(1);
        }
      },
    );

    it('and whose successor dies at once too, ends as if both had lived', async () => {
      const writes = (whole.writes[0] ?? []).map((_, index) => index + 1);
      const middle = Math.ceil(writes.length / 2);
      for (const at of rounds === 'all' ? writes : [middle]) {
        for (const next of [1, 2, 3]) {
          const deaths: Death[] = [
            { at, when: 'after' },
            { at: next, when: 'before' },
          ];
          assertSame(await lived(open, deaths), whole, `killed after write ${at}, then before write ${next}`);
        }
      }
    });

    // Of three writes one asks for the start again, and one may count the attempt; so each life comes one step further.
    it('after every third write, again and again, ends as if it had lived', async () => {
      const ending = await lived(
        open,
        Array.from({ length: 100 }, () => ({ at: 3, when: 'after' })),
      );
      assertSame(ending, whole, 'killed again and again');
      expect(ending.writes.length).toBeGreaterThan(10);
    });
  });
}

interface ModelCallMade {
  readonly id: string;
  readonly key: string;
  readonly stage: 'text' | 'fields';
}

interface Ending {
  readonly output: unknown;
  readonly state: unknown;
  readonly ledger: unknown;
  /** The messages that were applied, in order. */
  readonly route: readonly string[];
  readonly calls: readonly ModelCallMade[];
  /** Calls that were made although the answer was on record. */
  readonly repeated: readonly string[];
  /** Calls that were made by a process that died before it had stored that they should be. */
  readonly undecided: readonly string[];
  /** What each life wrote. */
  readonly writes: ReadonlyArray<readonly string[]>;
}

function assertSame(ending: Ending, whole: Ending, how: string): void {
  expect(ending.output, how).toEqual(whole.output);
  expect(ending.state, how).toEqual(whole.state);
  expect(ending.ledger, how).toEqual(whole.ledger);
  expect(ending.route, how).toEqual(whole.route);
  expect(ending.repeated, how).toEqual([]);
  expect(ending.undecided, how).toEqual([]);
}

/** Run the ticket to its end in a world of its own, by one process after the other; the last one lives. */
async function lived(open: () => () => Store, deaths: readonly Death[]): Promise<Ending> {
  worlds += 1;
  const connect = open();
  const server = await startServer(supportService, { database: join(folder, `${worlds}-ledger.db`) });
  closing.push(() => server.close());
  vi.stubEnv('SUPPORT_SERVICES_URL', server.url);

  const calls: ModelCallMade[] = [];
  const workflow = createSupportTicket({
    provider: counting(calls),
    refundLimits: { USD: 10 },
    times: { retryMs: 1, toolMs: 5_000 },
  });
  // Each process starts when the leases of the one before have run out.
  let lateMs = 0;
  const writes: Array<readonly string[]> = [];

  const live = async (death: Death): Promise<unknown> => {
    const connection = connect();
    let died!: (how: 'died') => void;
    const dying = new Promise<'died'>((resolve) => (died = resolve));
    const mortal = mortalStore(connection, { ...death, die: () => died('died') });
    writes.push(mortal.writes);
    closing.push(() => {
      mortal.kill();
      return connection.close();
    });
    const engine = createEngine({
      workflows: [workflow],
      store: mortal.store,
      leaseMs,
      pollMs: 2,
      clock: {
        now: () => Date.now() + lateMs,
        at(deadline, fn) {
          const timeout = setTimeout(fn, deadline - Date.now() - lateMs + 1);
          return () => clearTimeout(timeout);
        },
      },
      onProblem: (error) => void problems.push(error),
    });
    const drive = async (): Promise<unknown> => {
      const run = await engine.start(workflow, { id: ticket.id, input: ticket });
      await run.waitFor(({ tags, status }) => tags.includes('person') || status === 'done');
      await run.send({ type: 'APPROVE', by: 'dana' }, { key: 'approval' });
      return run.result();
    };
    const result = await Promise.race([drive(), dying]);
    if (result !== 'died') await engine.stop();
    return result;
  };

  const store = connect();
  closing.push(() => store.close());
  const history = async (): Promise<HistoryEntry[]> =>
    (await store.history(ticket.id, 0, 1_000)).map((text) => decode(text) as HistoryEntry);
  const undecided: string[] = [];
  let output: unknown;
  for (const death of [...deaths, {}]) {
    output = await live(death);
    if (output !== 'died') break;
    lateMs += leaseMs;
    undecided.push(...undecidedCalls(calls, await history()));
  }

  const entries = await history();
  const stored = await store.load(ticket.id);
  expect(await store.inbox(ticket.id, 0)).toEqual([]);
  const ledger = (await (await fetch(`${server.url}/ledger`)).json()) as Record<string, readonly object[]>;
  return {
    output,
    state: decode(stored?.state ?? ''),
    ledger: Object.fromEntries(
      Object.entries(ledger).map(([kind, made]) => [
        kind,
        made.map((entry) => ({ ...entry, asked: undefined, madeAt: undefined })),
      ]),
    ),
    route: entries.flatMap((entry) => (entry.type === 'message' ? [stepOf(entry.message)] : [])),
    calls,
    repeated: repeatedCalls(calls, entries),
    undecided,
    writes,
  };
}

function stepOf(message: Extract<HistoryEntry, { type: 'message' }>['message']): string {
  if (message.type === 'event') return `event ${message.event.type}`;
  return 'key' in message ? `${message.type} ${message.key}` : message.type;
}

/** The stand-in, with every call on a list, and a first question that it is too busy for. */
function counting(calls: ModelCallMade[]): ModelProvider {
  return {
    ...supportStandIn,
    async complete(request, call) {
      const made = {
        id: `call-${calls.length + 1}`,
        key: call.key,
        stage: request.schema ? 'fields' : 'text',
      } as const;
      calls.push(made);
      if (call.key.endsWith('/classifyTicket#1')) {
        throw new ModelCallFailed('Too busy.', { details: { kind: 'http', retryable: true, status: 529 } });
      }
      return { ...(await supportStandIn.complete(request, call)), requestId: made.id };
    },
  };
}

function undecidedCalls(calls: readonly ModelCallMade[], entries: readonly HistoryEntry[]): string[] {
  const started = entries.flatMap((entry) => (entry.type === 'message' ? (entry.started ?? []) : []));
  const decided = new Set(started.map(({ key }) => `${ticket.id}/${key}`));
  return calls.filter(({ key }) => !decided.has(key)).map(({ id, key }) => `${id} for ${key}`);
}

function repeatedCalls(calls: readonly ModelCallMade[], entries: readonly HistoryEntry[]): string[] {
  const recorded = entries.flatMap((entry) => ('exchanges' in entry ? (entry.exchanges ?? []) : []));
  return recorded.flatMap(({ requestId, response }) => {
    if (requestId === undefined || response === undefined) return [];
    const index = calls.findIndex(({ id }) => id === requestId);
    const asked = calls[index];
    const again = calls
      .slice(index + 1)
      .filter(({ key, stage }) => isDeepStrictEqual([key, stage], [asked?.key, asked?.stage]));
    return again.map(({ id, key }) => `${id} asked again for ${key}, which ${requestId} had answered`);
  });
}
