/** The time that leases, timers and due runs of a store go by: its own, if it has a clock. */
import type { Store } from './open-store.ts';

/** A clock that was set once by the store's. */
export async function storeTime(store: Pick<Store, 'time'>): Promise<() => number> {
  const ahead = store.time ? (await store.time()) - Date.now() : 0;
  return () => Date.now() + ahead;
}
