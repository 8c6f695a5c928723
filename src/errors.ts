/**
 * Every error that Signalbox throws: one class per kind, each with a stable `code`.
 *
 * They are split by what the caller should do, which `remedy` tells:
 * `fix-input` (the call was wrong), `retry-later` (nothing is wrong with the call), `stop` (a person must look),
 * `lost-race` (someone else did it first). Classes are revived by name when they come back out of a store, so a
 * guard that asks `event.error instanceof OutcomeUnknown` answers the same before and after a crash.
 */

export type Remedy = 'fix-input' | 'retry-later' | 'stop' | 'lost-race';

/** One thing wrong with a value: where, and what was expected. Zod's issues have this shape. */
export interface Issue {
  readonly path: ReadonlyArray<string | number>;
  readonly message: string;
}

export interface ErrorDetails {
  readonly cause?: unknown;
  /** Plain data that helps the caller: ids, the wrong value, issues. */
  readonly details?: Readonly<Record<string, unknown>>;
}

export class SignalboxError extends Error {
  readonly code: string;
  readonly remedy: Remedy;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: string, remedy: Remedy, message: string, { cause, details = {} }: ErrorDetails = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.code = code;
    this.remedy = remedy;
    this.details = details;
  }
}

/** A workflow, option or argument is not what was expected. */
export class InvalidOption extends SignalboxError {
  constructor(message: string, details?: ErrorDetails) {
    super('INVALID_OPTION', 'fix-input', message, details);
  }
}

/** `defineWorkflow` was given a machine that cannot run durably. */
export class WorkflowInvalid extends SignalboxError {
  constructor(message: string, details?: ErrorDetails) {
    super('WORKFLOW_INVALID', 'fix-input', message, details);
  }
}

/** `check` finds errors in a workflow that nobody has accepted, so it is not run. `details.findings` lists them. */
export class WorkflowRefused extends SignalboxError {
  constructor(message: string, details?: ErrorDetails) {
    super('WORKFLOW_REFUSED', 'fix-input', message, details);
  }
}

/** No workflow of that name, or not in the version that the run started with, is known to this engine. */
export class WorkflowNotFound extends SignalboxError {
  constructor(message: string, details?: ErrorDetails) {
    super('WORKFLOW_NOT_FOUND', 'fix-input', message, details);
  }
}

/** The input of a run does not match the workflow's input schema. `details.issues` has zod's issues. */
export class InputInvalid extends SignalboxError {
  constructor(message: string, details?: ErrorDetails) {
    super('INPUT_INVALID', 'fix-input', message, details);
  }
}

/** An event's payload does not match its schema, or no state of the workflow knows the event at all. */
export class EventInvalid extends SignalboxError {
  constructor(message: string, details?: ErrorDetails) {
    super('EVENT_INVALID', 'fix-input', message, details);
  }
}

/** The state that the run was in when it was the event's turn does not accept it. */
export class EventNotAccepted extends SignalboxError {
  constructor(message: string, details?: ErrorDetails) {
    super('EVENT_NOT_ACCEPTED', 'fix-input', message, details);
  }
}

/** Who sent the event may not answer what the state asks. `details.who` has who may. */
export class AnswerNotAllowed extends SignalboxError {
  constructor(message: string, details?: ErrorDetails) {
    super('ANSWER_NOT_ALLOWED', 'fix-input', message, details);
  }
}

/** No run with that id is in the store. */
export class RunNotFound extends SignalboxError {
  constructor(runId: string) {
    super('RUN_NOT_FOUND', 'fix-input', `No run \`${runId}\` in this store. List the runs to find its id.`, {
      details: { runId },
    });
  }
}

/** A run with that id was started before, with another workflow, version or input. */
export class RunConflict extends SignalboxError {
  constructor(message: string, details?: ErrorDetails) {
    super('RUN_CONFLICT', 'fix-input', message, details);
  }
}

/** The run ended in failure. `cause` is the error that ended it. */
export class RunFailed extends SignalboxError {
  constructor(message: string, details?: ErrorDetails) {
    super('RUN_FAILED', 'stop', message, details);
  }
}

/** The run was cancelled. */
export class RunCancelled extends SignalboxError {
  constructor(message: string, details?: ErrorDetails) {
    super('RUN_CANCELLED', 'stop', message, details);
  }
}

/**
 * No worker executes the run until a person has looked at it. `details.problem` has the code and the message of the reason;
 * `details.stored` says whether a message was stored for it, where one was sent.
 */
export class RunStuck extends SignalboxError {
  constructor(message: string, details?: ErrorDetails) {
    super('RUN_STUCK', 'stop', message, details);
  }
}

/** The run has been taken over from dead workers too often and is not executed. `engine.resume(id)` tries again. */
export class RunParked extends SignalboxError {
  constructor(message: string, details?: ErrorDetails) {
    super('RUN_PARKED', 'stop', message, details);
  }
}

/**
 * The store has an older state of the run than this process has seen: a failover lost commits. The run is not executed, as
 * calls may be made twice. `engine.resume(id)` accepts the older state. `details`: `runId`, `storedSeq`, `seenSeq`.
 */
export class RunRolledBack extends SignalboxError {
  constructor(message: string, details?: ErrorDetails) {
    super('RUN_ROLLED_BACK', 'stop', message, details);
  }
}

/** The run has not ended, so it is not deleted. Cancel it first. */
export class RunActive extends SignalboxError {
  constructor(message: string, details?: ErrorDetails) {
    super('RUN_ACTIVE', 'fix-input', message, details);
  }
}

/** The run cannot be retried: it has not failed, or not from there. */
export class RetryNotPossible extends SignalboxError {
  constructor(message: string, details?: ErrorDetails) {
    super('RETRY_NOT_POSSIBLE', 'fix-input', message, details);
  }
}

/**
 * No live worker executes runs of this workflow version. What was sent stays stored (`details.stored`,
 * `details.messageId`) and is applied once a worker is back.
 */
export class NoWorkerError extends SignalboxError {
  constructor(message: string, details?: ErrorDetails) {
    super('NO_WORKER', 'retry-later', message, details);
  }
}

/** A stored state cannot be hosted by the workflow at hand: a state or actor that it names is gone. The run is left as it was. */
export class SnapshotNotRestorable extends SignalboxError {
  constructor(message: string, details?: ErrorDetails) {
    super('SNAPSHOT_NOT_RESTORABLE', 'stop', message, details);
  }
}

/** A value holds something that cannot be stored and come back equal: a function, a symbol, a class instance. */
export class ValueNotCarriable extends SignalboxError {
  constructor(message: string, details?: ErrorDetails) {
    super('VALUE_NOT_CARRIABLE', 'fix-input', message, details);
  }
}

/** An actor was spawned from inline logic, which has no name to find it by after a restart. */
export class InlineSpawn extends SignalboxError {
  constructor(message: string, details?: ErrorDetails) {
    super('INLINE_SPAWN', 'fix-input', message, details);
  }
}

/** An actor was given input, or gave output, that its schema refuses. `details.issues` has zod's issues. */
export class ActorValueInvalid extends SignalboxError {
  constructor(message: string, details?: ErrorDetails) {
    super('ACTOR_VALUE_INVALID', 'stop', message, details);
  }
}

/** A model's answer is not usable: refused, cut off, empty, or not of the schema. `details.stopReason` says which. */
export class ModelAnswerInvalid extends SignalboxError {
  constructor(message: string, details?: ErrorDetails) {
    super('MODEL_ANSWER_INVALID', 'stop', message, details);
  }
}

/** The call to a model's provider failed. `details.status` has the HTTP status where there was one. */
export class ModelCallFailed extends SignalboxError {
  constructor(message: string, details?: ErrorDetails) {
    super('MODEL_CALL_FAILED', 'retry-later', message, details);
  }
}

/**
 * A call to a tool of an MCP server gave no result. `details.kind` says why, `details.retryable` whether to try again,
 * `details.mayHaveActed` whether the tool may have taken effect all the same.
 */
export class McpCallFailed extends SignalboxError {
  constructor(message: string, details?: ErrorDetails) {
    super('MCP_CALL_FAILED', 'retry-later', message, details);
  }
}

/** A tool of an MCP server answered that it failed. `details.reason` has its text. */
export class McpToolFailed extends SignalboxError {
  constructor(message: string, details?: ErrorDetails) {
    super('MCP_TOOL_FAILED', 'stop', message, details);
  }
}

/** An MCP server has no such tool, or its schemas and the actor's cannot fit. `details.issues` says where. */
export class McpToolMismatch extends SignalboxError {
  constructor(message: string, details?: ErrorDetails) {
    super('MCP_TOOL_MISMATCH', 'fix-input', message, details);
  }
}

/** A call could overrun the run's budget, and was not made. `details` has the budget, what is spent, and the most it could cost. */
export class BudgetExceeded extends SignalboxError {
  constructor(message: string, details?: ErrorDetails) {
    super('BUDGET_EXCEEDED', 'stop', message, details);
  }
}

/** An actor's output has the right form and was not accepted. `details` has the reasons and the output. */
export class GateRejected extends SignalboxError {
  constructor(message: string, details?: ErrorDetails) {
    super('GATE_REJECTED', 'stop', message, details);
  }
}

/** More items of a map failed than are borne. `details.failures` has them. */
export class MapFailed extends SignalboxError {
  constructor(message: string, details?: ErrorDetails) {
    super('MAP_FAILED', 'stop', message, details);
  }
}

/** A run that an actor had started failed or was cancelled. `cause` is its error, `details.runId` its id. */
export class ChildRunFailed extends SignalboxError {
  constructor(message: string, details?: ErrorDetails) {
    super('CHILD_RUN_FAILED', 'stop', message, details);
  }
}

/** Too many calls in a row have failed, so none is made for a while. `details.retryAfterMs` says how long. */
export class CircuitOpen extends SignalboxError {
  constructor(message: string, details?: ErrorDetails) {
    super('CIRCUIT_OPEN', 'retry-later', message, details);
  }
}

/** An attempt, or all attempts together, took longer than allowed. `details.timeoutMs` has the limit. */
export class TimedOut extends SignalboxError {
  constructor(message: string, details?: ErrorDetails) {
    super('TIMED_OUT', 'retry-later', message, details);
  }
}

/**
 * An irreversible invocation was started and its outcome is not known: the worker died, or the other side did not
 * answer. It is never performed again on its own.
 */
export class OutcomeUnknown extends SignalboxError {
  constructor(message: string, details?: ErrorDetails) {
    super('OUTCOME_UNKNOWN', 'stop', message, details);
  }
}

/** Another worker holds this run now; what this one was about to write was refused. */
export class LeaseLost extends SignalboxError {
  constructor(runId: string) {
    super(
      'LEASE_LOST',
      'lost-race',
      `Another worker took over run \`${runId}\`; this worker's write was refused.`,
      {
        details: { runId },
      },
    );
  }
}

/** The store's file or server holds something that is not a Signalbox store of this format. Nothing was written. */
export class StoreForeign extends SignalboxError {
  constructor(message: string, details?: ErrorDetails) {
    super('STORE_FOREIGN', 'stop', message, details);
  }
}

/** The store cannot be reached or is closed. */
export class StoreUnavailable extends SignalboxError {
  constructor(message: string, details?: ErrorDetails) {
    super('STORE_UNAVAILABLE', 'retry-later', message, details);
  }
}

/**
 * A call took longer than its `timeoutMs`. `details.stored` says whether what it sent was stored (`true`, `false` or
 * `'unknown'`), `details.messageId` as which message.
 */
export class WaitTimeout extends SignalboxError {
  constructor(message: string, details?: ErrorDetails) {
    super('WAIT_TIMEOUT', 'retry-later', message, details);
  }
}

/**
 * The engine is stopping or stopped. `details.stored` says whether what the call sent was stored (`true`, `false` or
 * `'unknown'`), `details.messageId` as which message.
 */
export class EngineStopped extends SignalboxError {
  constructor(
    details: Readonly<Record<string, unknown>> = {},
    message = 'The engine was stopped. Create another one to continue.',
  ) {
    super('ENGINE_STOPPED', 'retry-later', message, { details });
  }
}

/**
 * A run that is answered by recordings made a request that was not recorded. No call was made. `details` has the actor,
 * the folder, and where the nearest recorded request differs.
 */
export class ExchangeNotRecorded extends SignalboxError {
  constructor(message: string, details?: ErrorDetails) {
    super('EXCHANGE_NOT_RECORDED', 'fix-input', message, details);
  }
}

/** A folder or file of recorded exchanges cannot be used. `details.file` or `details.folder` has its path. */
export class FixtureInvalid extends SignalboxError {
  constructor(message: string, details?: ErrorDetails) {
    super('FIXTURE_INVALID', 'fix-input', message, details);
  }
}

/** One line per issue, each with its path: `customer.email: Invalid email`. */
export function describeIssues(issues: readonly Issue[]): string {
  return issues
    .map(({ path, message }) => (path.length ? `${path.join('.')}: ${message}` : message))
    .join('; ');
}

/** The store no longer has a run that a worker holds: it was deleted, or a failover has lost it. */
export class RunMissing extends SignalboxError {
  constructor(message: string, details?: ErrorDetails) {
    super('RUN_MISSING', 'stop', message, details);
  }
}

/** The state of a run is larger than `maxStateBytes`. `details.field` names the largest field of its context. */
export class StateTooLarge extends SignalboxError {
  constructor(message: string, details?: ErrorDetails) {
    super('STATE_TOO_LARGE', 'stop', message, details);
  }
}

/** Code of a run threw, or rejected, where nothing awaits it: in a timer that an action has started, say. */
export class UnhandledError extends SignalboxError {
  constructor(message: string, details?: ErrorDetails) {
    super('UNHANDLED_ERROR', 'stop', message, details);
  }
}
