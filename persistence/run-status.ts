/** Which statuses there are and which of them are ends, for adapters that index runs by status. */
import type { RunStatus } from './store.ts';

export const runStatuses: readonly RunStatus[] = ['running', 'waiting', 'done', 'failed', 'cancelled'];

export function hasEnded(status: RunStatus): boolean {
  return status === 'done' || status === 'failed' || status === 'cancelled';
}
