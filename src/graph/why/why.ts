/** `why`: how a run came to where it is, step by step, with what its gates were asked and what they said. */
import type { StateValue } from 'xstate';

import type { HistoryEntry, MessageEntry } from '../../engine/history.ts';
import type { Message } from '../../engine/run-state.ts';
import type { Answerer } from '../../gates/person.ts';
import type { Verdict } from '../../gates/verdict.ts';
import { wordsOf } from './message-words.ts';

/** One message of a run, and what it led to. */
export interface WhyStep {
  /** The sequence number of the state that it led to; 1 is the start. Left out if it was refused. */
  readonly seq?: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** What came, in the words of `paths`, without the gates that said no: `draftReply → text`, `APPROVE`, `after approvalTime`. */
  readonly what: string;
  /** What came, in full: what gates see that name nothing of their own. */
  readonly message: Message;
  /** Who sent the event, if they said so. */
  readonly by?: Answerer;
  /** The gates that were asked, in order. */
  readonly gates: readonly Verdict[];
  /** Where the route was. Left out before the start. */
  readonly from?: StateValue;
  /** Where it went. */
  readonly to?: StateValue;
  readonly status?: MessageEntry['status'];
  /** Why the run did not take the event when it was its turn. */
  readonly refused?: string;
}

/**
 * The steps of a run, in order. It needs its history alone, so it also tells of runs whose workflow is gone.
 *
 * @example
 * ```ts
 * for (const { what, gates, to } of why(await engine.run('T-5').history())) {
 *   console.log(what, '→', to, gates.filter(({ passed }) => !passed).flatMap(({ reasons }) => reasons));
 * }
 * ```
 */
export function why(history: readonly HistoryEntry[]): readonly WhyStep[] {
  const steps: WhyStep[] = [];
  let from: StateValue | undefined;
  for (const entry of history) {
    const before = from === undefined ? {} : { from };
    if (entry.type === 'refused') {
      const { at, event, reason: refused } = entry;
      const message: Message = { type: 'event', at, event };
      steps.push({ at, what: wordsOf(message), message, gates: [], ...before, refused });
    }
    if (entry.type !== 'message') continue;
    const { seq, at, message, by, verdicts: gates = [], value, status } = entry;
    const who = by ? { by } : {};
    const led = value === undefined ? {} : { to: value };
    steps.push({ seq, at, what: wordsOf(message), message, ...who, gates, ...before, ...led, status });
    from = value ?? from;
  }
  return steps;
}
