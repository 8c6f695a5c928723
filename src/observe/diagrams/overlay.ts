/** What is drawn on a diagram beside the machine: the way that a run took, or what paths cover. */
import { type Diagram, type DiagramState, statesWithin } from './diagram.ts';

/** The way of a run so far. */
export interface RunPath {
  readonly kind: 'run';
  readonly runId?: string | undefined;
  readonly status: string;
  /** How often each transition was taken, by its id. */
  readonly taken: ReadonlyMap<string, number>;
  /** Keys of the states that it was at rest in. */
  readonly rested: ReadonlySet<string>;
  /** Keys of the states that it is in, or ended in. */
  readonly current: ReadonlySet<string>;
  /** Sequence number of the message from which on the history does not fit this workflow, so that transitions are missing. */
  readonly misfit?: number | undefined;
}

/** What paths cover of a machine's transitions. */
export interface CoveredTransitions {
  readonly kind: 'coverage';
  /** Ids. */
  readonly covered: ReadonlySet<string>;
}

export type Overlay = RunPath | CoveredTransitions;

export interface DrawOptions {
  /** Drawn on it: `pathOfRun(…)` or `coveredBy(…)`. */
  readonly overlay?: Overlay | undefined;
}

export type Mark = 'taken' | 'untaken' | 'current' | 'covered' | 'missing';

export interface Marks {
  ofState(key: string): Mark | undefined;
  ofTransition(id: string): Mark | undefined;
  /** `×3`, or nothing. */
  countOf(id: string): string;
  /** In a line, such as `run T-5, done` or `133 of 134 transitions are covered`; empty if nothing is drawn on it. */
  readonly caption: string;
  /** What is missing, a line each. */
  readonly missing: readonly string[];
}

/** The root of the workflow's own machine has no mark: a run is always in it. */
export function marksOf(diagram: Diagram, overlay: Overlay | undefined): Marks {
  if (!overlay) return nothing;
  const marks = overlay.kind === 'run' ? runMarks(diagram, overlay) : coverageMarks(diagram, overlay);
  const root = diagram.roots[0]?.key;
  return { ...marks, ofState: (key) => (key === root ? undefined : marks.ofState(key)) };
}

const nothing: Marks = {
  ofState: () => undefined,
  ofTransition: () => undefined,
  countOf: () => '',
  caption: '',
  missing: [],
};

function runMarks(diagram: Diagram, { runId, status, taken, rested, current, misfit }: RunPath): Marks {
  const visited = touched(diagram, (id) => taken.has(id), rested, rested.size > 0);
  const run = runId === undefined ? 'a run' : `run ${runId}`;
  return {
    ofState: (key) => (current.has(key) ? 'current' : visited.has(key) ? 'taken' : 'untaken'),
    ofTransition: (id) => (taken.has(id) ? 'taken' : 'untaken'),
    countOf(id) {
      const count = taken.get(id) ?? 0;
      return count === 0 ? '' : `×${count}`;
    },
    caption: [
      `${run}, ${status}`,
      ...(misfit === undefined
        ? []
        : [`from message ${misfit} on its history does not fit this workflow: transitions are missing`]),
    ].join('; '),
    missing: [],
  };
}

function coverageMarks(diagram: Diagram, { covered }: CoveredTransitions): Marks {
  const states = touched(diagram, (id) => covered.has(id), new Set(), true);
  const missing = diagram.transitions.filter(({ id }) => !covered.has(id)).map(({ id }) => id);
  const all = diagram.transitions.length;
  return {
    ofState: (key) => (states.has(key) ? 'covered' : 'missing'),
    ofTransition: (id) => (covered.has(id) ? 'covered' : 'missing'),
    countOf: () => '',
    caption: `${all - missing.length} of ${all} transitions are covered`,
    missing,
  };
}

/** States that a run was in which took these transitions, those around them and the initial ones in them included. */
function touched(
  { roots, transitions }: Diagram,
  isTaken: (id: string) => boolean,
  rested: ReadonlySet<string>,
  hasBegun: boolean,
): ReadonlySet<string> {
  const parents = new Map<string, string>();
  const states = new Map<string, DiagramState>();
  for (const state of roots.flatMap(statesWithin)) {
    states.set(state.key, state);
    for (const { key } of state.children) parents.set(key, state.key);
  }
  const found = new Set<string>();
  const add = (start: string): void => {
    for (let key: string | undefined = start; key !== undefined && !found.has(key); key = parents.get(key)) {
      found.add(key);
    }
  };
  /** What is entered with a state that is itself the target. */
  const enter = (key: string): void => {
    add(key);
    const state = states.get(key);
    if (state?.type === 'parallel')
      state.children.filter(({ type }) => type !== 'history').forEach((child) => enter(child.key));
    else if (state?.type === 'compound' && state.initial) enter(state.initial.target);
  };
  const taken = transitions.filter(({ id }) => isTaken(id));
  if (hasBegun) roots.slice(0, 1).forEach(({ key }) => enter(key));
  rested.forEach(add);
  for (const { source, targets } of taken) {
    add(source);
    targets.forEach(enter);
  }
  return found;
}
