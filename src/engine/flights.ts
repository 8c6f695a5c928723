/**
 * The flights of a held run: its invocations that are being performed here, from their start to their outcome.
 *
 * I1. An invocation has at most one flight, and its outcome is handed on only while the machine still waits for it.
 * I2. The start of an irreversible actor that is not idempotent is recorded before it is performed. Taken over, it is not
 *     performed again: the machine gets `OutcomeUnknown`.
 * I3. What a flight exchanged with the outside is recorded even if nobody waits for its outcome any more.
 */
import { setTimeout as pause } from 'node:timers/promises';

import type { AnyActorLogic } from 'xstate';

import { OutcomeUnknown, SignalboxError, SnapshotNotRestorable } from '../errors.ts';
import type { AnyWorkflow } from '../workflow.ts';
import { performerOf } from './advance.ts';
import type { Clock } from './clock.ts';
import type { HistoryEntry } from './history.ts';
import { type DurableActor, durableActor } from './invocation.ts';
import {
  attemptName,
  createFlight,
  type Flight,
  type Outcome,
  perform,
  type PerformerPort,
} from './performer.ts';
import type { Invocation } from './run-state.ts';

export interface FlightsPorts {
  readonly runId: string;
  readonly workflow: AnyWorkflow;
  readonly clock: Clock;
  readonly journal: ReadonlyMap<string, string>;
  /** Whether the run is certainly this worker's to work on; if not, whoever goes on with it starts what is to be started. */
  isHeld(): boolean;
  /** Rejects if this worker no longer holds the run. */
  record(entries: readonly HistoryEntry[], kept?: Readonly<Record<string, string>>): Promise<void>;
  landed(flight: Flight, outcome: Outcome): void;
  /** The run cannot go on here. */
  failed(error: unknown): void;
}

export interface Flights {
  readonly size: number;
  /** Whether any flight is under way but those of these keys. */
  anyBut(keys: readonly string[]): boolean;
  start(invocation: Invocation): void;
  /** Go on with invocations that another worker, or this one before, may have started. */
  takeOver(invocations: readonly Invocation[]): void;
  /** The machine no longer waits for these. */
  stop(keys: readonly string[]): void;
  /** Put on record what a flight exchanged whose outcome nobody takes. */
  discard(flight: Flight): void;
  abortAll(): void;
  /** Abort all that may be performed again elsewhere, and give the irreversible ones some time to end. */
  wind(graceMs: number): Promise<void>;
}

export function createFlights(ports: FlightsPorts): Flights {
  const { runId, workflow, clock, journal, record } = ports;
  const flights = new Map<string, Flight>();

  const port: PerformerPort = {
    runId,
    now: () => clock.now(),
    computing: new Map(),
    kept: (name) => journal.get(name),
    keep(flight, name, text, value) {
      const { exchanges, invocation } = flight;
      flight.exchanges = [];
      const exchanged = exchanges.length > 0 ? { exchanges } : {};
      const entry: HistoryEntry = {
        type: 'kept',
        at: clock.now(),
        key: invocation.key,
        name,
        value,
        ...exchanged,
      };
      return record([entry], { [name]: text });
    },
  };

  async function fly(invocation: Invocation, logic: AnyActorLogic, attempt: number): Promise<void> {
    const flight = createFlight(invocation, attempt);
    const { key } = invocation;
    flights.set(key, flight);
    const performedOnce = isPerformedOnce(durableActor(logic));
    if (performedOnce && attempt > 1) return land(flight, { type: 'error', error: outcomeUnknown(flight) });
    if (performedOnce || attempt > 1) {
      const why = attempt > 1 ? 'taken over' : 'irreversible';
      try {
        await record([{ type: 'attempt', at: clock.now(), key, attempt, why }], {
          [attemptName(key, attempt)]: '1',
        });
      } catch (error) {
        return ports.failed(error);
      }
      if (flights.get(key) !== flight || !ports.isHeld()) return;
    }
    land(flight, await perform(logic, flight, port));
  }

  function land(flight: Flight, outcome: Outcome): void {
    const { key } = flight.invocation;
    if (flights.get(key) !== flight) return discard(flight);
    flights.delete(key);
    ports.landed(flight, outcome);
  }

  function discard({ invocation, exchanges }: Flight): void {
    if (exchanges.length === 0 || !ports.isHeld()) return;
    record([{ type: 'discarded', at: clock.now(), key: invocation.key, exchanges }]).catch(ports.failed);
  }

  function launch(invocation: Invocation, attemptOf: (actor: DurableActor | undefined) => number): void {
    if (!ports.isHeld()) return;
    const logic = performerOf(workflow, invocation.src);
    if (!logic) return ports.failed(missingActor(invocation));
    void fly(invocation, logic, attemptOf(durableActor(logic)));
  }

  /** Attempts before this one. The first is on record only where it must be. */
  function attemptsOf({ key }: Invocation, actor: DurableActor | undefined): number {
    const unrecorded = isPerformedOnce(actor) ? 0 : 1;
    let attempts = 0;
    for (let next = unrecorded + 1; journal.has(attemptName(key, next)); next++) attempts++;
    return attempts + unrecorded;
  }

  function abort(flight: Flight, reason: SignalboxError): void {
    flights.delete(flight.invocation.key);
    flight.abort(reason);
  }

  function outcomeUnknown({ invocation, attempt }: Flight): OutcomeUnknown {
    return new OutcomeUnknown(
      `\`${invocation.path}\` is irreversible and was cut short in attempt ${attempt - 1}; whether it took effect is not known. It was not performed again.`,
      { details: { runId, key: invocation.key } },
    );
  }

  function missingActor({ path, src }: Invocation): SnapshotNotRestorable {
    return new SnapshotNotRestorable(
      `Run \`${runId}\` waits for \`${path}\`, but workflow \`${workflow.ref}\` has no actor \`${src}\`. Add it, or run the version that the run was started with.`,
      { details: { runId, workflow: workflow.ref, src } },
    );
  }

  function givenUp(): SignalboxError {
    return new SignalboxError(
      'WORKER_STOPPED',
      'retry-later',
      `This worker gave up run \`${runId}\`; another goes on with it.`,
    );
  }

  return {
    get size() {
      return flights.size;
    },
    anyBut: (keys) => [...flights.keys()].some((key) => !keys.includes(key)),
    start: (invocation) => launch(invocation, () => 1),
    takeOver(invocations) {
      for (const invocation of invocations) launch(invocation, (actor) => attemptsOf(invocation, actor) + 1);
    },
    stop(keys) {
      for (const key of keys) {
        const flight = flights.get(key);
        if (!flight) continue;
        abort(
          flight,
          new SignalboxError(
            'INVOCATION_STOPPED',
            'stop',
            `The machine left the state that invoked \`${key}\`.`,
          ),
        );
      }
    },
    discard,
    abortAll() {
      for (const flight of flights.values()) abort(flight, givenUp());
    },
    async wind(graceMs) {
      const graceUntil = Date.now() + graceMs;
      for (const flight of flights.values()) {
        const logic = performerOf(workflow, flight.invocation.src);
        if (!(logic && durableActor(logic)?.irreversible)) abort(flight, givenUp());
      }
      while (flights.size > 0 && Date.now() < graceUntil) await pause(5);
    },
  };
}

function isPerformedOnce(actor: DurableActor | undefined): boolean {
  return actor !== undefined && actor.irreversible && !actor.idempotent;
}
