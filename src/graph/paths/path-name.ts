/** What steps and paths are called, for people. */
import type { Verdict } from '../../gates/verdict.ts';
import type { Move } from '../moves.ts';
import type { Path, PathStep } from './path.ts';

/** `classifyTicket → billing`, `draftReply → text (not replyChecked)`, `EDIT amount 50`, `after approvalTime`. */
export function nameOfStep(move: Move, verdicts: readonly Verdict[]): string {
  const refused = [...new Set(verdicts.filter(({ passed }) => !passed).map(({ gate }) => gate))];
  const name = nameOfMove(move) + ('late' in move ? ' (late)' : '');
  return refused.length > 0 && name !== '' ? `${name} (not ${refused.join(', ')})` : name;
}

function nameOfMove({ type, name, label }: Move): string {
  switch (type) {
    case 'start':
      return label;
    case 'answer':
      return `${name} → ${label}`;
    case 'event':
      return label === 'ok' ? name : `${name} ${label}`;
    case 'timer':
      return name;
  }
}

/** Steps that have nothing to say are left out: the start, if there is one input only. */
export function nameOfPath(steps: readonly string[]): string {
  return steps.filter((step) => step !== '').join(', ');
}

export function namedPaths(all: ReadonlyArray<readonly PathStep[]>): Path[] {
  const times = new Map<string, number>();
  return all.map((steps) => {
    const name = nameOfPath(steps.map((step) => step.name));
    const count = (times.get(name) ?? 0) + 1;
    times.set(name, count);
    return { name: count === 1 ? name : `${name} (${count})`, steps };
  });
}
