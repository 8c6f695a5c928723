/**
 * Everything that can be said about inputs before the first run is stored, so that one bad input among many stores
 * nothing. The engine checks each again when it is started.
 */
import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';

import { advance } from '../engine/advance.ts';
import { decode, encode } from '../engine/codec.ts';
import { describeIssues, InputInvalid, type Issue, RunConflict, SignalboxError } from '../errors.ts';
import type { AnyWorkflow } from '../workflow.ts';
import { CommandError } from './command-error.ts';
import type { Store } from './open-store.ts';
import type { GivenInput } from './read-inputs.ts';

export interface RunToStart {
  readonly id: string;
  /** As it was given: the engine parses it again. */
  readonly input: unknown;
  /** As the machine gets it, encoded. */
  readonly encoded: string;
  readonly where: string;
}

/** The engine's own limit. */
const longestId = 500;

/** Throws the first thing that is wrong, naming its place. Equal inputs with one id are one run. */
export function checkInputs(
  workflow: AnyWorkflow,
  inputs: readonly GivenInput[],
  givenId: string | undefined,
): readonly RunToStart[] {
  if (givenId !== undefined && inputs.length > 1) {
    throw new CommandError('USAGE', `\`--id\` names one run, but there are ${inputs.length} inputs.`);
  }
  const runs = new Map<string, RunToStart>();
  for (const given of inputs) {
    const run = checkInput(workflow, given, givenId);
    const twin = runs.get(run.id);
    if (twin && !isSameInput(twin.encoded, run.encoded)) {
      throw new RunConflict(
        `${run.where}: run id \`${run.id}\` is also that of ${twin.where}, which has other input.`,
      );
    }
    if (!twin) runs.set(run.id, run);
  }
  return [...runs.values()];
}

function checkInput(workflow: AnyWorkflow, given: GivenInput, givenId: string | undefined): RunToStart {
  const { value, where } = given;
  const parsed = parseInput(workflow, given);
  try {
    const encoded = encode(parsed, 'input');
    const input = decode(encoded);
    // Throws what keeps the machine from its first state, and performs nothing.
    advance(workflow, undefined, {
      type: 'start',
      at: Date.now(),
      ...(input === undefined ? {} : { input }),
    });
    return { id: idOf(given, givenId), input: value, encoded, where };
  } catch (error) {
    if (!(error instanceof SignalboxError) || error instanceof CommandError) throw error;
    const { code, remedy, message, details } = error;
    throw new SignalboxError(code, remedy, `${where}: ${message}`, { cause: error, details });
  }
}

function parseInput(workflow: AnyWorkflow, { value, where }: GivenInput): unknown {
  const parsed = workflow.input?.safeParse(value);
  if (!parsed) return value;
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues as readonly Issue[];
  throw new InputInvalid(`${where}: not an input of \`${workflow.ref}\`: ${describeIssues(issues)}`, {
    details: { where, issues },
  });
}

/** The input's own id, or the one that was given, or its file's name, or a random one. */
function idOf({ value, where, name }: GivenInput, givenId: string | undefined): string {
  const own = typeof value === 'object' && value !== null && 'id' in value ? value.id : undefined;
  const hasOwn = typeof own === 'string';
  if (hasOwn && givenId !== undefined && givenId !== own) {
    throw new CommandError(
      'USAGE',
      `${where}: the input has the id \`${own}\`, which names its run; leave out \`--id\`.`,
    );
  }
  const id = hasOwn ? own : (givenId ?? name ?? randomUUID());
  if (id !== '' && id.length <= longestId) return id;
  const expected = `Expected the id of a run to have 1 to ${longestId} characters, got ${id.length}.`;
  if (hasOwn) throw new InputInvalid(`${where}: id: ${expected}`);
  throw new CommandError('USAGE', expected);
}

/** Throws `RunConflict` if one of the runs is there with another workflow or input. */
export async function assertNoConflict(
  store: Store,
  workflow: AnyWorkflow,
  runs: readonly RunToStart[],
): Promise<void> {
  for (const { id, encoded, where } of runs) {
    const stored = await store.load(id);
    if (!stored) continue;
    if (stored.workflow !== workflow.name) {
      throw new RunConflict(`${where}: run \`${id}\` is a run of \`${stored.workflow}\`. Choose another id.`);
    }
    if (!isSameInput(stored.input, encoded)) {
      throw new RunConflict(
        `${where}: run \`${id}\` was started before with other input. Choose another id.`,
      );
    }
  }
}

function isSameInput(one: string, other: string): boolean {
  return one === other || isDeepStrictEqual(decode(one), decode(other));
}
