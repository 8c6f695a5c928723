/** The gates of the long document: what a model said, and what it will cost, is judged here before the route goes on. */
import { gate, type MapOutcome } from 'signalbox';
import type { EventObject } from 'xstate';

import { describeMissing, type DocumentContext, draftFaultsOf } from './context.ts';
import { missingAfter } from './missing.ts';
import { outputOf } from './output-of.ts';
import type { ChunkSummary } from './schemas.ts';

const documentGate = gate<DocumentContext, EventObject>;

export function createGates({ budgetUsd }: { readonly budgetUsd: number }) {
  return {
    withinLimit: documentGate('withinLimit', ({ context }) => faultsOfCost(context, budgetUsd)),
    allSummarized: documentGate('allSummarized', ({ context, event }) =>
      missingAfter(context, outputOf<MapOutcome<ChunkSummary>>(event)).map((one) =>
        describeMissing(context, one),
      ),
    ),
    somethingSummarized: documentGate(
      'somethingSummarized',
      ({ context }) => context.parts.length > 0 || ['No chunk at all could be summarised.'],
    ),
    figuresStand: documentGate('figuresStand', ({ context }) => draftFaultsOf(context)),
  };
}

/** Why a person has to agree to what it costs. */
export function faultsOfCost({ estimate, askAboveUsd }: DocumentContext, budgetUsd: number): string[] {
  const { usd, calls } = estimate;
  if (usd === null) return ['The price of a model is not known, so it cannot be said what it will cost.'];
  const about = `About $${usd.toFixed(4)} for ${calls} calls`;
  return [
    ...(usd > askAboveUsd ? [`${about} is more than the limit of $${askAboveUsd}.`] : []),
    ...(usd > budgetUsd ? [`${about} is more than a run may spend, $${budgetUsd}.`] : []),
  ];
}
