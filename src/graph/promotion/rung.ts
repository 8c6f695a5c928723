/**
 * On which rung does it stand: how much of what happens a model decides.
 *
 * It is told from what actors declare of themselves (`fallible`, `parts`, `workflows`) and from the explored graph, never from
 * names. A line for information: no rung is wrong, but one that is higher than what the runs need costs more than it gives.
 */
import { placeName } from '../checks/place-name.ts';
import { choicesIn, type Choice, tookWay } from './choices.ts';
import { dependencesOf } from './depends-on.ts';
import { counted, type EvidenceItem, informingLine, listed, type PromotionLine } from './line.ts';
import type { Performed } from './performed.ts';
import { startsFrom } from './reach.ts';
import type { FoldedRun } from './recorded-runs.ts';
import type { PromotionSubject } from './subject.ts';

const asked = { id: 'rung', asks: 'On which rung does it stand?' } as const;

/** From the lowest. */
const rungs = [
  'no model',
  'single prompt',
  'prompt and tool',
  'chain',
  'routing',
  'parallel',
  'orchestrator and workers',
  'agent',
] as const;

type Rung = (typeof rungs)[number];

/** Why it stands on a rung. */
type Reasons = Readonly<Record<Rung, readonly EvidenceItem[]>>;

export function rung(subject: PromotionSubject): PromotionLine {
  const choices = choicesIn(subject);
  const reasons = reasonsIn(subject, choices);
  const held = rungs.filter((one) => reasons[one].length > 0);
  const highest = held.at(-1) ?? 'no model';
  const below = held.slice(0, -1).filter((one) => rungs.indexOf(one) > rungs.indexOf('prompt and tool'));
  const lower = lowerRungs(subject, highest, choices);
  const advice = lower.length > 0 ? ' A lower rung may do.' : '';
  return informingLine(asked, {
    says: `${highest[0]?.toUpperCase()}${highest.slice(1)}.${advice}`,
    evidence: [
      { topic: `why ${highest}`, items: reasons[highest] },
      ...below.reverse().map((one) => ({ topic: `also ${one}`, items: reasons[one] })),
      { topic: 'whether a lower rung would do', items: lower },
    ],
  });
}

function reasonsIn(subject: PromotionSubject, choices: readonly Choice[]): Reasons {
  const { performed } = subject;
  const models = performed.filter(isModel);
  const tools = performed.filter((one) => !isModel(one));
  const asksNoModel = models.length === 0;
  return {
    'no model': asksNoModel ? tools.map((one) => item(one, 'is no model')) : [],
    'single prompt': models.map((one) => item(one, 'is asked')),
    'prompt and tool': asksNoModel
      ? []
      : tools.map((one) => item(one, 'is no model, and is performed beside one')),
    chain: chained(subject),
    routing: choices.map(({ src, place, ways }) => ({
      name: src,
      says: `its answer in ${place} decides what is invoked: ${ways.map(({ invokes }) => invokes.join(' and ')).join(', or ')}`,
      transitions: [...new Set(ways.flatMap(({ transitions }) => transitions))],
    })),
    parallel: [
      ...together(subject),
      ...models.filter(({ actor }) => actor?.parts && actor.parts.chosenBy !== 'model').map(partsItem),
    ],
    'orchestrator and workers': orchestrated(subject, choices),
    agent: performed
      .filter(({ actor }) => actor?.parts?.chosenBy === 'model')
      .map((one) =>
        item(
          one,
          `a model in it decides, turn by turn, which of ${listed(one.actor?.parts?.names ?? [])} it uses`,
        ),
      ),
  };
}

function isModel({ actor }: Performed): boolean {
  return actor?.fallible === true;
}

function item({ src, places }: Performed, says: string): EvidenceItem {
  return { name: src, says: `${says} (${listed(places)})` };
}

function partsItem(one: Performed): EvidenceItem {
  const { chosenBy, names = [] } = one.actor?.parts ?? {};
  return item(
    one,
    chosenBy === 'input'
      ? `performs ${listed(names)} for each item that it is given`
      : `asks ${listed(names)} several times, or several of them`,
  );
}

/** Models that are asked after another has answered. By invocation: one that is asked again to mend its answer is no chain. */
function chained({ graph, performed }: PromotionSubject): EvidenceItem[] {
  const models = performed.filter(isModel);
  const srcByPath = new Map(
    models.flatMap(({ src, starts }) =>
      starts.flatMap(({ advanced }) =>
        advanced.started.filter((one) => one.src === src).map(({ path }) => [path, src] as const),
      ),
    ),
  );
  const startsAfter = startsFrom(graph, ({ path }) => path);
  return models.flatMap(({ src, answers }) => {
    const after = new Set(
      answers.flatMap((edge) => {
        const own = 'path' in edge.move ? edge.move.path : '';
        return [...startsAfter(edge)].filter((path) => path !== own && srcByPath.has(path));
      }),
    );
    const names = [...new Set([...after].map((path) => srcByPath.get(path) ?? path))];
    return names.length > 0
      ? [{ name: src, says: `${listed(names)} may be asked after it has answered` }]
      : [];
  });
}

/** States in which several models are at work at once. */
function together({ graph, performed }: PromotionSubject): EvidenceItem[] {
  const models = new Set(performed.filter(isModel).map(({ src }) => src));
  const states = new Map<string, string>();
  for (const { state } of graph.nodes) {
    const atWork = (state?.invocations ?? []).filter(({ src }) => models.has(src));
    if (atWork.length < 2) continue;
    states.set(placeName(state?.snapshot.value), listed(atWork.map(({ src }) => src)));
  }
  return [...states].map(([name, atWork]) => ({ name, says: `${atWork} are at work at once` }));
}

/** Two ways to each invocation are looked at: what it is given comes from one place. */
const mostRoutes = 2;

/** Where a model's answer decides how many workers there are, on what they work, or which workflow is run. */
function orchestrated(subject: PromotionSubject, choices: readonly Choice[]): EvidenceItem[] {
  const { performed, workflow, routes } = subject;
  // A map answers as often as it was given something: how many there are, no model in it decides.
  const deciding = performed.filter((one) => isModel(one) && one.actor?.parts?.chosenBy !== 'input');
  const models = new Set(deciding.map(({ src }) => src));
  return performed.flatMap((one) => {
    const { src, actor, starts } = one;
    const isSpread = actor?.parts?.chosenBy === 'input';
    const isRun = (actor?.workflows ?? []).length > 0;
    if (!isSpread && !isRun) return [];
    const deciders = new Set(
      starts.slice(0, mostRoutes).flatMap((edge) =>
        dependencesOf(workflow, [...routes.to(edge.from), edge], {
          src,
          isModel: (answering) => models.has(answering),
        })
          // A list that is other, or has other items, is other work; text beside it is only how to do it.
          .filter(({ places }) => isRun || places.some((place) => /\/\d+(\/|$)/.test(place)))
          .map(({ on }) => on),
      ),
    );
    if (isRun) {
      for (const choice of choices) {
        if (choice.ways.some(({ invokes }) => invokes.includes(src))) deciders.add(choice.src);
      }
    }
    if (deciders.size === 0) return [];
    const what = isSpread ? 'on what, and how often' : 'whether, or with what';
    return [item(one, `what ${listed([...deciders])} said decides ${what} it is performed`)];
  });
}

// --- whether a lower rung would do --------------------------------------------------------------------------------------

function lowerRungs(subject: PromotionSubject, highest: Rung, choices: readonly Choice[]): EvidenceItem[] {
  const { runs, performed, countStandIns } = subject;
  // What a stand-in uses says nothing of what a model needs.
  const showing = runs.fitting.filter(
    ({ answeredBy }) => countStandIns || answeredBy === 'models' || answeredBy === 'nobody',
  );
  if (highest === 'agent') {
    return performed
      .filter(({ actor }) => actor?.parts?.chosenBy === 'model')
      .flatMap((one) => lowerThanAgent(one, showing));
  }
  return highest === 'routing' ? choices.flatMap((choice) => lowerThanRouting(choice, showing)) : [];
}

function lowerThanAgent({ src, actor }: Performed, runs: readonly FoldedRun[]): EvidenceItem[] {
  const exchanges = runs.flatMap((run) => run.exchanges.map((exchange) => ({ ...exchange, run: run.id })));
  const own = exchanges.filter((exchange) => exchange.src === src);
  const invocations = new Set(own.map(({ key }) => key));
  if (invocations.size === 0) return [];
  const names = actor?.parts?.names ?? [];
  const used = [...new Set(own.map(({ by }) => by).filter((by) => names.includes(by)))];
  if (used.length > 1) return [];
  const [only] = used;
  const times = counted(invocations.size, 'invocation');
  return [
    {
      name: src,
      says:
        only === undefined
          ? `in the ${times} on record it used no tool: a single prompt would do`
          : `in the ${times} on record it used ${only} and no other tool: a prompt and that tool would do`,
      runs: [...new Set(own.map(({ run }) => run))],
    },
  ];
}

function lowerThanRouting(choice: Choice, runs: readonly FoldedRun[]): EvidenceItem[] {
  const ways = choice.ways.map((way) => ({
    way,
    runs: runs.filter((run) => tookWay(run, choice, way)).map(({ id }) => id),
  }));
  const chosen = [...new Set(ways.flatMap((one) => one.runs))];
  const never = ways.filter((one) => one.runs.length === 0);
  if (chosen.length === 0 || never.length === 0) return [];
  const taken = ways.length - never.length;
  const names = never.map(({ way }) => way.invokes.join(' and '));
  const would = taken === 1 ? ': a chain would do' : '';
  return [
    {
      name: choice.src,
      says: `in the ${counted(chosen.length, 'run')} on record in which it chose, it never chose ${listed(names)}${would}`,
      transitions: never.flatMap(({ way }) => way.transitions),
      runs: chosen,
    },
  ];
}
