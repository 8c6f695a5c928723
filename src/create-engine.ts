/** `createEngine` as users have it: the engine, for workflows that were looked at. */
import { createEngine as createUncheckedEngine, type Engine } from './engine/engine.ts';
import type { EngineOptions as UncheckedEngineOptions } from './engine/engine.ts';
import { createRegistry } from './engine/registry.ts';
import { assertSound, type Extent } from './graph/checks/assert-sound.ts';

export interface EngineOptions extends UncheckedEngineOptions {
  /**
   * How far its workflows are looked at before any of them runs, as by `check`. `false`: not at all. Default: as far as the
   * first 100 states of a run.
   */
  readonly check?: Extent | false;
}

/**
 * An engine for these workflows, and for those that they start runs of.
 *
 * Throws `WorkflowRefused` if `check` finds an error in one of them that nobody has accepted; `InvalidOption` for an option or
 * example that is not as described.
 *
 * @example
 * ```ts
 * const engine = createEngine({ workflows: [supportTicket], store: sqliteStore('signalbox.db') });
 * const run = await engine.start(supportTicket, { id: ticket.id, input: ticket });
 * const output = await run.result();
 * ```
 */
export function createEngine({ check = {}, ...options }: EngineOptions): Engine {
  if (check !== false) {
    for (const workflow of createRegistry(options.workflows).byRef.values()) {
      assertSound(workflow, check, '`createEngine({ check: false })` takes every workflow.');
    }
  }
  return createUncheckedEngine(options);
}
