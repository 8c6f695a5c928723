/** A run in a line: which it is, of what, how it stands and where. */
import type { RunOutcome } from './outcome.ts';
import type { Screen } from './screen.ts';
import { paintStatus, stateText } from './state-text.ts';
import { oneLine } from './text.ts';

type Standing = Pick<RunOutcome, 'run' | 'workflow' | 'version' | 'status' | 'state'>;

export function runLine(screen: Screen, { run, workflow, version, status, state }: Standing): string {
  const words = [
    screen.paint('bold', oneLine(run)),
    `${workflow}@${version}`,
    paintStatus(screen, status),
    oneLine(stateText(state)),
  ];
  return words.filter(Boolean).join(' · ');
}
