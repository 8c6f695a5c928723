/**
 * Is the decision apart from the action, and can an action be repeated without harm?
 *
 * An actor that writes, or does not say what it touches, is looked at like an irreversible one: a worker may die in the middle
 * of either, and perform it again.
 */
import type { Finding } from '../checks/check.ts';
import { counted, type EvidenceItem, judgedLine, listed, type Problem, type PromotionLine } from './line.ts';
import { type Performed, writesOf } from './performed.ts';
import { foundBy, problemOf, type PromotionSubject } from './subject.ts';

const asked = {
  id: 'effects',
  asks: 'Is each side effect decided before it is done, and idempotent?',
} as const;

/** Findings that say so of an irreversible actor, by rule. */
const undecided = 'ungated-effect';
const repeated = 'no-idempotency-key';
const standing = 'not-compensated';

export function effects(subject: PromotionSubject): PromotionLine {
  const acting = subject.performed.filter(mayAct);
  const found = foundBy(subject, [undecided, repeated, standing]);
  const says =
    acting.length === 0
      ? 'It has no side effects: every actor says that it writes nothing.'
      : `${counted(acting.length, 'actor')} may have side effects: ${listed(acting.map(({ src }) => src))}.`;
  return judgedLine(
    asked,
    { says, evidence: [{ topic: 'side effects', items: acting.map((one) => effectItem(one, subject)) }] },
    [...found.map(problemOf), ...acting.flatMap((one) => problemsOf(one, found))],
  );
}

/** What declares nothing may do anything. */
function mayAct({ actor }: Performed): boolean {
  return actor?.irreversible === true || writesOf(actor)?.length !== 0;
}

function effectItem({ src, actor, starts, places }: Performed, { report }: PromotionSubject): EvidenceItem {
  const writes = writesOf(actor);
  const facts = [
    actor?.irreversible ? 'irreversible' : 'can be taken back',
    writes === undefined
      ? 'does not say what it touches'
      : `writes ${listed(writes) || 'nothing that it names'}`,
    actor?.idempotent ? 'idempotent' : 'not idempotent',
    ...(actor?.compensatedBy === undefined ? [] : [`undone by ${actor.compensatedBy}`]),
    ...(actor?.workflows ?? []).map(
      ({ name, version }) => `a run of ${name}@${version}, with effects of its own`,
    ),
    ...report.accepted
      .filter(({ rule, where }) => [undecided, repeated, standing].includes(rule) && isAbout(where, src))
      .map(({ rule, reason }) => `${rule} is accepted: ${reason}`),
  ];
  return {
    name: src,
    says: `${facts.join(', ')} (${listed(places)})`,
    transitions: [...new Set(starts.flatMap(({ transitions }) => transitions))],
  };
}

/** A finding names the actor first, and what is put into it after that. */
function isAbout(where: string, src: string): boolean {
  return where === src || where.startsWith(`${src} `);
}

function problemsOf({ src, actor }: Performed, found: readonly Finding[]): Problem[] {
  const problems: Problem[] = [];
  const writes = writesOf(actor);
  if (actor === undefined) {
    problems.push({
      where: src,
      what: `\`${src}\` declares nothing, so nobody can say what it does.`,
      fix: 'Make it with `fromTool`, and say what it `reads` and `writes`, and whether it is `irreversible`.',
    });
    return problems;
  }
  if (writes === undefined) {
    problems.push({
      where: src,
      what: `\`${src}\` does not say what it reads and writes, which counts as anything.`,
      fix: 'Give it `reads` and `writes`; an empty list says that it touches nothing. In an agent or a map, give them to each of its parts.',
    });
  }
  if (actor.fallible && (actor.irreversible || (writes ?? []).length > 0)) {
    problems.push({
      where: src,
      what: `A model in \`${src}\` decides, and it is done at once: nothing stands between the decision and the action.`,
      fix: 'Let it propose in its answer, judge that with a gate or a person, and do it with an actor of its own.',
    });
  }
  const isTold = found.some(({ rule, where }) => rule === repeated && isAbout(where, src));
  const isRepeatable = actor.idempotent || isTold || (writes ?? []).length === 0;
  // What is in a model's hands is asked again and decides again: that is told above.
  if (!isRepeatable && !actor.irreversible && !actor.fallible) {
    problems.push({
      where: src,
      what: `\`${src}\` writes ${listed(writes ?? [])}, and after a crash it may do so twice: it has no idempotency key.`,
      fix: 'Give it an `idempotencyKey`, and hand it to the other side.',
    });
  }
  return problems;
}
