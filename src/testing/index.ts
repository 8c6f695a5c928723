/** What users import in their own tests: `signalbox/testing`. */
export {
  type OpenedStore,
  type OpenStore,
  storeConformance,
  type StoreCase,
} from '../../persistence/conformance.ts';
export {
  createMessagesServer,
  type MessagesServer,
  type MessagesServerOptions,
  type ScriptedAnswer,
} from './messages-server/index.ts';
export { createVirtualClock, type VirtualClock } from './virtual-clock.ts';
