/** How long a writer takes its lease to be certain, after steps that renew it and steps whose answer was lost. */
import { describe, expect, it } from 'vitest';

import { heldRun } from '../../persistence/conformance/case.ts';
import { memoryStore } from '../../persistence/memory.ts';
import type { Store } from '../../persistence/store.ts';
import { StoreUnavailable } from '../errors.ts';
import type { RunState } from './run-state.ts';
import { createRunWriter, type RunWriter, type Step } from './run-writer.ts';
import { createStoreCalls } from './store-calls.ts';

const leaseMs = 1_000;
const start = 10_000;

const step: Step = {
  next: { snapshot: { status: 'active' }, timers: [], invocations: [] } as unknown as RunState,
  progress: { state: '{"second":true}', status: 'running', value: '"a"', tags: [] },
  consumed: [],
  freeKeys: [],
  over: [],
  seen: 0,
  rests: false,
};

async function writerOn(wrap: (store: Store) => Store = (store) => store) {
  const time = { now: start };
  const inner = memoryStore();
  await inner.create(heldRun({ lease: { token: 'worker', until: start + leaseMs } }));
  const retries: (() => void)[] = [];
  const after = (_ms: number, fn: () => void): (() => void) => {
    retries.push(fn);
    return () => {};
  };
  const writer: RunWriter = createRunWriter({
    runId: 'run-1',
    store: wrap(inner),
    calls: createStoreCalls({ after, failing: () => {} }),
    clock: { now: () => time.now, at: () => () => {} },
    token: 'worker',
    leaseMs,
    seq: 1,
    leaseUntil: start + leaseMs,
    journal: new Map(),
  });
  return { writer, time, retries, inner };
}

describe('the lease', () => {
  it('is as certain as before after a step that left it as it was', async () => {
    const { writer, time } = await writerOn();
    expect(await writer.step(step)).toMatchObject({ status: 'written' });
    time.now = start + 700;
    expect(writer.isExpired()).toBe(false);
    time.now = start + 800;
    expect(writer.isExpired()).toBe(true);
  });

  it('is renewed by a step that comes when a third of it has passed', async () => {
    const { writer, time } = await writerOn();
    time.now = start + 400;
    expect(await writer.step(step)).toMatchObject({ status: 'written' });
    time.now = start + 1_100;
    expect(writer.isExpired()).toBe(false);
    time.now = start + 1_200;
    expect(writer.isExpired()).toBe(true);
  });

  /** `isLate`: the first attempt reaches the store only just before the second one. */
  it.each([false, true])(
    'ends as the store has it if an unanswered attempt was applied, late: %s',
    async (isLate) => {
      let first: (() => Promise<unknown>) | undefined;
      const { writer, time, retries, inner } = await writerOn((store) => ({
        ...store,
        async commit(runId, commit) {
          if (first) {
            await first();
            return store.commit(runId, commit);
          }
          first = () => store.commit(runId, commit);
          if (!isLate) await first();
          throw new StoreUnavailable('No answer.');
        },
      }));
      time.now = start + 400;
      const written = writer.step(step);
      while (retries.length === 0) await new Promise((resolve) => setImmediate(resolve));
      time.now = start + 900;
      for (const retry of retries) retry();
      expect(await written).toMatchObject({ status: 'written' });
      expect(await inner.load('run-1')).toMatchObject({ seq: 2, lease: { until: start + 1_400 } });
      time.now = start + 1_100;
      expect(writer.isExpired()).toBe(false);
      time.now = start + 1_200;
      expect(writer.isExpired()).toBe(true);
    },
  );
});
