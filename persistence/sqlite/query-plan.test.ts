import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';

import { heldRun, newRun, nextCommit, nextRecording } from '../conformance/case.ts';
import { thisMachine } from './clock.ts';
import type { Connection } from './connection.ts';
import { acquireRun, readLeases, releaseRun, renewRuns } from './lease-run.ts';
import { openFile } from './open-file.ts';
import { readDue, readEnded, readList, readOpen } from './query-runs.ts';
import { sendMessage } from './send-message.ts';
import { commitRun, createRun, deleteRun, recordRun } from './write-run.ts';

it('finds everything by an index, however many runs there are', () => {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-plan-'));
  const connection = openFile(join(folder, 'runs.db'), thisMachine);
  const statements = new Map<string, number>();
  const recorder: Connection = {
    ...connection,
    run: (sql, ...cells) => (statements.set(sql, cells.length), connection.run(sql, ...cells)),
    get: (sql, ...cells) => (statements.set(sql, cells.length), connection.get(sql, ...cells)),
    all: (sql, ...cells) => (statements.set(sql, cells.length), connection.all(sql, ...cells)),
  };
  createRun(recorder, heldRun({ tags: ['a'] }));
  createRun(recorder, newRun({ id: 'other', workflow: 'other' }));
  sendMessage(recorder, 'run-1', { at: 1500, body: 'a', key: 'k' });
  sendMessage(recorder, 'run-1', { at: 1500, body: 'a', key: 'k' });
  sendMessage(recorder, 'other', { at: 500, body: 'a' });
  recordRun(recorder, 'run-1', nextRecording({ log: ['x'], journal: { a: '1' } }));
  commitRun(
    recorder,
    'run-1',
    nextCommit(1, { consumed: [1], forget: ['a'], freeKeys: ['k'], status: 'waiting' }),
  );
  commitRun(recorder, 'run-1', nextCommit(2, { status: 'done' }));
  renewRuns(recorder, { token: 'worker', until: 9, runs: [{ id: 'run-1', seen: 0 }] });
  releaseRun(recorder, 'run-1', { token: 'worker', wakeAt: 1, seen: 0, problem: { code: 'X', message: '' } });
  acquireRun(recorder, 'run-1', { token: 'worker', until: 2, now: 1 });
  readDue(recorder, { workflows: ['ticket@1.0.0'], now: 1, limit: 1 });
  readLeases(recorder);
  readOpen(recorder);
  const { cursor } = readList(recorder, { limit: 1 });
  readList(recorder, { limit: 1, ...(cursor !== undefined && { cursor }), tag: 'a' });
  readList(recorder, { limit: 1, workflow: 'ticket', status: 'done', cursor: cursor ?? '' });

  readList(recorder, { limit: 2, tag: 'a', labels: { a: 'b' }, parent: null, stuck: true });
  readEnded(recorder, { status: 'done', before: 9, limit: 1 });
  deleteRun(recorder, 'other', { seq: 1 });

  const scans: string[] = [];
  for (const [sql, parameters] of statements) {
    const plan = connection.all(
      `EXPLAIN QUERY PLAN ${sql}`,
      ...Array.from({ length: parameters }, () => null),
    );
    for (const { detail } of plan) {
      if (/SCAN|TEMP B-TREE/.test(String(detail))) scans.push(`${String(detail)}: ${sql}`);
    }
  }
  connection.close();
  rmSync(folder, { recursive: true });
  expect(statements.size).toBeGreaterThan(25);
  expect(scans).toEqual([
    // All leases, by the index that has nothing else; all kinds, of which there are few.
    expect.stringMatching(/^SCAN runs USING INDEX runs_leased/),
    expect.stringMatching(/^SCAN open_runs/),
  ]);
});
