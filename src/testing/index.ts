/** What users import in their own tests: `signalbox/testing`. */
export {
  type OpenedStore,
  type OpenStore,
  storeConformance,
  type StoreCase,
} from '../../persistence/conformance.ts';
export {
  type AnswerTiming,
  createMessagesServer,
  type ErrorAnswer,
  type Fault,
  type FaultAnswer,
  type MessageAnswer,
  type MessagesRequest,
  type MessagesRequestBody,
  type MessagesServer,
  type MessagesServerOptions,
  type Script,
  type ScriptedAnswer,
} from './messages-server/index.ts';
export {
  type MessagesServerProcess,
  type MessagesServerProcessOptions,
  type MessagesServerSeen,
  startMessagesServerProcess,
} from './messages-server/messages-server-process.ts';
export { createVirtualClock, type VirtualClock } from './virtual-clock.ts';
