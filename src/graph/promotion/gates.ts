/**
 * Which gates are there, and where is an invalid intermediate caught?
 *
 * A gate on an actor's answer that nobody has seen refuse, in no explored run and in none on record, is not known to be one;
 * nor is one that was never seen to let anything through.
 */
import { GateRejected } from '../../errors.ts';
import { isDescribed } from '../checks/described.ts';
import { placeName } from '../checks/place-name.ts';
import type { GraphEdge } from '../graph.ts';
import { isEnd } from '../paths/routes.ts';
import { counted, type EvidenceItem, judgedLine, listed, type Problem, type PromotionLine } from './line.ts';
import { answererOf, type Performed } from './performed.ts';
import type { FoldedRun } from './recorded-runs.ts';
import type { PromotionSubject } from './subject.ts';

const asked = { id: 'gates', asks: 'Where is an invalid intermediate caught?' } as const;

export function gates(subject: PromotionSubject): PromotionLine {
  const seen = gatesSeen(subject);
  const catches = subject.performed
    .filter(({ actor }) => actor?.fallible)
    .map((one) => ({ one, by: catchersOf(one, seen) }));
  const actors = new Set(subject.performed.map(({ src }) => src));
  const uncaught = catches.filter(({ by }) => by.length === 0);
  const says = [
    counted(seen.length, 'gate'),
    catches.length === 0
      ? 'no model is asked'
      : `answers of ${catches.length - uncaught.length} of ${counted(catches.length, 'model')} are caught if they are invalid`,
  ];
  return judgedLine(
    asked,
    {
      says: `${says.join('; ')}.`,
      evidence: [
        { topic: 'gates', items: seen.map(gateItem) },
        {
          topic: 'where invalid answers are caught',
          items: catches.map(({ one, by }) => catchItem(one, by)),
        },
      ],
    },
    [...seen.flatMap((one) => untried(one, actors)), ...uncaught.map(({ one }) => notCaught(one))],
  );
}

// --- gates --------------------------------------------------------------------------------------------------------------

interface GateSeen {
  readonly name: string;
  /** What it was asked about: `src` of the actor that had answered, or the event or timer that had come. */
  readonly judges: Set<string>;
  /** Transitions of the explored steps on which it passed, and on which it refused. */
  readonly passed: Set<string>;
  readonly refused: Set<string>;
  readonly inGraph: { passed: boolean; refused: boolean };
  /** Ids of the runs. */
  readonly passedIn: Set<string>;
  readonly refusedIn: Set<string>;
}

function gatesSeen({ graph, runs }: PromotionSubject): GateSeen[] {
  const seen = new Map<string, GateSeen>();
  const at = (name: string): GateSeen => {
    const known = seen.get(name) ?? {
      name,
      judges: new Set<string>(),
      passed: new Set<string>(),
      refused: new Set<string>(),
      inGraph: { passed: false, refused: false },
      passedIn: new Set<string>(),
      refusedIn: new Set<string>(),
    };
    seen.set(name, known);
    return known;
  };
  for (const edge of graph.edges) {
    for (const { gate, passed } of edge.advanced.verdicts) {
      const one = at(gate);
      const judged = judgedOn(edge);
      if (judged !== undefined) one.judges.add(judged);
      one.inGraph[passed ? 'passed' : 'refused'] = true;
      for (const id of edge.transitions) one[passed ? 'passed' : 'refused'].add(id);
    }
  }
  // An event that a gate refuses leads nowhere, so no edge tells of it.
  for (const { name, passed, failed } of graph.guards) {
    const one = seen.get(name.replace(/\(.*\)$/, ''));
    if (one && passed) one.inGraph.passed = true;
    if (one && failed) one.inGraph.refused = true;
  }
  for (const run of runs.fitting) noteRun(run, at);
  return [...seen.values()];
}

function noteRun({ id, steps }: FoldedRun, at: (name: string) => GateSeen): void {
  for (const { gate, passed } of steps.flatMap(({ entry }) => entry.verdicts ?? [])) {
    at(gate)[passed ? 'passedIn' : 'refusedIn'].add(id);
  }
}

/** A failure says nothing that a gate could judge. */
function judgedOn(edge: GraphEdge): string | undefined {
  const { move } = edge;
  switch (move.type) {
    case 'answer':
      return 'error' in move ? undefined : answererOf(edge);
    case 'event':
      return move.name;
    case 'start':
      return 'the input';
    case 'timer':
      return undefined;
  }
}

function gateItem({ name, judges, inGraph, passed, refused, passedIn, refusedIn }: GateSeen): EvidenceItem {
  const explored = inGraph.passed
    ? inGraph.refused
      ? 'passes and refuses'
      : 'passes and never refuses'
    : inGraph.refused
      ? 'refuses and never passes'
      : 'is never asked';
  const recorded =
    passedIn.size + refusedIn.size === 0
      ? 'on record it was not asked'
      : `on record it passed in ${counted(passedIn.size, 'run')} and refused in ${counted(refusedIn.size, 'run')}`;
  return {
    name,
    says: `judges ${listed([...judges]) || 'what is in the context'}; it ${explored}; ${recorded}`,
    transitions: [...new Set([...passed, ...refused])],
    runs: [...new Set([...passedIn, ...refusedIn])],
  };
}

/** What people and senders may say is for schemas and for those who ask; here it is about what actors answered. */
function untried(
  { name, judges, inGraph, passedIn, refusedIn }: GateSeen,
  actors: ReadonlySet<string>,
): Problem[] {
  if (![...judges].some((judged) => actors.has(judged))) return [];
  const never = [
    ...(inGraph.passed || passedIn.size > 0 ? [] : ['passes']),
    ...(inGraph.refused || refusedIn.size > 0 ? [] : ['refuses']),
  ];
  return never.map((what) => ({
    where: name,
    what: `The gate \`${name}\` never ${what}, in no explored run and in none on record.`,
    fix: `Give an example (\`examples\` of the workflow) of what it ${what}, or mend the gate.`,
  }));
}

// --- what catches an answer ---------------------------------------------------------------------------------------------

function catchersOf({ actor, src, answers }: Performed, seen: readonly GateSeen[]): string[] {
  const judging = seen.filter(({ judges }) => judges.has(src)).map(({ name }) => `the gate ${name}`);
  const onward = answers.filter(({ to }) => !isEnd(to));
  const isAsked = onward.length === answers.length && onward.every(({ to }) => to.view.questions.length > 0);
  const people = isAsked && answers.length > 0 ? [`a person in ${listed(placesOf(answers))}`] : [];
  return [
    ...(saysMoreThanText(actor) ? ['its output schema'] : []),
    ...(actor?.failures?.some((failure) => failure instanceof GateRejected) ? ['its accept'] : []),
    ...judging,
    ...people,
  ];
}

/** A schema that takes any text catches nothing but what is no text. */
function saysMoreThanText(actor: Performed['actor']): boolean {
  const output = actor?.output;
  if (!output || !isDescribed(output, '')) return false;
  try {
    return !someTexts.every((text) => output.safeParse(text).success);
  } catch {
    // A check that is asynchronous is one.
    return true;
  }
}

const someTexts = ['', 'text', '{"not": "what was asked for"}', '\u0000'.padEnd(10_000, 'x')];

function catchItem({ src, failures }: Performed, by: readonly string[]): EvidenceItem {
  const led = placesOf(failures);
  const onwards = led.length > 0 ? `; if it is refused or fails, it goes on in ${listed(led)}` : '';
  return { name: src, says: by.length > 0 ? `by ${listed(by)}${onwards}` : 'by nothing' };
}

function placesOf(edges: readonly GraphEdge[]): string[] {
  return [...new Set(edges.map(({ to }) => placeName(to.state?.snapshot.value)))];
}

function notCaught({ src }: Performed): Problem {
  return {
    where: src,
    what: `Nothing catches an invalid answer of \`${src}\`: no output schema that says more than text, no \`accept\`, no gate, no person.`,
    fix: 'Give it an `output` schema or an `accept`, or judge its answer with a `gate`.',
  };
}
