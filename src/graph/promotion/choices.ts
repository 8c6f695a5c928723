/** Where a model's answer chooses between ways that differ in what is invoked on them. */
import { placeName } from '../checks/place-name.ts';
import type { GraphEdge, GraphNode } from '../graph.ts';
import { answererOf } from './performed.ts';
import { anything, startsFrom } from './reach.ts';
import type { FoldedStep } from './fold-history.ts';
import type { FoldedRun } from './recorded-runs.ts';
import type { PromotionSubject } from './subject.ts';

export interface Choice {
  /** `src` of the model's actor. */
  readonly src: string;
  /** The state in which it answers. */
  readonly place: string;
  readonly ways: readonly ChosenWay[];
}

export interface ChosenWay {
  /** What is invoked on it: next, or, if that is alike on all ways, what later on is not on all of them. */
  readonly invokes: readonly string[];
  readonly when: 'next' | 'later';
  readonly transitions: readonly string[];
}

export function choicesIn({ graph, performed }: PromotionSubject): readonly Choice[] {
  const models = new Set(performed.filter(({ actor }) => actor?.fallible).map(({ src }) => src));
  const startsAfter = startsFrom(graph, ({ src }) => src);
  const choices = new Map<string, { src: string; place: string; ways: Map<string, ChosenWay> }>();
  for (const node of graph.nodes) {
    for (const [src, answers] of answersAt(node, models)) {
      const ways = waysOf(src, answers, startsAfter);
      if (ways.length < 2) continue;
      const place = placeName(node.state?.snapshot.value);
      const name = `${place} ${src}`;
      const choice = choices.get(name) ?? { src, place, ways: new Map<string, ChosenWay>() };
      choices.set(name, choice);
      for (const way of ways) {
        const key = `${way.when} ${way.invokes.join(' ')}`;
        const transitions = [...(choice.ways.get(key)?.transitions ?? []), ...way.transitions];
        choice.ways.set(key, { ...way, transitions: [...new Set(transitions)] });
      }
    }
  }
  return [...choices.values()].map(({ ways, ...choice }) => ({ ...choice, ways: [...ways.values()] }));
}

/** Outputs of models, by `src`: all else is alike, so what differs after them, the answer decides. */
function answersAt(node: GraphNode, models: ReadonlySet<string>): Map<string, GraphEdge[]> {
  const answers = new Map<string, GraphEdge[]>();
  for (const edge of node.out) {
    const src = answererOf(edge);
    if (src === undefined || !models.has(src) || 'error' in edge.move) continue;
    answers.set(src, [...(answers.get(src) ?? []), edge]);
  }
  return answers;
}

function waysOf(
  src: string,
  answers: readonly GraphEdge[],
  startsAfter: (edge: GraphEdge) => ReadonlySet<string>,
): ChosenWay[] {
  // To ask the same again is to mend an answer, and no way of its own.
  const next = grouped(answers, 'next', src, ({ advanced }) => advanced.started.map((one) => one.src));
  if (next.length > 1) return next;
  const later = answers.map((edge) => ({ edge, starts: startsAfter(edge) }));
  const own = (index: number): string[] => {
    const mine = [...(later[index]?.starts ?? [])];
    // What was not gone on from may start anything, so it differs from nothing.
    return mine.filter((one) => !later.every(({ starts }) => starts.has(one) || starts.has(anything)));
  };
  const differing = grouped(answers, 'later', src, (_, index) => own(index));
  const apart = differing.filter(({ invokes }) =>
    differing.some(
      (other) =>
        invokes.some((one) => !other.invokes.includes(one)) &&
        other.invokes.some((one) => !invokes.includes(one)),
    ),
  );
  return apart.length > 1 ? apart : [];
}

function grouped(
  answers: readonly GraphEdge[],
  when: ChosenWay['when'],
  asker: string,
  invokedOn: (edge: GraphEdge, index: number) => readonly string[],
): ChosenWay[] {
  const groups = new Map<string, ChosenWay>();
  for (const [index, edge] of answers.entries()) {
    const invokes = withoutAsker(invokedOn(edge, index), asker);
    if (invokes.length === 0) continue;
    const key = invokes.join(' ');
    const transitions = [...(groups.get(key)?.transitions ?? []), ...edge.transitions];
    groups.set(key, { invokes, when, transitions: [...new Set(transitions)] });
  }
  return [...groups.values()];
}

function withoutAsker(sources: readonly string[], asker: string): string[] {
  return [...new Set(sources)].filter((src) => src !== asker && src !== anything).sort();
}

/** Whether the run went this way after an answer, before the model was asked again. */
export function tookWay({ steps }: FoldedRun, { src, place }: Choice, { invokes, when }: ChosenWay): boolean {
  const answers = ({ entry: { message }, before }: FoldedStep): boolean =>
    message.type === 'output' &&
    before?.invocations.some((one) => one.key === message.key && one.src === src) === true;
  return steps.some((step, index) => {
    if (!answers(step) || placeName(step.before?.snapshot.value) !== place) return false;
    const again = steps.findIndex((one, later) => later > index && answers(one));
    const last = when === 'next' ? index + 1 : again === -1 ? steps.length : again;
    const started = steps
      .slice(index, last)
      .flatMap(({ entry }) => (entry.started ?? []).map((one) => one.src));
    return when === 'next'
      ? withoutAsker(started, src).join(' ') === invokes.join(' ')
      : invokes.every((one) => started.includes(one));
  });
}
