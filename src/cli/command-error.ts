/** What is wrong with a command before the engine is asked anything; the engine's own errors come as they are. */
import { EngineStopped, type ErrorDetails, SignalboxError } from '../errors.ts';

export type CommandErrorCode =
  | 'USAGE'
  | 'JSON_INVALID'
  | 'FILE_NOT_READABLE'
  | 'MODULE_NOT_USABLE'
  | 'STORE_NOT_FOUND'
  | 'PEER_MISSING'
  | 'SERVICES_NOT_STARTED'
  | 'CHECK_FAILED'
  | 'PROMOTION_FAILED';

export class CommandError extends SignalboxError {
  constructor(code: CommandErrorCode, message: string, details?: ErrorDetails) {
    super(code, 'fix-input', message, details);
  }
}

/** A signal ended the command before it had its answer. */
export class Interrupted extends EngineStopped {
  readonly exit: number;

  constructor(exit: number) {
    super({}, 'Stopped. What was stored stays stored; the same command again goes on.');
    this.exit = exit;
  }
}
