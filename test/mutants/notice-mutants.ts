/**
 * The support ticket with one thing wrong in it, hundreds of times: its paths, as they are today, or the checks notice each. A
 * loop of people that has lost its bound is noticed by what then grows for ever (`not-explored`).
 */
import { type AnyWorkflow, defineWorkflow } from 'signalbox';
import { check, paths, type Paths } from 'signalbox/graph';
import { expect } from 'vitest';

import { supportTicket } from '../../machines/support-ticket/index.ts';
import { advance } from '../../src/engine/advance.ts';
import type { RunState } from '../../src/engine/run-state.ts';
import { messageOf } from '../../src/graph/moves.ts';
import { type Mutant, mutantsOf } from './mutants.ts';

/** Mutants may go on for ever. */
const options = { maxNodes: 1_000 };

type Caught = 'refused' | 'paths' | 'checks' | undefined;

/** Asserts that every `step`th mutant is noticed; there must be at least 30 of them. */
export function expectNoticed({ step }: { readonly step: number }): void {
  const found = paths(supportTicket);
  const usual = new Set(check(supportTicket, options).findings.map(({ rule, where }) => `${rule} ${where}`));
  const mutants = mutantsOf(supportTicket.machine).filter((_, index) => index % step === 0);
  const caught = mutants.map((mutant) => [mutant, noticed(mutant, found, usual)] as const);
  const by = (how: Caught) => caught.filter(([, one]) => one === how).length;
  const survivors = caught.filter(([, how]) => how === undefined).map(([{ name }]) => name);
  process.stdout.write(
    `${mutants.length} mutants of support-ticket: ${by('paths')} noticed by its paths, ${by('checks')} by checks, ${by('refused')} refused as they are defined, ${survivors.length} not noticed\n`,
  );
  expect(mutants.length).toBeGreaterThanOrEqual(30);
  expect(survivors).toEqual([]);
}

function noticed({ machine }: Mutant, found: Paths, usual: ReadonlySet<string>): Caught {
  let workflow: AnyWorkflow;
  try {
    workflow = defineWorkflow({ ...(supportTicket as AnyWorkflow), machine });
  } catch {
    return 'refused';
  }
  if (found.paths.some((path) => goesOtherwise(workflow, path))) return 'paths';
  const findings = check(workflow, options).findings.map(({ rule, where }) => `${rule} ${where}`);
  return findings.some((finding) => !usual.has(finding)) ? 'checks' : undefined;
}

/** Whether the path's messages lead elsewhere: another state, other verdicts, other effects, another end. */
function goesOtherwise(workflow: AnyWorkflow, { steps }: Paths['paths'][number]): boolean {
  const right = fold(supportTicket as AnyWorkflow, steps);
  const wrong = fold(workflow, steps);
  return right.some((step, index) => step !== wrong[index]);
}

type Steps = Paths['paths'][number]['steps'];

const known = new WeakMap<Steps, string[]>();

function fold(workflow: AnyWorkflow, steps: Steps): string[] {
  const before = workflow === (supportTicket as AnyWorkflow) ? known.get(steps) : undefined;
  if (before) return before;
  let state: RunState | undefined;
  const told = steps.map(({ move, at }) => {
    const message = messageOf(move, state ?? { invocations: [] }, at);
    const led = message && advance(workflow, state, message);
    state = led?.state ?? state;
    const { value, status, context, output } = state?.snapshot ?? {};
    const verdicts = led?.verdicts.map(({ gate, passed }) => [gate, passed]);
    const started = led?.started.map(({ src, input }) => [src, input]);
    return JSON.stringify([
      led?.accepted,
      value,
      status,
      context,
      output,
      verdicts,
      started,
      state?.timers.length,
    ]);
  });
  if (workflow === (supportTicket as AnyWorkflow)) known.set(steps, told);
  return told;
}
