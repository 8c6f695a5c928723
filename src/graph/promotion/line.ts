/** A line of the promotion check: a question, the answer that machine and runs give, and what it rests on. */

export type LineId =
  | 'flowchart'
  | 'rung'
  | 'inputs'
  | 'effects'
  | 'gates'
  | 'irreversible'
  | 'findings'
  | 'ownership';

export interface PromotionLine {
  /** For ever the same. */
  readonly id: LineId;
  /** The question: "Can the flowchart be drawn?" */
  readonly asks: string;
  /** `informs`: there is nothing to pass or fail. */
  readonly verdict: 'passes' | 'fails' | 'informs';
  /** The answer, in a sentence or two. */
  readonly says: string;
  readonly evidence: readonly Evidence[];
  /** Why it fails, each with what to do. Empty unless it fails. */
  readonly problems: readonly Problem[];
}

/** What was seen of one matter. */
export interface Evidence {
  /** What the items are: `steps`, `branches`, `runs of other versions`. */
  readonly topic: string;
  readonly items: readonly EvidenceItem[];
}

export interface EvidenceItem {
  /** A state, a transition's id, an actor's `src`, a gate, a run's id. */
  readonly name: string;
  readonly says: string;
  /** Ids of the machine's transitions that show it. */
  readonly transitions?: readonly string[];
  /** Ids of the runs that show it. */
  readonly runs?: readonly string[];
}

export interface Problem {
  /** A state, a transition's id, an actor's `src`, a gate; empty for the workflow as a whole. */
  readonly where: string;
  readonly what: string;
  /** What to do about it. */
  readonly fix: string;
  /** The name of a path that shows it. */
  readonly path?: string;
}

type Answer = Pick<PromotionLine, 'says'> & { readonly evidence: ReadonlyArray<Evidence | undefined> };

/** A line that fails if there is a problem. Topics without items are left out. */
export function judgedLine(
  { id, asks }: Pick<PromotionLine, 'id' | 'asks'>,
  { says, evidence }: Answer,
  problems: readonly Problem[],
): PromotionLine {
  const verdict = problems.length > 0 ? 'fails' : 'passes';
  return { id, asks, verdict, says, evidence: filled(evidence), problems };
}

export function informingLine(
  { id, asks }: Pick<PromotionLine, 'id' | 'asks'>,
  { says, evidence }: Answer,
): PromotionLine {
  return { id, asks, verdict: 'informs', says, evidence: filled(evidence), problems: [] };
}

function filled(evidence: Answer['evidence']): Evidence[] {
  return evidence.filter((one): one is Evidence => one !== undefined && one.items.length > 0);
}

/** `1 step`, `3 steps`. */
export function counted(count: number, one: string, more = `${one}s`): string {
  return `${count.toLocaleString('en')} ${count === 1 ? one : more}`;
}

/** `a`, `a and b`, `a, b and c`. */
export function listed(words: readonly string[]): string {
  const last = words.at(-1) ?? '';
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} and ${last}`;
}
