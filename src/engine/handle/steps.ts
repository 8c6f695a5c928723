/** Follows a run: every history entry as it is stored, until the run has ended. */
import { StoreUnavailable } from '../../errors.ts';
import { decodeEntry, type HistoryEntry } from '../history.ts';
import { hasEnded } from '../progress.ts';
import { answered } from './answered.ts';
import { bounded, type CallFacts, type WaitOptions } from './bounded.ts';
import type { EngineCore } from './core.ts';

export interface StepsOptions extends WaitOptions {
  /** Leave out so many entries at the beginning. Default: 0. */
  readonly from?: number | undefined;
}

const pageSize = 200;
const lookMs = 50;
const maxLookMs = 500;
const slowdown = 1.1;

/** Reads only as fast as the entries are taken. `timeoutMs` is for each next one. */
export async function* stepsOf(
  core: EngineCore,
  id: string,
  { from = 0, ...options }: StepsOptions,
): AsyncGenerator<HistoryEntry, void, undefined> {
  for (let next = from; ;) {
    const facts: CallFacts = { runId: id };
    const start = next;
    const page = await bounded(core, options, facts, ({ onOver }) => nextPage(core, id, start, onOver));
    for (const text of page) yield decodeEntry(text);
    next += page.length;
    if (page.length === 0) return;
  }
}

/** The entries from there on, once there are any; none if the run has ended and there will be no more. */
function nextPage(
  core: EngineCore,
  id: string,
  from: number,
  onOver: (fn: () => void) => void,
): Promise<readonly string[]> {
  return new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined;
    let isOver = false;
    let intervalMs = lookMs;
    const schedule = (delayMs: number): void => {
      clearTimeout(timer);
      if (!isOver) timer = setTimeout(() => void look(), delayMs);
    };
    const look = async (): Promise<void> => {
      try {
        // Before the history, so that what is missing from it was not there when the run had ended.
        const { status } = await answered(core.load(id));
        const page = await answered(core.store.history(id, from, pageSize));
        if (page.length > 0 || hasEnded(status)) return resolve(page);
        core.assertRunning();
      } catch (error) {
        if (!(error instanceof StoreUnavailable) || error.details['closed'] === true)
          return reject(error as Error);
      }
      intervalMs = Math.min(intervalMs * slowdown, maxLookMs);
      schedule(intervalMs);
    };
    const unlisten = core.listen(id, { stepped: () => schedule(0), left: () => schedule(0) });
    onOver(() => {
      isOver = true;
      clearTimeout(timer);
      unlisten();
    });
    void look();
  });
}
