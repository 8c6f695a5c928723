/** How large a stored state may be. */
import { StateTooLarge } from '../errors.ts';
import { encode } from './codec.ts';
import type { RunState } from './run-state.ts';

/** In characters of the encoded state. Each step writes all of it. */
export const defaultMaxStateBytes = 64 * 1024 * 1024;

export function stateTooLarge(
  runId: string,
  state: RunState,
  bytes: number,
  maxBytes: number,
): StateTooLarge {
  const field = largestField(state.snapshot.context);
  const where = field === undefined ? '' : ` The largest field of its context is \`${field}\`.`;
  return new StateTooLarge(
    `The state of run \`${runId}\` would take ${bytes} bytes, more than the ${maxBytes} that one may have.${where} Keep large values elsewhere and their address in the context.`,
    { details: { runId, bytes, maxBytes, ...(field === undefined ? {} : { field }) } },
  );
}

function largestField(context: unknown): string | undefined {
  if (typeof context !== 'object' || context === null) return undefined;
  let largest: string | undefined;
  let most = -1;
  for (const [field, value] of Object.entries(context)) {
    const { length } = encode(value);
    if (length > most) [largest, most] = [field, length];
  }
  return largest;
}
