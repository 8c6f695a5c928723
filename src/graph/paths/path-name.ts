/** What steps and paths are called, for people. */
import type { Move } from '../moves.ts';

/** `draftReply → too long`, `APPROVE`, `after approvalTime`. */
export function nameOfMove(move: Move): string {
  const { type, name, label } = move;
  if (type === 'start') return label;
  if (type === 'answer') return `${name} → ${label}`;
  return name;
}

/** Steps that have nothing to say are left out: the start, if there is one input only. */
export function nameOfPath(steps: readonly string[]): string {
  return steps.filter((step) => step !== '').join(', ');
}
