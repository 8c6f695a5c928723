/** A scope that differs from another in its signal, or in how it calls the outside; so do the parts within it. */
import type { InvocationScope } from '../../invocation.ts';

export type ScopeChanges = Partial<Pick<InvocationScope, 'signal' | 'exchange'>>;

export function withScope(scope: InvocationScope, changes: ScopeChanges): InvocationScope {
  return {
    runId: scope.runId,
    workflow: scope.workflow,
    key: scope.key,
    attempt: scope.attempt,
    get signal() {
      return changes.signal ?? scope.signal;
    },
    now: () => scope.now(),
    after: (ms, fn) => scope.after(ms, fn),
    once: (name, fn) => scope.once(name, fn),
    kept: (name) => scope.kept(name),
    cached: (key, fn, options) => scope.cached(key, fn, options),
    exchange: changes.exchange ?? ((call) => scope.exchange(call)),
    partial: (text) => scope.partial(text),
    within(part, options) {
      const signal = options?.signal ?? changes.signal;
      return withScope(scope.within(part, signal && { signal }), {
        ...(changes.exchange && { exchange: changes.exchange }),
      });
    },
    shared: scope.shared,
    runs: scope.runs,
  };
}
