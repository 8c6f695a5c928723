/**
 * Who uses the runs of a soak: starts them over time, sends notes and approvals (some twice, again after every failure, always
 * with the same key), and remembers what was acknowledged.
 */
import { setTimeout as pause } from 'node:timers/promises';

import { soak } from './workflow.mjs';

const notesPerRun = 4;
const lookMs = 300;
/** With a store that is whole and workers that live, one run at least takes a step within this. */
const stallMs = 120_000;

/** What a send may be told although nothing is wrong: the run has ended meanwhile. */
const refusals = new Set(['EVENT_NOT_ACCEPTED', 'RUN_ENDED', 'RUN_DONE']);

export function useRuns({ engine, store, runs, startMs, random, tell, say }) {
  const inputs = new Map(runs.map((input) => [input.run, input]));
  const acknowledged = new Set();
  /** By run: the notes that were acknowledged, and those that were refused for good. */
  const notes = new Map(runs.map(({ run }) => [run, { taken: new Set(), refused: new Set() }]));
  const over = new Set();
  const codes = new Map();
  const underWay = new Set();
  let stopping = false;
  let progressAt = Date.now();

  /** Tries until the store has taken it; resolves to whether the run did. */
  async function insist(what, work) {
    while (!stopping) {
      try {
        await work();
        return true;
      } catch (error) {
        const code = error.code ?? error.name;
        say(`${what}: ${error.message}`);
        codes.set(`${what} ${code}`, (codes.get(`${what} ${code}`) ?? 0) + 1);
        if (refusals.has(code)) return false;
        await pause(200);
      }
    }
    return undefined;
  }

  function send(run, event, key, times = 1) {
    const sends = Array.from({ length: times }, () =>
      insist(event.type, () => engine.run(run).send(event, { key })),
    );
    const sending = Promise.all(sends).then((outcomes) => outcomes.find((taken) => taken !== undefined));
    underWay.add(sending);
    void sending.finally(() => underWay.delete(sending));
    return sending;
  }

  async function live(input, startAtMs) {
    await pause(startAtMs);
    const { run } = input;
    if (!(await insist('start', () => engine.start(soak, { id: run, input })))) return;
    acknowledged.add(run);
    for (let n = 0; n < notesPerRun && !over.has(run) && !stopping; n++) {
      await pause(random.between(0, 1_200));
      const taken = await send(run, { type: 'NOTE', n }, `note ${n}`, random.chance(0.2) ? 2 : 1);
      if (taken !== undefined) notes.get(run)[taken ? 'taken' : 'refused'].add(n);
    }
  }

  const approving = new Set();
  let steps = 0;
  /** Reads every run that is not over; approves those that wait for it. */
  async function look() {
    let seen = 0;
    for (const run of acknowledged) {
      if (over.has(run)) continue;
      const stored = await store.load(run).catch(() => undefined);
      if (!stored) continue;
      seen += stored.seq;
      if (['done', 'failed', 'cancelled'].includes(stored.status)) over.add(run);
      else if (stored.tags.includes('person') && !approving.has(run)) {
        approving.add(run);
        void send(run, { type: 'APPROVE', by: 'ann' }, 'approval', 2);
      }
    }
    if (seen !== steps) progressAt = Date.now();
    steps = seen;
  }

  async function use() {
    const living = runs.map((input, n) => live(input, (startMs * n) / runs.length));
    while (over.size < inputs.size && !stopping) {
      await look();
      tell({ over: over.size });
      await pause(lookMs);
    }
    await Promise.all(living);
    await Promise.all(underWay);
  }

  const using = use();
  return {
    acknowledged,
    notes,
    codes,
    /** Resolves when every run is over and every send is answered. */
    using,
    isOver: () => over.size === inputs.size,
    isStalled: () => Date.now() - progressAt > stallMs,
    /** Starts and sends that have no answer. */
    unanswered: () => underWay.size + [...inputs.keys()].filter((run) => !acknowledged.has(run)).length,
    /** Tries nothing again. */
    stop() {
      stopping = true;
    },
  };
}
