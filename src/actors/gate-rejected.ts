/** The error of an output that was not accepted. */
import { GateRejected } from '../errors.ts';

export function gateRejected(actor: string, reasons: readonly string[], output: unknown): GateRejected {
  return new GateRejected(`The output of \`${actor}\` was not accepted: ${reasons.join(' ')}`, {
    details: { actor, reasons, output },
  });
}
