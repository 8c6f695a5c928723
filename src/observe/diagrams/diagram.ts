/** What a diagram of a workflow shows, whatever it is written as. All text in it is as the machine has it: not to be trusted. */

export interface Diagram {
  /** `name@version`. */
  readonly ref: string;
  readonly title?: string | undefined;
  readonly description?: string | undefined;
  /** The root states: of the workflow's own machine first, then of the machines nested in it. */
  readonly roots: readonly DiagramState[];
  /** In the order of the machine. */
  readonly transitions: readonly DiagramTransition[];
}

export interface DiagramState {
  /** XState's id of the state, after the ids of the machines that its machine is nested in. */
  readonly key: string;
  /** Of letters, digits and `_`; unique in the diagram, and the same as long as the machine's states keep their names. */
  readonly slug: string;
  readonly name: string;
  readonly type: StateType;
  readonly description?: string | undefined;
  readonly isPerson: boolean;
  /** One of those that a parallel state is in at once. */
  readonly isRegion: boolean;
  /** What is said of it in its box, a line each. */
  readonly facts: readonly Fact[];
  readonly children: readonly DiagramState[];
  /** Where a compound state, or one of history that was never in another, goes to. */
  readonly initial?: { readonly target: string; readonly actions: readonly string[] } | undefined;
}

export type StateType = 'atomic' | 'compound' | 'parallel' | 'final' | 'history';

export interface Fact {
  readonly kind: 'person' | 'actor' | 'irreversible' | 'plain';
  readonly text: string;
}

export interface DiagramTransition {
  /** As `paths` and `transitionsOf` call it. */
  readonly id: string;
  readonly slug: string;
  /** Key of the state that has it. */
  readonly source: string;
  /** Keys; empty if it stays. */
  readonly targets: readonly string[];
  readonly label: TransitionLabel;
}

export interface TransitionLabel {
  /** What it waits for: `APPROVE`, `draftReply done`, `after 4 h (approvalTime)`, `always`. */
  readonly waitsFor: string;
  readonly guard?: string | undefined;
  readonly actions: readonly string[];
}

/** The state and all that are in it. */
export function statesWithin(state: DiagramState): DiagramState[] {
  return [state, ...state.children.flatMap(statesWithin)];
}

/** Those that lead nowhere else, by the key of their state. */
export function stayingTransitions({
  transitions,
}: Diagram): ReadonlyMap<string, readonly DiagramTransition[]> {
  const staying = new Map<string, DiagramTransition[]>();
  for (const transition of transitions) {
    if (transition.targets.length > 0) continue;
    const others = staying.get(transition.source);
    if (others) others.push(transition);
    else staying.set(transition.source, [transition]);
  }
  return staying;
}

/** `APPROVE [withinLimit] / keepDecision, notify`. */
export function labelText({ waitsFor, guard, actions }: TransitionLabel): string {
  return [waitsFor, ...(guard === undefined ? [] : [`[${guard}]`]), ...actionsText(actions)].join(' ');
}

/** `['/ keepDecision, notify']`, or nothing. */
export function actionsText(actions: readonly string[]): string[] {
  return actions.length === 0 ? [] : [`/ ${actions.join(', ')}`];
}
