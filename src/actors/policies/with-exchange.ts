/** A scope that calls the outside in another way; so do the parts within it. */
import type { InvocationScope } from '../../invocation.ts';

export function withExchange(
  scope: InvocationScope,
  /** Makes the calls of a scope. */
  exchangeOf: (scope: InvocationScope) => InvocationScope['exchange'],
): InvocationScope {
  return {
    runId: scope.runId,
    workflow: scope.workflow,
    key: scope.key,
    attempt: scope.attempt,
    get signal() {
      return scope.signal;
    },
    now: () => scope.now(),
    after: (ms, fn) => scope.after(ms, fn),
    once: (name, fn) => scope.once(name, fn),
    kept: (name) => scope.kept(name),
    cached: (key, fn, options) => scope.cached(key, fn, options),
    exchange: exchangeOf(scope),
    costOf: (call) => scope.costOf(call),
    partial: (text) => scope.partial(text),
    within: (part, options) => withExchange(scope.within(part, options), exchangeOf),
    under: (signal) => withExchange(scope.under(signal), exchangeOf),
    shared: scope.shared,
    runs: scope.runs,
  };
}
