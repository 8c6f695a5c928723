/** What was on record of a run, as an example of its workflow: its input, what its actors answered, what its events held. */
import type { HistoryEntry } from '../../engine/history.ts';
import type { WorkflowExample } from '../../workflow.ts';

/**
 * Give it with the workflow's own examples, so that paths and ways are looked for among answers that were really given.
 *
 * @example
 * ```ts
 * const recorded = recordedExample('T-5', await engine.run('T-5').history());
 * whyNot(supportTicket, state, 'APPROVE', { examples: [recorded, ...supportTicket.examples] });
 * ```
 */
export function recordedExample(name: string, history: readonly HistoryEntry[]): WorkflowExample<unknown> {
  const sources = new Map<string, string>();
  const outputs: Record<string, unknown[]> = {};
  const events: Record<string, Array<Readonly<Record<string, unknown>>>> = {};
  let input: unknown;
  for (const entry of history) {
    if (entry.type !== 'message') continue;
    const { message, started = [] } = entry;
    for (const { key, src } of started) sources.set(key, src);
    if (message.type === 'start') ({ input } = message);
    if (message.type === 'output') {
      const src = sources.get(message.key);
      if (src !== undefined) (outputs[src] ??= []).push(message.output);
    }
    if (message.type === 'event') {
      const { type, ...payload } = message.event;
      (events[type] ??= []).push(payload);
    }
  }
  return { name, input, outputs, events };
}
