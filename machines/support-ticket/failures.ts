/** Where a failed step of a support ticket goes: to a bounded number of durable retries, and then to a person. */
import { and } from 'xstate';

import type { Step } from './context.ts';

export const classificationFailed = whenModelFails('classify', {
  again: 'classificationDelayed',
  otherwise: 'awaitingTriage',
  because: 'The ticket could not be classified.',
});

export const splitFailed = whenModelFails('split', {
  again: 'splitDelayed',
  otherwise: 'awaitingTriage',
  because: 'The ticket could not be split.',
});

export const draftFailed = whenModelFails('draft', {
  again: 'draftDelayed',
  otherwise: 'awaitingReply',
  because: 'No reply could be drafted.',
});

export const decisionFailed = whenModelFails('decide', {
  again: 'decisionDelayed',
  otherwise: 'awaitingApproval',
  because: 'The model proposed nothing.',
});

interface Failure<TAgain extends string, TOtherwise extends string> {
  readonly again: TAgain;
  readonly otherwise: TOtherwise;
  readonly because: string;
}

/** A model that is busy, away or silent is asked again, a bounded number of times; any other failure is for a person. */
function whenModelFails<TStep extends Step, TAgain extends string, TOtherwise extends string>(
  step: TStep,
  { again, otherwise, because }: Failure<TAgain, TOtherwise>,
) {
  const mayRetry = { type: 'mayRetry', params: step } as const;
  const retry = { target: again, actions: { type: 'countFailure', params: step } } as const;
  const ask = { target: otherwise, actions: { type: 'askBecause', params: because } } as const;
  return {
    onError: [{ guard: and(['transient', mayRetry]), ...retry }, ask],
    after: { modelTime: [{ guard: mayRetry, ...retry }, ask] },
  } as const;
}

/** A source that is away is asked again, a bounded number of times; a reply without facts is for a person to write. */
export function whenFactsFail(because: string) {
  return [
    {
      guard: { type: 'mayRetry', params: 'facts' },
      target: 'factsDelayed',
      actions: { type: 'countFailure', params: 'facts' },
    },
    { target: 'awaitingReply', actions: { type: 'askBecause', params: because } },
  ] as const;
}
