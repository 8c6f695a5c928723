/**
 * Shows runs on their way: on a terminal a line for each that is under way, written over as it moves, and one that stays
 * when it is at rest; else a line for every move; in JSON mode a JSON line for every move.
 */
import { isDeepStrictEqual } from 'node:util';

import type { RunSnapshot } from '../engine/run-snapshot.ts';
import type { DriveListener } from './drive.ts';
import { hasEnded } from './drive.ts';
import type { Screen } from './screen.ts';
import { paintStatus, stateText } from './state-text.ts';
import { clean, fit, oneLine, widthOf } from './text.ts';
import { span, time } from './times.ts';

export interface ProgressView extends DriveListener {
  /** A line in between that stays. */
  note(line: string): void;
  /** No more moves: what is written over is cleared away. */
  close(): void;
}

const redrawMs = 80;
const clearDown = '\u001b[0J';

export function createProgressView(screen: Screen, total: number): ProgressView {
  const latest = new Map<string, RunSnapshot>();
  const active = new Map<string, string>();
  let settled = 0;
  let drawn = 0;
  const redraw = screen.live ? setInterval(draw, redrawMs) : undefined;

  function draw(): void {
    const most = Math.max(1, screen.height - 3);
    const lines = [...active.values()];
    const shown = lines.slice(0, lines.length > most ? most - 1 : most);
    if (shown.length < lines.length) shown.push(`… and ${lines.length - shown.length} more`);
    if (total > 1) shown.push(screen.paint('dim', `${settled} of ${total}`));
    screen.raw(`${up()}${clearDown}${shown.map((line) => `${line}\n`).join('')}`);
    drawn = shown.length;
  }

  function up(): string {
    return drawn > 0 ? `\u001b[${drawn}A\r` : '\r';
  }

  function stay(line: string): void {
    if (!screen.live) return screen.print(line);
    screen.raw(`${up()}${clearDown}${line}\n`);
    drawn = 0;
    draw();
  }

  function lineOf(snapshot: RunSnapshot): string {
    const { id, status, createdAt, updatedAt } = snapshot;
    const took = hasEnded(snapshot) ? ` ${span(updatedAt - createdAt)}` : '';
    const name = fit(oneLine(id), 36);
    const padded = name + ' '.repeat(Math.max(0, 10 - widthOf(name)));
    const state = fit(
      clean(stateText(snapshot.value)).replace(/^done$/, ''),
      Math.max(10, screen.width - widthOf(padded) - 25),
    );
    return `${padded}  ${paintStatus(screen, status, status.padEnd(9))}  ${state}${screen.paint('dim', took)}`;
  }

  return {
    moved(snapshot) {
      const before = latest.get(snapshot.id);
      latest.set(snapshot.id, snapshot);
      active.set(snapshot.id, lineOf(snapshot));
      if (before && before.status === snapshot.status && isDeepStrictEqual(before.value, snapshot.value))
        return;
      const { id, status, value, updatedAt } = snapshot;
      screen.jsonLine({ type: 'progress', run: id, status, state: value, at: new Date(updatedAt) });
      if (!screen.live) screen.print(`${time(updatedAt)}  ${lineOf(snapshot)}`);
    },
    atRest(runId) {
      const line = active.get(runId);
      active.delete(runId);
      settled += 1;
      if (line !== undefined && screen.live) stay(line);
    },
    failed(runId, error) {
      active.delete(runId);
      settled += 1;
      screen.jsonLine({ type: 'progress', run: runId, status: 'stuck', error });
      stay(`${oneLine(runId)}  ${screen.paint('red', 'stuck')}  ${oneLine(error.message)}`);
    },
    note: stay,
    close() {
      clearInterval(redraw);
      if (screen.live) screen.raw(`${up()}${clearDown}`);
      drawn = 0;
    },
  };
}
