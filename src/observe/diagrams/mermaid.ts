/**
 * A diagram as Mermaid text: `stateDiagram-v2`.
 *
 * I1. Nothing that comes from a machine can end a statement, begin another or become HTML: ids are slugs, and in labels all but
 *     letters, figures and a few marks are written as Mermaid's numbered entities.
 * I2. A transition stands at the top, where it moves no state into another; the line of an initial state stands in its own.
 */
import type { AnyWorkflow } from '../../workflow.ts';
import { createDiagram } from './create-diagram.ts';
import {
  actionsText,
  type Diagram,
  type DiagramState,
  type DiagramTransition,
  labelText,
  statesWithin,
  stayingTransitions,
} from './diagram.ts';
import { mermaidText } from './mermaid-text.ts';
import { type DrawOptions, type Mark, type Marks, marksOf } from './overlay.ts';

/**
 * The workflow as a Mermaid state diagram, which GitHub, GitLab and most editors of Markdown draw. Mermaid cannot colour a single
 * arrow: one that no path covers begins with `✗`, and is listed at the top.
 *
 * @example
 * ```ts
 * console.log(toMermaid(refund));
 * // stateDiagram-v2
 * //   [*] --> deciding
 * //   deciding --> refunding : decideRefund done [withinLimit] / assign amount
 * ```
 */
export function toMermaid(workflow: AnyWorkflow, { overlay }: DrawOptions = {}): string {
  const diagram = createDiagram(workflow);
  const marks = marksOf(diagram, overlay);
  const slugs = new Map(diagram.roots.flatMap(statesWithin).map(({ key, slug }) => [key, slug]));
  const slugOf = (key: string): string => slugs.get(key) ?? '';
  const staying = stayingTransitions(diagram);
  const writing: Writing = { marks, slugOf, stayingOf: (key) => staying.get(key) ?? [] };
  const [own, ...nested] = diagram.roots;
  const lines = [
    ...(own ? (needsFrame(diagram, own) ? stateLines(own, writing) : innerLines(own, writing)) : []),
    ...nested.flatMap((root) => stateLines(root, writing)),
    ...diagram.transitions.flatMap((transition) => transitionLines(transition, writing)),
    ...diagram.roots.flatMap(statesWithin).flatMap((state) => historyLines(state, writing)),
    ...classLines(diagram, marks),
  ];
  return `${[...headLines(diagram, marks), ...lines.map((line) => `  ${line}`)].join('\n')}\n`;
}

interface Writing {
  readonly marks: Marks;
  slugOf(key: string): string;
  /** Transitions of a state that lead nowhere else. */
  stayingOf(key: string): readonly DiagramTransition[];
}

function headLines({ ref, title }: Diagram, { caption, missing }: Marks): string[] {
  const name = mermaidText(title === undefined ? ref : `${ref} · ${title}`);
  return [
    'stateDiagram-v2',
    `  accTitle: ${name}`,
    ...(caption === '' ? [] : [`  accDescr: ${mermaidText(caption)}`, `  %% ${mermaidText(caption)}`]),
    ...missing.map((id) => `  %% missing: ${mermaidText(id)}`),
  ];
}

/** The root is drawn when there is something to say of it, or to tell it from. */
function needsFrame({ roots, transitions }: Diagram, root: DiagramState): boolean {
  return (
    roots.length > 1 ||
    root.type !== 'compound' ||
    root.facts.length > 0 ||
    transitions.some(({ source, targets }) => source === root.key || targets.includes(root.key))
  );
}

function stateLines(state: DiagramState, writing: Writing): string[] {
  const { slug, name, children, key } = state;
  const said = [
    ...state.facts.map(({ text }) => text),
    ...writing.stayingOf(key).map((transition) => transitionText(transition, writing.marks)),
  ];
  if (children.length === 0) {
    return [
      `state "${mermaidText(name)}" as ${slug}`,
      ...said.map((line) => `${slug} : ${mermaidText(line)}`),
    ];
  }
  // A composite state shows its first line alone.
  const label = [name, ...said].map(mermaidText).join('<br>');
  return [`state "${label}" as ${slug} {`, ...innerLines(state, writing).map((line) => `  ${line}`), '}'];
}

function innerLines({ type, initial, children }: DiagramState, writing: Writing): string[] {
  const { slugOf } = writing;
  const start =
    type === 'compound' && initial
      ? [
          `[*] --> ${slugOf(initial.target)}${initial.actions.length === 0 ? '' : ` : ${mermaidText(actionsText(initial.actions).join(''))}`}`,
        ]
      : [];
  const inner = children.map((child) => [
    ...stateLines(child, writing),
    ...(child.type === 'final' ? [`${child.slug} --> [*]`] : []),
  ]);
  const regions =
    type === 'parallel'
      ? inner.flatMap((lines, index) => (index === 0 ? lines : ['--', ...lines]))
      : inner.flat();
  return [...start, ...regions];
}

function transitionLines(transition: DiagramTransition, { slugOf, marks }: Writing): string[] {
  const text = mermaidText(transitionText(transition, marks));
  return transition.targets.map((target) => `${slugOf(transition.source)} --> ${slugOf(target)} : ${text}`);
}

function transitionText({ id, label }: DiagramTransition, marks: Marks): string {
  const head = marks.ofTransition(id) === 'missing' ? ['✗'] : [];
  return [...head, labelText(label), marks.countOf(id)].filter(Boolean).join(' ');
}

function historyLines({ type, slug, initial }: DiagramState, { slugOf }: Writing): string[] {
  return type === 'history' && initial ? [`${slug} --> ${slugOf(initial.target)} : default`] : [];
}

/** Readable on light and on dark paper. */
const styles: Readonly<Record<Mark | 'person' | 'irreversible', string>> = {
  person: 'stroke:#7c3aed,stroke-width:2px',
  irreversible: 'stroke:#b45309,stroke-width:2px',
  taken: 'fill:#bbf7d0,color:#14532d,stroke:#15803d',
  covered: 'fill:#bbf7d0,color:#14532d,stroke:#15803d',
  current: 'fill:#1d4ed8,color:#ffffff,stroke:#1e3a8a,stroke-width:3px',
  untaken: 'fill:#f3f4f6,color:#6b7280,stroke:#d1d5db',
  missing: 'fill:#fee2e2,color:#7f1d1d,stroke:#dc2626,stroke-dasharray:5 3',
};

/** Composite states are left as they are: a fill would hide what is in them. */
function classLines({ roots }: Diagram, marks: Marks): string[] {
  const members = new Map<keyof typeof styles, string[]>();
  for (const { key, slug, children, isPerson, facts } of roots.flatMap(statesWithin)) {
    if (children.length > 0) continue;
    const kind = isPerson
      ? 'person'
      : facts.some((fact) => fact.kind === 'irreversible')
        ? 'irreversible'
        : undefined;
    const name = marks.ofState(key) ?? kind;
    if (name) members.set(name, [...(members.get(name) ?? []), slug]);
  }
  return [...members].flatMap(([name, slugs]) => [
    `classDef ${name} ${styles[name]}`,
    `class ${slugs.join(', ')} ${name}`,
  ]);
}
