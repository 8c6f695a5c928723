/** What invocations can take at most, as their actors declare it, and what they do not declare. */
import type { DurableActor, Usage, WorstCase, WorstCaseScope } from '../../invocation.ts';
import { costOf, type PriceTable } from '../../prices.ts';
import type { AnyWorkflow } from '../../workflow.ts';
import { actorOf } from '../actor-of.ts';
import { canonical } from '../fold.ts';
import { type Figures, noFigures } from './figures.ts';

export interface ActorCosts {
  /** Of one invocation. Asked once for each input. */
  of(src: string, input: unknown): Figures;
  readonly notes: Notes;
}

/** What the figures leave out, and what they rest on. */
export interface Notes {
  /** Actors (`src`) that say nothing of what they take: their time has no bound, and nothing else of theirs is counted. */
  readonly silent: Set<string>;
  /** Actors whose time has no bound, the silent ones included. */
  readonly untimed: Set<string>;
  /** Models without a price, each with the actors that ask it. */
  readonly unpriced: Map<string, Set<string>>;
  /** Workflows that start runs of themselves, so that nothing bounds how many. */
  readonly recursive: Set<string>;
  readonly assumes: Set<string>;
  /** Workflows of child runs of which not all was looked at. */
  readonly incomplete: Set<string>;
}

export function createNotes(): Notes {
  return {
    silent: new Set(),
    untimed: new Set(),
    unpriced: new Map(),
    recursive: new Set(),
    assumes: new Set(),
    incomplete: new Set(),
  };
}

/** `ofRun`: a run of another workflow, started by this actor. */
export function createActorCosts(
  workflow: AnyWorkflow,
  prices: PriceTable,
  ofRun: (src: string, ...asked: Parameters<WorstCaseScope['ofRun']>) => Figures,
  notes: Notes,
): ActorCosts {
  const known = new Map<string, Figures>();

  const asked = (src: string, input: unknown): Figures => {
    const actor = actorOf(workflow, src);
    if (!actor?.worstCase) {
      notes.silent.add(src);
      return { ...noFigures, timeMs: Infinity, elapsedMs: Infinity };
    }
    let startsRuns = false;
    const scopeFor = (time: 'timeMs' | 'elapsedMs'): WorstCaseScope => ({
      attempts: 1,
      costOf: ({ model, usage }: Usage) => {
        const usd = costOf(prices, { model, usage });
        if (usd === undefined) notes.unpriced.set(model, (notes.unpriced.get(model) ?? new Set()).add(src));
        return usd ?? 0;
      },
      assume: (what) => void notes.assumes.add(what),
      ofRun(child, childInput) {
        startsRuns = true;
        const { modelCalls, tokens, usd, [time]: timeMs } = ofRun(src, child, childInput);
        return { modelCalls, tokens, usd, timeMs };
      },
    });
    const { modelCalls, tokens, usd, timeMs } = saidBy(actor, src, input, scopeFor('timeMs'));
    // What a run takes by itself and what it takes in all differ where it waits for people.
    const elapsedMs = startsRuns ? saidBy(actor, src, input, scopeFor('elapsedMs')).timeMs : timeMs;
    return { modelCalls, tokens, usd, timeMs, elapsedMs };
  };

  /** An actor that cannot say it of an input cannot work on that either; what it would take is not known. */
  const saidBy = (actor: DurableActor, src: string, input: unknown, scope: WorstCaseScope): WorstCase => {
    try {
      return actor.worstCase?.(input, scope) ?? { ...noFigures, timeMs: Infinity };
    } catch (error) {
      notes.silent.add(src);
      const why = error instanceof Error ? error.message : String(error);
      notes.assumes.add(`${src} takes nothing with an input that it cannot tell the worst case of: ${why}`);
      return { ...noFigures, timeMs: Infinity };
    }
  };

  return {
    notes,
    of(src, input) {
      const name = `${src}\n${canonical(input)}`;
      const figures = known.get(name) ?? asked(src, input);
      known.set(name, figures);
      if (figures.timeMs === Infinity) notes.untimed.add(src);
      return figures;
    },
  };
}
