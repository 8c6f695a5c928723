/** What cannot be taken back, how far it reaches, and what guards it. */
import { nameOfPath, nameOfStep } from '../paths/path-name.ts';
import { createConfidenceAsking } from './confidence.ts';
import { type Ways, waysTo } from './guards-on-ways.ts';
import { counted, type EvidenceItem, judgedLine, listed, type Problem, type PromotionLine } from './line.ts';
import { longestWays } from './loops.ts';
import { type Performed, writesOf } from './performed.ts';
import { foundBy, problemOf, type PromotionSubject } from './subject.ts';

const asked = { id: 'irreversible', asks: 'What cannot be taken back, and what guards it?' } as const;

/** What is found of irreversible actors, by rule. That they are repeated is another line's matter. */
const unguarded = ['ungated-effect', 'lost-effect'];

export function irreversible(subject: PromotionSubject): PromotionLine {
  const { graph, performed, workflow } = subject;
  const models = new Set(performed.filter(({ actor }) => actor?.fallible).map(({ src }) => src));
  const confidence = createConfidenceAsking(workflow, performed);
  const timesIn = longestWays(graph.nodes, graph.edges);
  const all = performed
    .filter(({ actor }) => actor?.irreversible)
    .map((one) => {
      const { src } = one;
      const ways = waysTo(graph, src, (answering) => models.has(answering));
      const times = timesIn(
        ({ advanced }) => advanced.started.filter((started) => started.src === src).length,
      );
      return { one, ways, times, byConfidence: confidence.on(ways.leading) };
    });
  const says =
    all.length === 0
      ? 'Nothing that it does is irreversible.'
      : `${counted(all.length, 'irreversible actor')}: ${listed(all.map(({ one }) => one.src))}.`;
  return judgedLine(
    asked,
    {
      says,
      evidence: [
        { topic: 'irreversible', items: all.map(({ one, ways, times }) => effectItem(one, ways, times)) },
      ],
    },
    [
      ...foundBy(subject, unguarded).map(problemOf),
      ...all.flatMap(({ one, ways }) => unguardedProblem(one, ways)),
      ...all.flatMap(({ one, byConfidence }) =>
        byConfidence.map(({ guard, transition, field, place }) => ({
          where: transition,
          what: `On the way to \`${one.src}\`, the guard \`${guard}\` in \`${place}\` goes by \`${field}\`, which is how sure a model says it is.`,
          fix: 'Let the guard look at what is done and how far it reaches: the amount, the receiver, whether it can be undone.',
        })),
      ),
    ],
  );
}

function effectItem(
  { src, actor, starts }: Performed,
  { onEvery, last, always }: Ways,
  times: number,
): EvidenceItem {
  const writes = writesOf(actor);
  const often =
    times === Infinity
      ? 'as often as events from outside lead there'
      : times === 1
        ? 'at most once in a run'
        : `at most ${times.toLocaleString('en')} times in a run`;
  const facts = [
    writes === undefined
      ? 'does not say what it touches'
      : `writes ${listed(writes) || 'nothing that it names'}`,
    often,
    onEvery.length > 0
      ? `on every way: ${listed(onEvery)}`
      : always
        ? 'on every way a gate or a person, but not the same on all'
        : 'on some way neither a gate nor a person',
    ...(last.length > 0 ? [`the last before it: ${last.join(', or ')}`] : []),
  ];
  return {
    name: src,
    says: facts.join('; '),
    transitions: [...new Set(starts.flatMap(({ transitions }) => transitions))],
  };
}

function unguardedProblem({ src }: Performed, { unguarded: way }: Ways): Problem[] {
  if (!way) return [];
  return [
    {
      where: src,
      what: `\`${src}\` cannot be taken back, and a model's answer decides that it is done, with no gate and no person after that answer.`,
      fix: 'Let a `gate` judge the answer that decides it, or ask a person.',
      path: nameOfPath(way.map(({ move, advanced }) => nameOfStep(move, advanced.verdicts))),
    },
  ];
}
