/**
 * Two messages that may come in either order, and what `advance` makes of both orders.
 *
 * I1. The second is the message that it was before the first: the answer to the same invocation, not to one that was started
 *     anew, and the timer with the same deadline. If that cannot come any more, it is lost.
 * I2. Both orders are asked at one time: that at which the timer fires, if one of the two is a timer. So what the first
 *     begins waits as long in either order, and only the order differs.
 */
import { advance, createHostCache } from '../../engine/advance.ts';
import type { Invocation, Message, RunState } from '../../engine/run-state.ts';
import type { AnyWorkflow } from '../../workflow.ts';
import { actorOf } from '../actor-of.ts';
import { messageOf, type Move, timeOf } from '../moves.ts';
import { differences, type Outcome } from './outcome-of.ts';

/** Where a run stands when the two may come. */
export interface Standing {
  readonly state: RunState;
  readonly now: number;
}

/** `order`: both are taken in either order, to different ends. `first-wins`: one that comes second is lost. */
export type RaceKind = 'order' | 'first-wins';

export interface BothOrders {
  /** Whether the first is lost if it comes second, and the second if it comes second. */
  readonly firstLost: boolean;
  readonly secondLost: boolean;
  /** What differs between the two ends: `state`, `context.amount`. Empty: the order makes no difference. */
  readonly differs: readonly string[];
}

export type CompareOrders = (at: Standing, first: Move, second: Move) => BothOrders | undefined;

/** The comparison gives undefined where one of the two would not be taken even if it came first. */
export function createOrderComparison(workflow: AnyWorkflow): CompareOrders {
  const hosts = createHostCache();
  const isIrreversible = ({ src }: Invocation): boolean => actorOf(workflow, src)?.irreversible === true;

  const outcomeOf = (
    { state }: Standing,
    one: Message,
    other: Message,
  ): (Outcome & { readonly otherLost: boolean }) | undefined => {
    const led = advance(workflow, state, one, hosts);
    if (!led.accepted) return undefined;
    const then = stillComes(other, state, led.state) ? advance(workflow, led.state, other, hosts) : undefined;
    const otherLost = then?.accepted !== true;
    const started = otherLost ? led.started : [...led.started, ...then.started];
    return { state: otherLost ? led.state : then.state, effects: started.filter(isIrreversible), otherLost };
  };

  return (at, first, second) => {
    const time = Math.max(timeOf(first, at.state, at.now), timeOf(second, at.state, at.now));
    const one = messageOf(first, at.state, time);
    const other = messageOf(second, at.state, time);
    const forwards = one && other && outcomeOf(at, one, other);
    const backwards = one && other && outcomeOf(at, other, one);
    if (!forwards || !backwards) return undefined;
    return {
      firstLost: backwards.otherLost,
      secondLost: forwards.otherLost,
      differs: differences(forwards, backwards, time),
    };
  };
}

/** A timer that was armed anew has the same id and another deadline. Of all else `advance` itself knows whether it comes too late. */
function stillComes(message: Message, before: RunState, after: RunState): boolean {
  if (message.type !== 'timer') return true;
  const armed = ({ timers }: RunState) =>
    timers.find(({ source, id }) => source === message.source && id === message.id)?.deadline;
  return armed(after) !== undefined && armed(after) === armed(before);
}
