/** How many of a machine's transitions some paths take, and what to do about those that none takes. */
import { AssertionError } from 'node:assert';

import type { AnyStateMachine } from 'xstate';

import { InvalidOption } from '../../errors.ts';
import { type GuardSeen, type TransitionSpec, transitionsOf } from '../../graph/index.ts';
import type { AnyWorkflow } from '../../workflow.ts';

export interface PathCoverage {
  /** Transitions that the paths take, of those that are not excused. */
  readonly covered: number;
  readonly of: number;
  /** From 0 to 100. */
  readonly percent: number;
  readonly missing: readonly TransitionSpec[];
  readonly excused: ReadonlyArray<{ readonly id: string; readonly reason: string }>;
  /** Excused, and taken all the same. */
  readonly needless: readonly string[];
  /** Guards that answered one way only, whatever was tried. */
  readonly stuckGuards: readonly GuardSeen[];
}

/** Throws `InvalidOption` if what is excused is not a transition, or no reason is given. */
export function coverageOf(
  workflow: AnyWorkflow,
  taken: ReadonlySet<string>,
  excused: Readonly<Record<string, string>>,
  stuckGuards: readonly GuardSeen[],
): PathCoverage {
  const all = transitionsOf(workflow.machine as AnyStateMachine);
  for (const [id, reason] of Object.entries(excused)) {
    if (!all.some((transition) => transition.id === id)) {
      throw new InvalidOption(
        `\`excused\` names \`${id}\`, but \`${workflow.ref}\` has no such transition. It has: ${all.map((one) => one.id).join(', ')}.`,
      );
    }
    if (typeof reason !== 'string' || reason.trim() === '') {
      throw new InvalidOption(`Expected \`excused\` to say why \`${id}\` need not be taken.`);
    }
  }
  const asked = all.filter(({ id }) => !Object.hasOwn(excused, id));
  const missing = asked.filter(({ id }) => !taken.has(id));
  const covered = asked.length - missing.length;
  return {
    covered,
    of: asked.length,
    percent: asked.length === 0 ? 100 : (covered / asked.length) * 100,
    missing,
    excused: Object.entries(excused).map(([id, reason]) => ({ id, reason })),
    needless: Object.keys(excused).filter((id) => taken.has(id)),
    stuckGuards,
  };
}

/** `takes 98 of 106 transitions (92.4%)`. */
export function describeCoverage({ covered, of, percent, excused }: PathCoverage): string {
  const besides = excused.length > 0 ? `, ${excused.length} excused` : '';
  return `takes ${covered} of ${of} transitions (${shown(percent)}%${besides})`;
}

/** Throws an `AssertionError` that tells what is missing, and how to get there. */
export function assertCovered(coverage: PathCoverage, threshold: number): void {
  const { percent, missing, needless, stuckGuards } = coverage;
  if (needless.length > 0) {
    const ids = needless.map((id) => `\`${id}\``).join(', ');
    throw new AssertionError({ message: `Excused, but taken: ${ids}. Remove it from \`excused\`.` });
  }
  if (percent >= threshold) return;
  const lines = missing.map((transition) => `  ${describeMissing(transition, stuckGuards)}`);
  const others = stuckGuards.filter(({ transition }) => missing.every(({ id }) => id !== transition));
  const stuck = others.map(({ name, transition, passed }) => `  ${name} (${transition}) ${always(passed)}`);
  throw new AssertionError({
    message: [
      `The paths take ${shown(percent)}% of the transitions; at least ${threshold}% are asked for. Missing:`,
      ...lines,
      ...(stuck.length > 0 ? ['Other guards that answered one way only:', ...stuck] : []),
      'What actors answer and events hold is made from their schemas, and from `examples` of the workflow or of this call:',
      '  examples: [{ name, input, outputs: { <src>: [<output>] }, events: { <TYPE>: [<payload>] } }]',
      'Give one that leads there, or say why a transition need not be taken: `excused: { "<transition>": "<reason>" }`.',
    ].join('\n'),
    actual: percent,
    expected: threshold,
    operator: '>=',
  });
}

function describeMissing({ id, on, guard }: TransitionSpec, stuckGuards: readonly GuardSeen[]): string {
  const seen = stuckGuards.find(({ transition }) => transition === id);
  const why = guard === undefined ? '' : `: guard ${guard} ${seen ? always(seen.passed) : 'was not reached'}`;
  const actor = /^(.*)\.done$/.exec(on)?.[1];
  const isEvent = /^[^\s.]+$/.test(on) && on !== 'always' && on !== 'done';
  const hint = actor ? `; an example of an output of ${actor}?` : isEvent ? `; an example of ${on}?` : '';
  return `${id}${why}${hint}`;
}

function always(passed: boolean): string {
  return passed ? 'always passed' : 'never passed';
}

/** Rounded down, so that only all of them are 100. */
function shown(percent: number): string {
  return String(Math.floor(percent * 10) / 10);
}
