/** The error of an output that was not accepted, thrown and declared. */
import { GateRejected } from '../errors.ts';

export function gateRejected(actor: string, reasons: readonly string[], output: unknown): GateRejected {
  return new GateRejected(`The output of \`${actor}\` was not accepted: ${reasons.join(' ')}`, {
    details: { actor, reasons, output },
  });
}

/** As it is declared: what output it would be is not known. */
export function anyGateRejected(actor: string): GateRejected {
  return gateRejected(actor, ['It was not accepted.'], undefined);
}
