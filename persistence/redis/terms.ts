/**
 * What a run is found by. Each shard has one index, a sorted set whose entries are ordered by their bytes:
 *
 * | entry | of which runs |
 * |---|---|
 * | `r,<created><id>` | all |
 * | `w=<workflow>,<created><id>` | those of the workflow |
 * | `p,<created><id>` · `p=<parent>,<created><id>` | started from outside · by that run |
 * | `l=<name>=<value>,<created><id>` | those with the label |
 * | `s=<status>,<created><id>` · `t=<tag>,<created><id>` | those with the status, with the tag |
 * | `!,<created><id>` | those with a problem |
 * | `h,<created><id>` | those with a lease |
 * | `o=<name@version>,<id>` | those that have not ended |
 * | `d=<name@version>,<due><id>` | those that are due at some time (I7) |
 * | `e=<status>,<updated><id>` | those that have ended |
 *
 * The part before the comma is a term. A run's terms are also the only place where its status, tags, labels and parent
 * are stored. Times have 13 digits, so that the order of the bytes is theirs.
 */
import { InvalidOption } from '../../src/errors.ts';
import type { Labels, ListQuery, RunStatus } from '../store.ts';

const timeDigits = 13;
const latest = 10 ** timeDigits - 1;

/** Rounds up, and to what the digits hold. */
export function encodeTime(time: number): string {
  return String(Math.min(Math.max(Math.ceil(time), 0), latest)).padStart(timeDigits, '0');
}

export function splitTime(text: string): { readonly time: number; readonly rest: string } {
  return { time: Number(text.slice(0, timeDigits)), rest: text.slice(timeDigits) };
}

/** @throws InvalidOption unless it can be stored as it is. */
export function encodeCreated(createdAt: number): string {
  if (Number.isInteger(createdAt) && createdAt >= 0 && createdAt <= latest) return encodeTime(createdAt);
  throw new InvalidOption(`Expected \`createdAt\` to be milliseconds since the epoch, got \`${createdAt}\`.`);
}

/** Text as it stands in a term, where `,` and `=` separate. */
export function escapeTerm(text: string): string {
  return text.replace(/[%,=]/g, (each) => escapes[each] ?? each);
}

export function unescapeTerm(text: string): string {
  return text.replace(/%[pce]/g, (each) => unescapes[each] ?? each);
}

const escapes: Readonly<Record<string, string>> = { '%': '%p', ',': '%c', '=': '%e' };
const unescapes: Readonly<Record<string, string>> = { '%p': '%', '%c': ',', '%e': '=' };

export interface Origin {
  readonly createdAt: number;
  readonly workflow: string;
  readonly version: string;
}

export function encodeOrigin({ createdAt, workflow, version }: Origin): string {
  return `${encodeCreated(createdAt)}${workflow.length}:${escapeTerm(`${workflow}@${version}`)}`;
}

export function decodeOrigin(origin: string): Origin {
  const { time, rest } = splitTime(origin);
  const colon = rest.indexOf(':');
  const kind = unescapeTerm(rest.slice(colon + 1));
  const nameLength = Number(rest.slice(0, colon));
  return { createdAt: time, workflow: kind.slice(0, nameLength), version: kind.slice(nameLength + 1) };
}

export interface FixedTerms {
  readonly workflow: string;
  readonly labels: Labels;
  readonly parent?: string;
}

/** The terms that a run keeps as long as it is there. */
export function encodeFixed({ workflow, labels, parent }: FixedTerms): string {
  const terms = [workflowTerm(workflow), parentTerm(parent ?? null)];
  for (const [name, value] of Object.entries(labels)) terms.push(labelTerm(name, value));
  return terms.join(',');
}

export function decodeFixed(fixed: string): { readonly labels: Labels; readonly parent?: string } {
  const labels: Array<[string, string]> = [];
  let parent: string | undefined;
  for (const term of fixed.split(',')) {
    if (term.startsWith('p=')) parent = unescapeTerm(term.slice(2));
    if (!term.startsWith('l=')) continue;
    const [name = '', value = ''] = term.slice(2).split('=');
    labels.push([unescapeTerm(name), unescapeTerm(value)]);
  }
  return { labels: Object.fromEntries(labels), ...(parent !== undefined && { parent }) };
}

/** The terms that commits change. */
export function encodeStatusAndTags(status: RunStatus, tags: readonly string[]): string {
  return [statusTerm(status), ...tags.map(tagTerm)].join(',');
}

export function decodeStatusAndTags(terms: string): {
  readonly status: RunStatus;
  readonly tags: readonly string[];
} {
  const [status = '', ...tags] = terms.split(',').map((term) => unescapeTerm(term.slice(2)));
  return { status: status as RunStatus, tags };
}

/** The terms that a run must have to be in the list; at least one. */
export function toListTerms({
  workflow,
  status,
  tag,
  labels = {},
  parent,
  stuck,
}: ListQuery): readonly string[] {
  const terms = Object.entries(labels).map(([name, value]) => labelTerm(name, value));
  if (workflow !== undefined) terms.push(workflowTerm(workflow));
  if (status !== undefined) terms.push(statusTerm(status));
  if (tag !== undefined) terms.push(tagTerm(tag));
  if (parent !== undefined) terms.push(parentTerm(parent));
  if (stuck) terms.push('!');
  return terms.length > 0 ? terms : ['r'];
}

export function dueTerm(kind: string): string {
  return `d=${escapeTerm(kind)}`;
}

function workflowTerm(workflow: string): string {
  return `w=${escapeTerm(workflow)}`;
}

function parentTerm(parent: string | null): string {
  if (parent === null) return 'p';
  return `p=${escapeTerm(parent)}`;
}

function labelTerm(name: string, value: string): string {
  return `l=${escapeTerm(name)}=${escapeTerm(value)}`;
}

function statusTerm(status: RunStatus): string {
  return `s=${status}`;
}

function tagTerm(tag: string): string {
  return `t=${escapeTerm(tag)}`;
}
