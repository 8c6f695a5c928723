/** What users import in their own tests: `signalbox/testing`. */
export { type OpenStore, storeConformance, type StoreCase } from '../../persistence/conformance.ts';
export { createMessagesServer } from './messages-server.ts';
export { createVirtualClock, type VirtualClock } from './virtual-clock.ts';
