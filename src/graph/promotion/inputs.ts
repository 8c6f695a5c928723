/**
 * On how many genuinely different inputs has it run?
 *
 * Runs whose models' answers came from stand-ins or recordings are told apart and do not count: that plain rules, or an answer
 * of last month, get a ticket through says nothing of what the model does with it. Nor does a run in which none was asked.
 * `countStandIns` counts them, for a workflow that is tried without a key.
 */
import { isEnd } from '../paths/routes.ts';
import { counted, type EvidenceItem, judgedLine, listed, type Problem, type PromotionLine } from './line.ts';
import type { FoldedRun, RecordedRun } from './recorded-runs.ts';
import { essenceOf } from './same-input.ts';
import type { PromotionSubject } from './subject.ts';

const asked = { id: 'inputs', asks: 'Has it run on genuinely different inputs?' } as const;

/** Two may be alike by chance; with three, one is the odd one. */
const leastInputs = 3;

export function inputs(subject: PromotionSubject): PromotionLine {
  const { runs, workflow } = subject;
  const { counting, standIns, replayed, unasked, underWay } = sorted(subject);
  const different = groupedBy(counting, ({ input }) => essenceOf(input));
  const ways = groupedBy(counting, ({ taken }) => [...taken].sort().join('\n'));
  const notTaken = otherWays(subject, counting);
  const says = `${counted(different.length, 'different input')} in ${counted(counting.length, 'run')}, which took ${counted(ways.length, 'different way')}.`;
  const apart = (topic: string, of: readonly RecordedRun[], why: (run: RecordedRun) => string) => ({
    topic,
    items: of.map((run) => ({ name: run.id, says: why(run), runs: [run.id] })),
  });
  const evidence = [
    { topic: 'counted because it was asked for', items: countedAllTheSame(counting) },
    { topic: 'different inputs', items: different.map(inputItem) },
    { topic: 'different ways', items: ways.map(wayItem) },
    { topic: 'ways that none of these runs took', items: notTaken },
    apart('answered by stand-ins, not counted', standIns, ({ status }) => status),
    apart('answered by recordings, not counted', replayed, ({ status }) => status),
    apart('in which no model was asked, not counted', unasked, ({ status }) => status),
    apart('not at an end, not counted', underWay, ({ status }) => status),
    {
      topic: 'with a history that does not fit the machine, not counted',
      items: runs.misfit.map(({ id, from }) => ({ name: id, says: `from message ${from} on`, runs: [id] })),
    },
    apart(
      'of other versions, not counted',
      runs.otherVersions,
      ({ version, status }) => `${version}, ${status}`,
    ),
  ];
  return judgedLine(asked, { says, evidence }, problems());

  function problems(): Problem[] {
    const found: Problem[] = [];
    const missing = leastInputs - different.length;
    if (missing > 0) {
      const left = [
        ...(standIns.length > 0 ? [`${counted(standIns.length, 'run')} answered by stand-ins`] : []),
        ...(unasked.length > 0 ? [`${counted(unasked.length, 'run')} in which no model was asked`] : []),
        ...(replayed.length > 0 ? [`${counted(replayed.length, 'run')} answered by recordings`] : []),
        ...(underWay.length > 0
          ? [
              `${counted(underWay.length, 'run')} that ${underWay.length === 1 ? 'has' : 'have'} not come to an end`,
            ]
          : []),
        ...(runs.otherVersions.length > 0
          ? [`${counted(runs.otherVersions.length, 'run')} of other versions`]
          : []),
      ];
      const besides = left.length > 0 ? ` ${listed(left)} are not counted.` : '';
      found.push({
        where: '',
        what: `It has run on ${counted(different.length, 'different input')}, and at least ${leastInputs} are wanted.${besides}`,
        fix: `Run ${workflow.name} with real models on ${missing} more ${missing === 1 ? 'input' : 'inputs'} that ${missing === 1 ? 'differs' : 'differ'} in more than ids, times, white space and letter case.`,
      });
    }
    if (counting.length > 1 && ways.length === 1 && notTaken.length > 0) {
      found.push({
        where: '',
        what: `All ${counting.length} runs took the same way, and there are others that are no failures.`,
        fix: `Run it on inputs that lead along: ${firstOf(notTaken.flatMap(({ transitions = [] }) => transitions))}.`,
      });
    }
    if (runs.misfit.length > 0) {
      found.push({
        where: '',
        what: `The machine was changed after ${counted(runs.misfit.length, 'run')} of this version: their histories do not fit it.`,
        fix: `Give the changed machine a version other than ${workflow.version}, and run it again.`,
      });
    }
    return found;
  }
}

/** Whoever signs has to see it. */
function countedAllTheSame(counting: readonly FoldedRun[]): EvidenceItem[] {
  const others = counting.filter(
    ({ answeredBy }) => answeredBy === 'stand-ins' || answeredBy === 'recordings',
  );
  if (others.length === 0) return [];
  const says = 'stand-ins or recordings answered where a model would have';
  return [{ name: counted(others.length, 'run'), says, runs: others.map(({ id }) => id) }];
}

const mostNamed = 5;

function firstOf(ids: readonly string[]): string {
  const left = ids.length - mostNamed;
  return ids.slice(0, mostNamed).join('; ') + (left > 0 ? `; and ${left} more` : '');
}

interface Sorted {
  readonly counting: readonly FoldedRun[];
  readonly standIns: readonly FoldedRun[];
  readonly replayed: readonly FoldedRun[];
  /** No model was asked in them, although the workflow asks one. */
  readonly unasked: readonly FoldedRun[];
  readonly underWay: readonly FoldedRun[];
}

/** A run that failed or was cancelled has not shown that its input can be dealt with. */
function sorted({ runs, graph, performed, countStandIns }: PromotionSubject): Sorted {
  // A machine that never ends has runs that wait, and nothing more can be asked of them.
  const canEnd = graph.nodes.some((node) => isEnd(node) && node.state?.snapshot.status === 'done');
  const hasShown = ({ status }: RecordedRun): boolean =>
    status === 'done' || (!canEnd && status === 'waiting');
  const atEnd = runs.fitting.filter(hasShown);
  const apart = (by: FoldedRun['answeredBy']): readonly FoldedRun[] =>
    countStandIns ? [] : atEnd.filter(({ answeredBy }) => answeredBy === by);
  const standIns = apart('stand-ins');
  const replayed = apart('recordings');
  const asksModels = performed.some(({ actor }) => actor?.fallible);
  const unasked = asksModels ? apart('nobody') : [];
  const isApart = new Set([...standIns, ...replayed, ...unasked]);
  return {
    counting: atEnd.filter((run) => !isApart.has(run)),
    standIns,
    replayed,
    unasked,
    underWay: runs.fitting.filter((run) => !hasShown(run)),
  };
}

function groupedBy(runs: readonly FoldedRun[], keyOf: (run: FoldedRun) => string): FoldedRun[][] {
  const groups = new Map<string, FoldedRun[]>();
  for (const run of runs) {
    const key = keyOf(run);
    groups.set(key, [...(groups.get(key) ?? []), run]);
  }
  return [...groups.values()];
}

function inputItem(group: readonly FoldedRun[], index: number): EvidenceItem {
  const alike = group.length > 1 ? `, alike but for ids, times, white space and letter case` : '';
  return {
    name: `input ${index + 1}`,
    says: `${counted(group.length, 'run')}${alike}`,
    runs: group.map(({ id }) => id),
  };
}

function wayItem(group: readonly FoldedRun[], index: number): EvidenceItem {
  const [first] = group;
  return {
    name: `way ${index + 1}`,
    says: `${counted(first?.taken.size ?? 0, 'transition')}, ${counted(group.length, 'run')}`,
    transitions: [...(first?.taken ?? [])],
    runs: group.map(({ id }) => id),
  };
}

/** Transitions that explored runs take with no failure, no timer, and that no counting run has taken. */
function otherWays({ graph }: PromotionSubject, counting: readonly FoldedRun[]): EvidenceItem[] {
  const taken = new Set(counting.flatMap((run) => [...run.taken]));
  const others = graph.edges
    .filter(({ move }) => move.type !== 'timer' && !('error' in move))
    .flatMap(({ transitions }) => transitions)
    .filter((id) => !taken.has(id));
  const transitions = [...new Set(others)];
  if (counting.length === 0 || transitions.length === 0) return [];
  return [{ name: counted(transitions.length, 'transition'), says: transitions.join('; '), transitions }];
}
