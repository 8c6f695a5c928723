/** What users import in their own tests: `signalbox/testing`. */
export {
  type OpenedStore,
  type OpenStore,
  storeConformance,
  type StoreCase,
} from '../../persistence/conformance.ts';
export type { Fixture } from './fixtures/fixture.ts';
export { recordExchanges, type Recorder, type RecordOptions } from './fixtures/record-exchanges.ts';
export { type FixtureSummary, type Replay, replayExchanges } from './fixtures/replay-exchanges.ts';
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
export type { PathCoverage } from './paths/coverage.ts';
export {
  pathTests,
  type PathTest,
  type PathTests,
  type PathTestsOptions,
  type PlayedPaths,
} from './paths/path-tests.ts';
export { type DefineGroup, type DefineTest, testPaths, type TestPathsOptions } from './paths/test-paths.ts';
export { createVirtualClock, type VirtualClock } from './virtual-clock.ts';
