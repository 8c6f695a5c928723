/** What a handle needs of its engine. */
import type { RunProblem, Store, StoredRun } from '../../../persistence/store.ts';
import type { AnyWorkflow } from '../../workflow.ts';
import type { Clock } from '../clock.ts';
import type { HeldRun, PartialText } from '../held-run.ts';
import type { RefusedEntry } from '../history.ts';
import type { Mail } from '../mail.ts';
import type { Workers } from '../workers.ts';
import type { RunSnapshot, SnapshotSource } from '../run-snapshot.ts';
import type { CallPorts, Scope } from './bounded.ts';

export interface EngineCore extends CallPorts {
  readonly store: Store;
  readonly clock: Clock;
  readonly token: string;
  readonly leaseMs: number;
  readonly workers: Workers;
  /** Resolves once `clock` tells the time. */
  ready(): Promise<void>;
  /** Throws `RunNotFound`. */
  load(runId: string): Promise<StoredRun>;
  /** Throws `WorkflowNotFound`. */
  workflowOf(stored: StoredRun): AnyWorkflow;
  hasWorkflow(stored: StoredRun): boolean;
  held(runId: string): HeldRun | undefined;
  /** Whether this process executes the run itself once it has a message. */
  executes(stored: StoredRun): boolean;
  /** A message was stored for the run. */
  sent(runId: string): Promise<void>;
  /** Put a message of the engine's own into a run's inbox, once per key. */
  post(runId: string, mail: Mail, key: string): Promise<void>;
  /** What was remembered of the run is of no use any more: it was deleted, or is another. */
  forget(runId: string): void;
  listen(runId: string, listener: StepListener): () => void;
  watch(runId: string): RunWatch;
  /** Throws `EngineStopped`. */
  assertRunning(): void;
  problem(error: Error, runId: string): void;
}

export interface StepListener {
  stepped?(run: HeldRun): void;
  disposed?(run: HeldRun, messageId: number, fate: Fate): void;
  /** This process does not hold the run any more. */
  left?(): void;
  partial?(piece: PartialText): void;
}

export type Fate = 'accepted' | 'held' | Refusal;

export interface Refusal {
  /** Why, as a sentence. */
  readonly refused: string;
  /** As `RefusedEntry` has it. */
  readonly code?: RefusedEntry['code'];
}

/** A run at one moment. */
export interface Look {
  readonly source: SnapshotSource;
  /** The same for all who ask. Throws if its workflow cannot host its state. */
  snapshot(): RunSnapshot;
  /** Whether this process executes it. */
  readonly isHeld: boolean;
  /** Why no worker executes it, if that has been so for a moment. */
  readonly stuckBy: RunProblem | undefined;
}

export interface Outcome {
  readonly fate: Fate;
  readonly snapshot: RunSnapshot;
}

export interface Delivery {
  /** What becomes of a message. `isRepeat`: it was sent before, so that it may have been taken long ago. */
  fateOf(
    message: { readonly messageId: number; readonly logLength: number },
    isRepeat: boolean,
  ): Promise<Outcome>;
  /** What became of it, if that was heard of already. */
  known(messageId: number): Outcome | undefined;
}

export interface RunWatch {
  /** The first thing that `check` gives for a step or look. It is asked often, so it should be cheap. */
  until<T>(scope: Scope, check: (look: Look) => T | undefined): Promise<T>;
  /** To be opened before a message is sent, so that nothing is missed. It ends with `scope`. */
  deliver(scope: Scope): Delivery;
}
