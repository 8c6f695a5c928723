/**
 * support-ticket with times short enough for a soak, in two versions: in the `patient` one a supervisor has a day, so that
 * what nobody answers rests with a person; in the `quick` one that, too, comes to its end.
 */
import { defineWorkflow, modelFromEnvironment } from 'signalbox';
import { createSupportTicket } from 'signalbox/machines';

import { supportStandIn } from '../../../dist/machines/support-ticket/stand-in.js';

const times = {
  modelMs: 6_000,
  toolMs: 1_200,
  retryMs: 80,
  longestRetryMs: 1_000,
  triageMs: 1_500,
  replyMs: 1_500,
  approvalMs: 1_500,
  checkMs: 1_500,
  supervisorMs: 2_000,
};
const dayMs = 86_400_000;

/** A refund over this needs a person: about half of those that the soak's customers can get. */
const refundLimits = { EUR: 50, USD: 25 };

export const quick = createSupportTicket({ provider: named(), refundLimits, times });

export const patient = defineWorkflow({
  ...createSupportTicket({ provider: named(), refundLimits, times: { ...times, supervisorMs: dayMs } }),
  version: '1.0.0-patient',
});

export const workflows = [quick, patient];

const callMark = /\n\n<soak_call>(.*)<\/soak_call>$/s;

/** The provider of the environment, telling the other end which invocation asks what, so that it can count and answer. */
function named() {
  const provider = modelFromEnvironment({ standIn: supportStandIn });
  return {
    ...provider,
    complete(request, call) {
      const { actor, input, system = '' } = request;
      const told = JSON.stringify({ actor, input, key: call.key, pid: process.pid });
      return provider.complete({ ...request, system: `${system}\n\n<soak_call>${told}</soak_call>` }, call);
    },
  };
}

/** What `named` told the other end. */
export function toldOf(system) {
  return JSON.parse(callMark.exec(system)[1]);
}
