/** Makes a run: its input is checked, its first step computed, and both stored together. */
import { isDeepStrictEqual } from 'node:util';

import type { Labels, NewRun } from '../../persistence/store.ts';
import { describeIssues, InputInvalid, type Issue, RunConflict, RunFailed } from '../errors.ts';
import type { AnyWorkflow } from '../workflow.ts';
import { performActions } from './actions.ts';
import { advance, createHostCache } from './advance.ts';
import type { Claims } from './claims.ts';
import { decode, encode } from './codec.ts';
import type { CallFacts } from './handle/bounded.ts';
import type { EngineCore } from './handle/core.ts';
import { encodeEntry } from './history.ts';
import { entryOf, progressOf, stateOf, wakeAtOf } from './progress.ts';
import type { Message, ParentInvocation } from './run-state.ts';
import { stateTooLarge } from './state-limit.ts';

export interface StartPorts {
  readonly core: EngineCore;
  readonly claims: Claims;
  readonly scope: 'all' | 'own' | 'none';
  readonly maxStateBytes: number;
  /** This process let go of a run that needs a worker at `wakeAt`. */
  left(runId: string, wakeAt: number | null): void;
  /** Code of the run let this error escape. */
  failRun(runId: string, error: Error): void;
}

export interface RunToStart {
  readonly workflow: AnyWorkflow;
  readonly id: string;
  readonly input: unknown;
  readonly labels: Labels;
  readonly parent?: ParentInvocation | undefined;
}

/** The run is stored when this resolves, by this call or one before it with the same id. */
export async function startRun(
  { core, claims, scope, maxStateBytes, left, failRun }: StartPorts,
  { workflow, id, input, labels, parent }: RunToStart,
  facts: CallFacts,
): Promise<void> {
  await core.ready();
  const { token, store, leaseMs } = core;
  const parsed = parseInput(workflow, input);
  const encodedInput = encode(parsed, 'input');
  const at = core.clock.now();
  const message: Message = {
    type: 'start',
    at,
    runId: id,
    ...(parsed === undefined ? {} : { input: decode(encodedInput) }),
    ...(parent ? { parent } : {}),
  };
  const hosts = createHostCache();
  const led = advance(workflow, undefined, message, hosts);
  const { status, error } = led.state.snapshot;
  if (status === 'error') {
    throw new RunFailed(
      `Run \`${id}\` of \`${workflow.ref}\` failed before its first state, and was not stored: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
  const progress = progressOf(led.state, led.tags);
  const bytes = progress.state.length;
  if (bytes > maxStateBytes) throw stateTooLarge(id, led.state, bytes, maxStateBytes);
  const rests = led.started.length === 0;
  const holds = !rests && scope !== 'none' && claims.capacity() > 0 && !claims.isClaimed(id);
  const leaseUntil = at + leaseMs;
  const wakeAt = rests ? wakeAtOf(led.state) : at;
  const run: NewRun = {
    id,
    workflow: workflow.name,
    version: workflow.version,
    input: encodedInput,
    createdAt: at,
    labels,
    ...(parent ? { parent: parent.runId } : {}),
    wakeAt,
    ...progress,
    log: [encodeEntry(entryOf({ seq: 1, led, before: undefined, turn: { message } }))],
    ...(holds ? { lease: { token, until: leaseUntil } } : {}),
  };
  const create = async (): Promise<'created' | 'exists'> => {
    const created = await store.create(run);
    if (created === 'created' && holds) {
      claims.hold(workflow, {
        id,
        createdAt: at,
        updatedAt: at,
        labels,
        parent: run.parent,
        state: led.state,
        seq: 1,
        leaseUntil,
        inbox: [],
        journal: new Map(),
        hosts,
        begun: led,
      });
    }
    return created;
  };
  core.assertRunning();
  facts.stored = 'unknown';
  const created = await (holds ? claims.claiming(id, create()) : create());
  facts.stored = true;
  if (created === 'exists') {
    await assertSameRun(core, { workflow, id, input: encodedInput, labels, parent });
    // Whoever works on all runs will come to it; for the others, to start a run is to ask for it.
    if (scope === 'own') await claims.claim(id);
  } else if (!holds) {
    performActions(
      id,
      led.actions,
      (_action, failure) => core.problem(failure, id),
      (failure) => failRun(id, failure),
    );
    if (scope !== 'none') left(id, wakeAt);
  }
}

async function assertSameRun(
  core: EngineCore,
  { id, workflow, input, parent }: RunToStart & { readonly input: string },
): Promise<void> {
  const stored = await core.load(id);
  // The same invocation has started it before; what a schema makes up by itself may differ each time.
  if (parent && isDeepStrictEqual(stateOf(stored.state).parent, parent)) return;
  if (stored.workflow !== workflow.name || stored.version !== workflow.version) {
    const ref = `${stored.workflow}@${stored.version}`;
    throw new RunConflict(
      `Run \`${id}\` is a run of \`${ref}\`, not of \`${workflow.ref}\`. Choose another id.`,
      { details: { runId: id, workflow: stored.workflow, version: stored.version } },
    );
  }
  if (stored.input !== input && !isDeepStrictEqual(decode(stored.input), decode(input))) {
    throw new RunConflict(
      `Run \`${id}\` was started before with other input. Choose another id, or start it with the same input.`,
      { details: { runId: id } },
    );
  }
}

function parseInput(workflow: AnyWorkflow, input: unknown): unknown {
  if (!workflow.input) return input;
  const parsed = workflow.input.safeParse(input);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues as readonly Issue[];
  throw new InputInvalid(`The input of \`${workflow.ref}\` is not valid: ${describeIssues(issues)}`, {
    details: { issues },
  });
}
