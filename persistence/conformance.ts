/**
 * What every store does, as cases that any test runner can run. An adapter that passes them all keeps the invariants
 * of `store.ts`; the engine asks for nothing more.
 *
 * The cases use their own times (1000 and up), so a store must not look at the clock of its machine for leases and
 * appointments. What a store does with damaged data is tried if the test can damage it (`damage`, `orphan`).
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
import { lifeCases } from './conformance/life-cases.ts';
import { problemCases } from './conformance/problem-cases.ts';
import { processCases } from './conformance/process-cases.ts';
import { queryCases } from './conformance/query-cases.ts';
import { recordingCases } from './conformance/recording-cases.ts';
import { sharedCases } from './conformance/shared-cases.ts';

export type { OpenedStore, OpenStore, StoreCase } from './conformance/case.ts';

export const storeConformance: readonly StoreCase[] = [
  ...createCases,
  ...leaseCases,
  ...problemCases,
  ...commitCases,
  ...recordingCases,
  ...inboxCases,
  ...queryCases,
  ...lifeCases,
  ...processCases,
  ...sharedCases,
];
