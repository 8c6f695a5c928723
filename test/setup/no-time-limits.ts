/** `vi.waitFor` and `vi.waitUntil` wait until what they wait for is so, on a machine of any speed: they have no limit here. */
import { vi } from 'vitest';

const patched = Symbol.for('signalbox.test.noTimeLimits');
/** The longest that a timer of Node waits. */
const unlimitedMs = 2 ** 31 - 1;

// Test files of one worker share `vi`.
const shared = vi as typeof vi & { [patched]?: true };
if (!shared[patched]) {
  const { waitFor, waitUntil } = vi;
  vi.waitFor = (callback, options) => waitFor(callback, { ...intervalOf(options), timeout: unlimitedMs });
  vi.waitUntil = (callback, options) => waitUntil(callback, { ...intervalOf(options), timeout: unlimitedMs });
  shared[patched] = true;
}

function intervalOf(options?: number | { readonly interval?: number }): { readonly interval: number } {
  return { interval: 10, ...(typeof options === 'object' && options) };
}
