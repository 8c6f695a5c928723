/** With what code a command ends, by the kind of its error. The one place that says so; help and the README copy it. */
import { SignalboxError } from '../errors.ts';
import { Interrupted } from './command-error.ts';

export interface ExitCode {
  readonly exit: number;
  readonly meaning: string;
  /** The `code`s of the errors that end a command so. */
  readonly errors: readonly string[];
}

export const exitCodes: readonly ExitCode[] = [
  { exit: 0, meaning: 'Done. Runs that wait for a person or a timer are no error.', errors: [] },
  { exit: 1, meaning: 'Unexpected: a defect, or a failure with no code of its own here.', errors: [] },
  { exit: 2, meaning: 'The command line or an option is wrong.', errors: ['USAGE', 'INVALID_OPTION'] },
  { exit: 3, meaning: 'What was given is not JSON.', errors: ['JSON_INVALID'] },
  {
    exit: 4,
    meaning: 'A file or folder is missing, or cannot be read or written.',
    errors: ['FILE_NOT_READABLE'],
  },
  {
    exit: 5,
    meaning: "The workflow's schema refuses the input.",
    errors: ['INPUT_INVALID', 'VALUE_NOT_CARRIABLE'],
  },
  { exit: 6, meaning: 'There is no such workflow, or not in that version.', errors: ['WORKFLOW_NOT_FOUND'] },
  { exit: 7, meaning: 'There is no such run.', errors: ['RUN_NOT_FOUND'] },
  { exit: 8, meaning: 'The workflow has no such event.', errors: ['EVENT_UNKNOWN'] },
  { exit: 9, meaning: "The event's schema refuses its data.", errors: ['EVENT_INVALID'] },
  {
    exit: 10,
    meaning: 'The run does not accept the event now, or has ended.',
    errors: ['EVENT_NOT_ACCEPTED'],
  },
  { exit: 11, meaning: 'The run id was used with another workflow or input.', errors: ['RUN_CONFLICT'] },
  { exit: 12, meaning: 'A run failed.', errors: ['RUN_FAILED'] },
  { exit: 13, meaning: 'A run was cancelled.', errors: ['RUN_CANCELLED'] },
  {
    exit: 14,
    meaning: 'No worker executes a run: its state does not fit the workflow, or its workers died.',
    errors: ['SNAPSHOT_NOT_RESTORABLE', 'RUN_STUCK', 'RUN_PARKED', 'RUN_ROLLED_BACK', 'RUN_MISSING'],
  },
  { exit: 15, meaning: 'There is no store at that place.', errors: ['STORE_NOT_FOUND'] },
  { exit: 16, meaning: 'What is there is damaged or not a Signalbox store.', errors: ['STORE_FOREIGN'] },
  {
    exit: 17,
    meaning: 'The store cannot be reached, or a package that it needs is missing.',
    errors: ['STORE_UNAVAILABLE', 'PEER_MISSING'],
  },
  {
    exit: 18,
    meaning: 'The module of `--workflows` or a workflow in it cannot be used.',
    errors: ['MODULE_NOT_USABLE', 'WORKFLOW_INVALID', 'INLINE_SPAWN'],
  },
  { exit: 19, meaning: 'The services of a workflow did not start.', errors: ['SERVICES_NOT_STARTED'] },
  {
    exit: 20,
    meaning: 'Who sent the event may not answer; `--by` says who does.',
    errors: ['ANSWER_NOT_ALLOWED'],
  },
  {
    exit: 21,
    meaning: 'A request was not recorded, or recordings cannot be used.',
    errors: ['EXCHANGE_NOT_RECORDED', 'FIXTURE_INVALID'],
  },
  {
    exit: 22,
    meaning: '`check` found errors, or with `--strict` warnings; `run` does not start what has errors.',
    errors: ['CHECK_FAILED', 'WORKFLOW_REFUSED'],
  },
  { exit: 23, meaning: 'A line of the promotion check fails.', errors: ['PROMOTION_FAILED'] },
  { exit: 24, meaning: 'It took longer than `--timeout`.', errors: ['WAIT_TIMEOUT'] },
  { exit: 25, meaning: 'No live worker executes the workflow.', errors: ['NO_WORKER'] },
  { exit: 26, meaning: 'The run has not ended; `cancel` ends it.', errors: ['RUN_ACTIVE'] },
  {
    exit: 27,
    meaning: 'The run has not failed, or cannot be retried from there.',
    errors: ['RETRY_NOT_POSSIBLE'],
  },
  { exit: 130, meaning: 'Stopped by Ctrl-C (143: by SIGTERM). `resume` goes on.', errors: [] },
];

const unexpected = 1;

/** The error's code. An event that no state knows and one that a schema refuses are two kinds here. */
export function codeOf(error: unknown): string {
  if (!(error instanceof SignalboxError)) return 'UNEXPECTED';
  return error.code === 'EVENT_INVALID' && 'known' in error.details ? 'EVENT_UNKNOWN' : error.code;
}

export function exitCodeOf(error: unknown): number {
  if (error instanceof Interrupted) return error.exit;
  const code = codeOf(error);
  return exitCodes.find(({ errors }) => errors.includes(code))?.exit ?? unexpected;
}

/** For `--help`. */
export function exitCodeHelp(): string {
  const lines = exitCodes.map(({ exit, meaning }) => `  ${String(exit).padStart(3)}  ${meaning}`);
  return `\nExit codes:\n${lines.join('\n')}`;
}

/** For a README. */
export function exitCodeTable(): string {
  const rows = exitCodes.map(
    ({ exit, meaning, errors }) =>
      `| ${exit} | ${meaning} | ${errors.map((code) => `\`${code}\``).join(', ')} |`,
  );
  return ['| exit | meaning | error codes |', '|---:|---|---|', ...rows].join('\n');
}
