/**
 * Whether a machine was made by another copy of the `xstate` package than the one that would host it. Two copies share no
 * classes: each would take the other's machines and actors for something unknown.
 */
import { type AnyStateMachine, createMachine, StateMachine } from 'xstate';

import { WorkflowInvalid } from './errors.ts';

/** Throws `WorkflowInvalid`, with where both copies are, if the logic is a machine of another copy. */
export function refuseOtherCopy(logic: unknown, place: string): void {
  if (!isOtherMachine(logic)) return;
  const [ours, theirs] = [homeOf(createMachine({})), homeOf(logic)];
  throw new WorkflowInvalid(
    `${place} is a machine that was made by another copy of \`xstate\` than the one that Signalbox uses: ${theirs}, not ${ours}. Have one copy only: see \`npm ls xstate\`, then \`npm dedupe\`, or let a bundler resolve both to one.`,
    { details: { place, ours, theirs } },
  );
}

function isOtherMachine(logic: unknown): logic is AnyStateMachine {
  if (typeof logic !== 'object' || logic === null || logic instanceof StateMachine) return false;
  return '__xstatenode' in logic && 'implementations' in logic && 'getStateNodeById' in logic;
}

/** The folder of the package whose code a machine runs: a machine does not say, but the stack of an error of its code does. */
function homeOf(machine: AnyStateMachine): string {
  try {
    machine.getStateNodeById('#there is no such state');
  } catch (error) {
    const [, file] =
      /\s\(?((?:file:\/\/|\/|[A-Za-z]:\\)[^\n]*?):\d+:\d+\)?(?:\n|$)/.exec(stackOf(error)) ?? [];
    if (file !== undefined) return file.replace(/^file:\/\//, '').replace(/[\\/]dist[\\/][^\\/]*$/, '');
  }
  return '(unknown)';
}

function stackOf(error: unknown): string {
  const { stack = '', message } = error as Error;
  return stack.slice(stack.indexOf(message) + message.length);
}
