/** Outcomes as the machine gets them in the engine: what an actor gave has been in the store by then. */
import { carriedError } from '../../engine/carried-error.ts';
import { carried } from '../../engine/codec.ts';
import { errorLabel } from './error-label.ts';
import type { Outcome } from './outcome.ts';

/** Classes of one's own have become plain errors; an output that no store can carry has become an error. */
export function asStored(outcome: Outcome, src: string): Outcome {
  if ('error' in outcome) return { ...outcome, error: carriedError(outcome.error) };
  try {
    return { ...outcome, output: carried(outcome.output, `output of ${src}`) };
  } catch (error) {
    return { label: error instanceof Error ? errorLabel(error) : 'failed', error: carriedError(error) };
  }
}
