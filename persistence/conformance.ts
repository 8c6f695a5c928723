/**
 * What every store does, as cases that any test runner can run. An adapter that passes them all keeps the invariants
 * of `store.ts`; the engine asks for nothing more.
 *
 * The cases use their own times (1000 and up), so a store must not look at the clock of its machine for leases and
 * appointments.
 *
 * @example
 * import { storeConformance } from 'signalbox/testing';
 *
 * describe('my store', () => {
 *   for (const { name, run } of storeConformance) {
 *     it(name, () =>
 *       run(async () => {
 *         const name = randomUUID();
 *         return { store: myStore(name), reopen: async () => myStore(name) };
 *       }),
 *     );
 *   }
 * });
 */
import type { StoreCase } from './conformance/case.ts';
import { commitCases } from './conformance/commit-cases.ts';
import { createCases } from './conformance/create-cases.ts';
import { inboxCases } from './conformance/inbox-cases.ts';
import { leaseCases } from './conformance/lease-cases.ts';
import { queryCases } from './conformance/query-cases.ts';
import { sharedCases } from './conformance/shared-cases.ts';

export type { OpenedStore, OpenStore, StoreCase } from './conformance/case.ts';

export const storeConformance: readonly StoreCase[] = [
  ...createCases,
  ...leaseCases,
  ...commitCases,
  ...inboxCases,
  ...queryCases,
  ...sharedCases,
];
