/**
 * A diagram in Graphviz's language. It is also what the SVG is laid out from (see layout.ts).
 *
 * I1. Nothing that comes from a machine can end a label or begin a statement: names of nodes are slugs, and texts are escaped as
 *     HTML-like labels and quoted strings want it.
 * I2. An arrow from or to a state that has others in it ends at that state's border: `ltail`, `lhead`.
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
import { attributes, type Attributes, type Line, table, textLines } from './dot-text.ts';
import { type DrawOptions, type Marks, marksOf } from './overlay.ts';
import { colors, strokeOf } from './palette.ts';
import { plainText, wrapped } from './plain-text.ts';

/** The workflow in Graphviz's own language, for `dot -Tpdf` and the like. */
export function toDot(workflow: AnyWorkflow, { overlay }: DrawOptions = {}): string {
  const diagram = createDiagram(workflow);
  return dotOf(diagram, marksOf(diagram, overlay));
}

/** In points. */
const font = 12;
const smallFont = 10;
/** Characters, beyond which a label goes on in another line. */
const widest = 36;

export function dotOf(diagram: Diagram, marks: Marks): string {
  const states = new Map(diagram.roots.flatMap(statesWithin).map((state) => [state.key, state]));
  const staying = stayingTransitions(diagram);
  const inside = new Set(
    diagram.transitions.flatMap(({ source, targets }) => {
      const from = states.get(source);
      return from && targets.some((key) => statesWithin(from).some((state) => state.key === key))
        ? [source]
        : [];
    }),
  );
  const writing: Writing = {
    diagram,
    marks,
    state: (key) => states.get(key),
    stayingOf: (key) => staying.get(key) ?? [],
    leadsInside: (key) => inside.has(key),
  };
  const lines = [
    'compound=true;',
    'rankdir=TB;',
    'nodesep=0.3;',
    'ranksep=0.35;',
    ...(isTangled(diagram, states.size)
      ? ['splines=line;', 'nslimit=0.2;', 'nslimit1=0.2;', 'mclimit=0.01;', 'searchsize=5;']
      : []),
    `node ${attributes({ shape: 'box', style: 'rounded', fontname: 'Helvetica', fontsize: font, color: colors.line, margin: '0.12,0.06' })};`,
    `edge ${attributes({ fontname: 'Helvetica', fontsize: smallFont, color: colors.line, arrowsize: 0.7 })};`,
    `graph ${attributes({ fontname: 'Helvetica', fontsize: font, color: colors.frame })};`,
    ...diagram.roots.flatMap((root, index) => stateLines(root, writing, index === 0)),
    ...diagram.roots.flatMap(statesWithin).flatMap((state) => initialLines(state, writing)),
    ...diagram.transitions.flatMap((transition) => transitionLines(transition, writing)),
  ];
  return `digraph workflow {\n${lines.map((line) => `  ${line}`).join('\n')}\n}\n`;
}

/** Curves around everything take Graphviz minutes where many arrows lead across: there they are straight, and placed roughly. */
function isTangled({ transitions }: Diagram, states: number): boolean {
  return transitions.length > 200 && transitions.length > 1.5 * states + 50;
}

interface Writing {
  readonly diagram: Diagram;
  readonly marks: Marks;
  state(key: string): DiagramState | undefined;
  /** Transitions of a state that lead nowhere else. */
  stayingOf(key: string): readonly DiagramTransition[];
  /** Whether it has transitions to states in it. */
  leadsInside(key: string): boolean;
}

function stateLines(state: DiagramState, writing: Writing, isOwnRoot: boolean): string[] {
  const { slug, key, type, children } = state;
  const { marks } = writing;
  const stroke = strokeOf(marks.ofState(key));
  const label = table(contentOf(state, writing, isOwnRoot));
  const common: Attributes = { id: stateId(slug), label, tooltip: tooltipOf(state), ...stroke };
  if (children.length === 0) {
    const shape =
      type === 'final'
        ? { peripheries: 2 }
        : type === 'history'
          ? { shape: 'ellipse', margin: '0.03,0.03' }
          : {};
    return [`${name(slug)} ${attributes({ ...common, ...shape })};`];
  }
  const frame: Attributes = {
    ...common,
    style: state.isRegion ? 'rounded,dashed' : 'rounded',
    labeljust: 'l',
    margin: 12,
  };
  return [
    `subgraph ${name(clusterOf(state))} {`,
    `  graph ${attributes(frame)};`,
    `  ${name(anchorOf(state))} ${attributes(type === 'compound' ? initialDot(slug) : hiddenDot)};`,
    ...(writing.leadsInside(key) ? [`  ${name(insideOf(state))} ${attributes(insideDot(state))};`] : []),
    ...children.flatMap((child) => stateLines(child, writing, false)).map((line) => `  ${line}`),
    '}',
  ];
}

const initialDot = (slug: string): Attributes => ({
  id: `${stateId(slug)}-initial`,
  shape: 'point',
  width: 0.1,
  label: '',
  tooltip: 'initial',
});
/** Where transitions begin that a state has for all that are in it, and that lead to one of those. */
const insideDot = ({ slug, name: called }: DiagramState): Attributes => ({
  id: `${stateId(slug)}-inside`,
  shape: 'circle',
  width: 0.12,
  label: '',
  tooltip: plainText(`from anywhere in ${called}`),
});
const hiddenDot: Attributes = { shape: 'point', style: 'invis', width: 0.01, label: '' };

function contentOf(state: DiagramState, { marks, diagram, stayingOf }: Writing, isOwnRoot: boolean): Line[] {
  const { name: called, facts, key } = state;
  const said = (text: string, color: string): Line[] =>
    wrapped(plainText(text), widest).map((line) => ({ text: line, size: smallFont, color }));
  return [
    { text: plainText(isOwnRoot ? diagram.ref : called), size: font, bold: true },
    ...(isOwnRoot && diagram.title !== undefined ? said(diagram.title, colors.quiet) : []),
    ...(isOwnRoot && marks.caption !== '' ? said(marks.caption, colors.taken) : []),
    ...facts.flatMap(({ kind, text }) => said(text, colors[kind])),
    ...stayingOf(key).flatMap((transition) =>
      said(
        transitionText(transition, marks),
        marks.ofTransition(transition.id) === 'missing' ? colors.missing : colors.plain,
      ),
    ),
  ];
}

function tooltipOf({ name: called, description }: DiagramState): string {
  return plainText(description ?? called);
}

function initialLines(state: DiagramState, { state: stateOf }: Writing): string[] {
  const target = state.initial && stateOf(state.initial.target);
  if (!state.initial || !target) return [];
  const text = state.type === 'history' ? ['default'] : actionsText(state.initial.actions);
  const from = state.type === 'history' ? state.slug : anchorOf(state);
  const label = text.length === 0 ? {} : { label: textLines(linesOf(text)) };
  return [
    `${name(from)} -> ${name(anchorOf(target))} ${attributes({ id: `${stateId(state.slug)}-start`, ...label, ...headAt(target), tooltip: 'initial' })};`,
  ];
}

function transitionLines(transition: DiagramTransition, { state, marks }: Writing): string[] {
  const source = state(transition.source);
  if (!source) return [];
  const { waitsFor, guard, actions } = transition.label;
  const count = marks.countOf(transition.id);
  const head = [
    waitsFor,
    ...(guard === undefined ? [] : [`[${guard}]`]),
    ...(count === '' ? [] : [count]),
  ].join(' ');
  const mark = marks.ofTransition(transition.id);
  return transition.targets.flatMap((key, index) => {
    const target = state(key);
    if (!target) return [];
    const isInside = contains(source, target);
    const given: Attributes = {
      id: index === 0 ? transitionId(transition.slug) : `${transitionId(transition.slug)}-${index + 1}`,
      label: textLines(linesOf([head, ...actionsText(actions)])),
      tooltip: plainText(labelText(transition.label)),
      ...(isInside ? {} : tailAt(source)),
      ...(contains(target, source) ? {} : headAt(target)),
      ...strokeOf(mark),
    };
    const from = isInside ? insideOf(source) : exitOf(source);
    return [`${name(from)} -> ${name(anchorOf(target))} ${attributes(given)};`];
  });
}

function transitionText({ id, label }: DiagramTransition, marks: Marks): string {
  return [labelText(label), marks.countOf(id)].filter(Boolean).join(' ');
}

function linesOf(texts: readonly string[]): Line[] {
  return texts.flatMap((text) => wrapped(plainText(text), widest)).map((text) => ({ text, size: smallFont }));
}

export function stateId(slug: string): string {
  return `state-${slug}`;
}

export function transitionId(slug: string): string {
  return `transition-${slug}`;
}

// --- where arrows end ------------------------------------------------------------------------------------------------

/** Graphviz draws arrows between nodes only: at a state with others in it, to its dot, and cut off at its frame. */
function anchorOf({ slug, children }: DiagramState): string {
  return children.length === 0 ? slug : `${slug}__anchor`;
}

function insideOf({ slug }: DiagramState): string {
  return `${slug}__inside`;
}

/** Whether the other is in a state that has others in it, or is that state. */
function contains(state: DiagramState, other: DiagramState): boolean {
  return state.children.length > 0 && statesWithin(state).includes(other);
}

function exitOf(state: DiagramState): string {
  const last = state.children.at(-1);
  return last ? exitOf(last) : state.slug;
}

function headAt(state: DiagramState): Attributes {
  return state.children.length === 0 ? {} : { lhead: clusterOf(state) };
}

function tailAt(state: DiagramState): Attributes {
  return state.children.length === 0 ? {} : { ltail: clusterOf(state) };
}

function clusterOf({ slug }: DiagramState): string {
  return `cluster_${slug}`;
}

/** Graphviz has words of its own; in quotes they are names like any other. */
function name(slug: string): string {
  return `"${slug}"`;
}
