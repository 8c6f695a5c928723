/** `whyNot`: what keeps a run from taking an event, and the shortest way to where it would. */
import type { EventObject } from 'xstate';

import { viewState } from '../../engine/advance.ts';
import { parseEvent } from '../../engine/handle/parse-event.ts';
import type { RunState } from '../../engine/run-state.ts';
import { EventInvalid, InvalidOption, type Issue } from '../../errors.ts';
import { type Answerer, assertAnswerer } from '../../gates/person.ts';
import type { AnyWorkflow, WorkflowExample } from '../../workflow.ts';
import { canonical } from '../fold.ts';
import { createMoves, type Move } from '../moves.ts';
import { type Acceptance, acceptanceOf, type Standing } from './acceptance.ts';
import { type Block, blocksOf } from './blocks.ts';
import { findWay, type Search, type Way } from './find-way.ts';

export interface WhyNotOptions {
  /** Who would send it. Default: whoever may. */
  readonly by?: Answerer;
  /** The time that it is, in milliseconds since the epoch. Default: now. */
  readonly now?: number;
  /** The most states that are looked through for a way. Default: 2,000. */
  readonly maxStates?: number;
  /** What actors may answer and events hold, beside what their schemas tell. Default: the workflow's own. */
  readonly examples?: ReadonlyArray<WorkflowExample<unknown>>;
}

export interface WhyNot {
  /** The event's type. */
  readonly event: string;
  /** The event with the payload that was given or, if none was, one that it may have, is taken as the run stands. */
  readonly accepted?: Acceptance;
  /** It is taken as the run stands, but with this payload, not with the one that was given. */
  readonly instead?: Acceptance;
  /** What keeps the run from taking it. Empty if it is accepted. */
  readonly blocks: readonly Block[];
  /** The shortest sequence of moves that was found after which it is taken; left out if there is none, or none is needed. */
  readonly way?: Way;
  /** How much was looked through for it. */
  readonly search?: Omit<Search, 'way'>;
}

/** An event with a payload. */
export interface AskedEvent extends EventObject {
  readonly [field: string]: unknown;
}

/**
 * Why the run does not take an event, or an event of a type with any of the payloads that its schema and the examples give.
 * Nothing is performed; nothing of the run changes.
 *
 * Throws `EventInvalid` if the workflow has no such event, `InvalidOption` for an option that is not as described, and
 * `SnapshotNotRestorable` for a state that does not fit the workflow. A payload that the schema refuses is one of the blocks.
 *
 * @example
 * ```ts
 * const { blocks, way } = whyNot(supportTicket, state, 'APPROVE');
 * console.log(blocks[0]); // { type: 'state', value: 'drafting', acceptedIn: ['awaitingApproval', …], … }
 * for (const { name, mover } of way?.steps ?? []) console.log(name, mover);
 * ```
 */
export function whyNot(
  workflow: AnyWorkflow,
  state: RunState,
  event: string | AskedEvent,
  options: WhyNotOptions = {},
): WhyNot {
  const { by, now = Date.now(), maxStates = 2_000, examples = workflow.examples ?? [] } = options;
  if (by !== undefined) assertAnswerer(by);
  if (!Number.isSafeInteger(maxStates) || maxStates < 1) {
    throw new InvalidOption(`Expected \`maxStates\` to be a positive integer, got \`${String(maxStates)}\`.`);
  }
  const { type, issues, parsed } = parsedEvent(workflow, event);
  const tried: WorkflowExample<unknown> = {
    name: 'asked',
    input: undefined,
    events: { [type]: parsed ? [payloadOf(parsed)] : [] },
  };
  const all = [tried, ...examples];
  const standing: Standing = { state, now };
  const isActive = state.snapshot.status === 'active';

  const { derived, lacking } = isActive ? derivedEvents(workflow, state, type, all) : noEvents;
  const events = parsed ? [parsed] : derived;
  const firstOf = (candidates: readonly EventObject[]): Acceptance | undefined => {
    for (const candidate of candidates) {
      const accepted = acceptanceOf(workflow, standing, candidate, by);
      if (accepted) return accepted;
    }
    return undefined;
  };
  const first = firstOf(events);
  if (first && !issues) return { event: type, accepted: first, blocks: [] };

  const instead = first ?? (parsed && firstOf(derived));
  const refused: readonly Block[] = issues ? [{ type: 'schema', issues }] : [];
  const blocks = [...refused, ...(first ? [] : blocksOf(workflow, state, { type, events, by, lacking }))];
  const found = { event: type, ...(instead ? { instead } : {}), blocks };
  if (!isActive || first) return found;

  const wantedPayload = parsed && canonical(parsed);
  const { way, ...search } = findWay(workflow, standing, {
    type,
    isWanted: (move) => wantedPayload === undefined || canonical(move.event) === wantedPayload,
    by,
    examples: all,
    maxStates,
  });
  return { ...found, ...(way ? { way } : {}), search };
}

interface ParsedEvent {
  readonly type: string;
  /** Left out if no payload was given, or one that the schema refuses. */
  readonly parsed?: EventObject;
  readonly issues?: readonly Issue[];
}

function parsedEvent(workflow: AnyWorkflow, event: string | EventObject): ParsedEvent {
  const type = typeof event === 'string' ? event : event.type;
  try {
    const parsed = parseEvent(workflow, typeof event === 'string' ? { type } : event);
    return typeof event === 'string' ? { type } : { type, parsed };
  } catch (error) {
    if (!(error instanceof EventInvalid) || !('issues' in error.details)) throw error;
    if (typeof event === 'string') return { type };
    return { type, issues: error.details['issues'] as readonly Issue[] };
  }
}

interface DerivedEvents {
  readonly derived: readonly EventObject[];
  readonly lacking: readonly string[];
}

const noEvents: DerivedEvents = { derived: [], lacking: [] };

/** With each payload that is tried for it; the one that is asked for, if any, comes first. */
function derivedEvents(
  workflow: AnyWorkflow,
  state: RunState,
  type: string,
  examples: ReadonlyArray<WorkflowExample<unknown>>,
): DerivedEvents {
  const moves = createMoves(workflow, examples);
  const derived = moves
    .of({ ...state, invocations: [], timers: [] }, viewState(workflow, state))
    .flatMap((move: Move) => (move.type === 'event' && move.name === type ? [move.event] : []));
  const prefix = `event ${type}: `;
  const lacking = [...moves.lacking].filter((place) => place.startsWith(prefix));
  return { derived, lacking: lacking.map((place) => place.slice(prefix.length)) };
}

function payloadOf(event: EventObject): Readonly<Record<string, unknown>> {
  const { type: _, ...payload } = event;
  return payload;
}
