/**
 * Can the flowchart be drawn: steps, branches, and loops with their bounds.
 *
 * It fails for what would make the drawing a wrong one: a loop that nothing ends, a state that nothing leaves, a part that was
 * not looked at, and a branch whose condition has no name. The last one fails too, and does not only warn: who signs for a
 * flowchart signs for its branches, and at an arrow that says "an inline guard" nobody can see when it is taken. It takes one
 * line to give it a name.
 */
import type { AnyStateMachine } from 'xstate';

import { type StateNode, stateNodes } from '../../actor-sources.ts';
import { personQuestion } from '../../gates/person.ts';
import { durableActor } from '../../invocation.ts';
import { performerOf } from '../../engine/advance.ts';
import { invokeName } from '../invocation-name.ts';
import { machinesIn, type MachinePlace } from '../machines-in.ts';
import { transitionsOf, type TransitionSpec } from '../transitions.ts';
import { counted, type EvidenceItem, judgedLine, type Problem, type PromotionLine } from './line.ts';
import { type Loop, loopsIn } from './loops.ts';
import { foundBy, problemOf, type PromotionSubject } from './subject.ts';

const asked = { id: 'flowchart', asks: 'Can the flowchart be drawn?' } as const;

/** What makes the drawing a wrong one, by the rule of `check` that finds it. */
const undrawable = ['unbounded-loop', 'no-way-out', 'join-never-done', 'answer-not-taken', 'not-explored'];

export function flowchart(subject: PromotionSubject): PromotionLine {
  const { machine, graph } = subject;
  const steps = machinesIn(machine).flatMap((place) => stepsOf(place, subject));
  const branches = branchesOf(transitionsOf(machine));
  const loops = loopsIn(machine, graph);
  // Of states at one place not all are gone on from, so there may be more rounds than were seen.
  const partly = graph.nodes.some(({ explored }) => !explored);
  const says = [
    counted(steps.length, 'step'),
    counted(branches.length, 'branch', 'branches'),
    counted(loops.length, 'loop'),
  ];
  const evidence = [
    { topic: 'steps', items: steps },
    { topic: 'branches', items: branches },
    { topic: partly ? 'loops, as far as was explored' : 'loops', items: loops.map(loopItem) },
  ];
  return judgedLine(asked, { says: `${says.join(', ')}.`, evidence }, [
    ...foundBy(subject, undrawable).map(problemOf),
    ...unnamedGuards(machine),
  ]);
}

// --- steps --------------------------------------------------------------------------------------------------------------

/** States in which something happens, something is asked or awaited, or the run ends: those that only hold others are none. */
function stepsOf({ machine, prefix }: MachinePlace, { workflow }: PromotionSubject): EvidenceItem[] {
  return stateNodes(machine).flatMap((node): EvidenceItem[] => {
    const isStep = node.type === 'atomic' || node.type === 'final' || node.invoke.length > 0;
    if (!isStep) return [];
    const done = [...invoked(node, prefix, workflow), ...personally(node)];
    const ends = node.type === 'final' ? ['ends'] : [];
    const waits = done.length === 0 && ends.length === 0 ? [waiting(node)] : [];
    const says = [...done, ...ends, ...waits].join('; ');
    const { description } = node;
    return [{ name: stateName(node, prefix), says: description ? `${says}. ${description}` : says }];
  });
}

function invoked(node: StateNode, prefix: string, workflow: PromotionSubject['workflow']): string[] {
  return node.invoke.map(({ src }, index) => {
    const source = typeof src === 'string' ? src : '';
    const logic = performerOf(workflow, prefix ? `${prefix}/${source}` : source);
    const actor = logic && durableActor(logic);
    const name = invokeName(node, index);
    const facts = [...(actor ? [actor.kind] : []), ...(actor?.irreversible ? ['irreversible'] : [])];
    return `invokes ${name}${facts.length > 0 ? ` (${facts.join(', ')})` : ''}`;
  });
}

function personally(node: StateNode): string[] {
  const question = personQuestion(node.meta);
  if (!question) return [];
  return [typeof question.title === 'string' ? `asks a person "${question.title}"` : 'asks a person'];
}

function waiting(node: StateNode): string {
  if (node.always?.length) return 'decides and goes on';
  const events = node.ownEvents.filter((type) => !type.startsWith('xstate.'));
  const timers = node.after.length > 0 ? ['a timer'] : [];
  const what = [...events, ...timers];
  return what.length > 0 ? `waits for ${what.join(' or ')}` : 'rests';
}

function stateName(node: StateNode, prefix: string): string {
  const path = node.path.join('.') || '(root)';
  return prefix ? `${prefix}/${path}` : path;
}

// --- branches -----------------------------------------------------------------------------------------------------------

/** What a state does about one thing, where guards decide it. */
function branchesOf(specs: readonly TransitionSpec[]): EvidenceItem[] {
  const groups = new Map<string, TransitionSpec[]>();
  for (const spec of specs) {
    const name = `${nameOfSource(spec)} / ${spec.on}`;
    groups.set(name, [...(groups.get(name) ?? []), spec]);
  }
  return [...groups].flatMap(([name, group]) => {
    if (!group.some(({ guard }) => guard !== undefined)) return [];
    const ways = group.map(
      ({ guard, targets }) => `${guard ?? 'else'} → ${targets.join(' and ') || 'stays'}`,
    );
    return [{ name, says: ways.join('; '), transitions: group.map(({ id }) => id) }];
  });
}

function nameOfSource({ machine, source }: TransitionSpec): string {
  return `${machine && `${machine}/`}${source || '(root)'}`;
}

/** What `guardName` calls a guard that has no name; a function that stands at `guard` is given that word by JavaScript. */
const nameless = /(^| )(an inline )?guard( |$)/;

function unnamedGuards(machine: AnyStateMachine): Problem[] {
  return transitionsOf(machine).flatMap(({ id, guard }) =>
    guard !== undefined && nameless.test(guard)
      ? [
          {
            where: id,
            what: 'Its guard has no name, so a drawing cannot say when this way is taken.',
            fix: 'Name it in `setup({ guards })`, and refer to it by that name.',
          },
        ]
      : [],
  );
}

// --- loops --------------------------------------------------------------------------------------------------------------

function loopItem({ transition, byItself, inAll }: Loop): EvidenceItem {
  const { id, targets, guard } = transition;
  const times = (count: number): string => (count === 1 ? 'once' : `${count.toLocaleString('en')} times`);
  const says =
    inAll < Infinity
      ? `at most ${times(inAll)} in a run`
      : byItself === Infinity
        ? 'without a bound'
        : byItself === 0
          ? 'as often as an event from outside leads there'
          : `at most ${times(byItself)} before an event from outside leads there again`;
  const back = `back to ${targets.join(' and ')}${guard === undefined ? '' : ` if ${guard}`}`;
  return { name: id, says: `${back}: ${says}`, transitions: [id] };
}
