/**
 * A diagram as a picture: SVG that stands for itself, without a script, a link or a font of its own.
 *
 * I1. The same workflow and overlay give the same bytes.
 * I2. All text of a machine is content or an attribute's value, escaped; what it says is never an element, a style or an address.
 * I3. `id`s are made of the machine's own names, so that a page can find a state or a transition again: `state-<slug>`,
 *     `transition-<slug>`, with the key and the id as they are in `data-state` and `data-transition`.
 */
import type { AnyWorkflow } from '../../workflow.ts';
import { createDiagram } from './create-diagram.ts';
import {
  type Diagram,
  type DiagramState,
  type DiagramTransition,
  labelText,
  statesWithin,
} from './diagram.ts';
import { dotOf, stateId, transitionId } from './dot.ts';
import { type LaidElement, type LaidText, layOut, type Point, type Shape } from './layout.ts';
import { type DrawOptions, type Marks, marksOf } from './overlay.ts';
import { colors } from './palette.ts';
import { plainText, xmlText } from './plain-text.ts';
import { svgStyle } from './svg-style.ts';

/**
 * The workflow as an SVG document, in the colours of light or dark paper as the reader's system has it. States have their
 * descriptions as tooltips. Rejects with Graphviz's own message if it cannot be laid out.
 *
 * @example
 * ```ts
 * writeFileSync('refund.svg', await toSvg(refund));
 * ```
 */
export async function toSvg(workflow: AnyWorkflow, { overlay }: DrawOptions = {}): Promise<string> {
  const diagram = createDiagram(workflow);
  const marks = marksOf(diagram, overlay);
  const { width, height, objects, edges } = await layOut(dotOf(diagram, marks));
  const named = namedElements(diagram, marks);
  const group = (element: LaidElement, otherwise: Named): string[] => {
    const { attributes, title } = named.get(element.id) ?? otherwise;
    if (element.shapes.length === 0 && element.texts.length === 0) return [];
    return [
      `<g${attributesText(element.id === '' ? attributes : { id: element.id, ...attributes })}>`,
      ...(title === '' ? [] : [`<title>${xmlText(title)}</title>`]),
      // The outer line of two is filled like the inner one, and must not hide it.
      ...element.shapes.toReversed().map(shapeText),
      ...element.texts.map(textElement),
      '</g>',
    ];
  };
  const size = { width: Math.ceil(width) + 2 * border, height: Math.ceil(height) + 2 * border };
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" class="signalbox-diagram" role="graphics-document" aria-labelledby="diagram-title diagram-description" width="${size.width}" height="${size.height}" viewBox="${-border} ${-border} ${size.width} ${size.height}">`,
    `<title id="diagram-title">${xmlText(plainText(titleOf(diagram)))}</title>`,
    `<desc id="diagram-description">${xmlText(plainText(descriptionOf(diagram, marks)))}</desc>`,
    `<style>${svgStyle}</style>`,
    `<rect class="paper" x="${-border}" y="${-border}" width="${size.width}" height="${size.height}"/>`,
    ...objects.flatMap((element) => group(element, { attributes: { class: 'start' }, title: '' })),
    ...edges.flatMap((element) => group(element, { attributes: { class: 'transition initial' }, title: '' })),
    '</svg>',
  ].join('\n')}\n`;
}

/** In pixels, around all. */
const border = 12;

function titleOf({ ref, title }: Diagram): string {
  return title === undefined ? ref : `${ref}: ${title}`;
}

function descriptionOf({ description, roots, transitions }: Diagram, { caption }: Marks): string {
  const states = roots.flatMap(statesWithin).length - roots.length;
  const counts = `${states} states, ${transitions.length} transitions`;
  return [description, counts, caption].filter(Boolean).join(' · ');
}

// --- what elements are -----------------------------------------------------------------------------------------------

interface Named {
  readonly attributes: Readonly<Record<string, string>>;
  readonly title: string;
}

function namedElements(diagram: Diagram, marks: Marks): ReadonlyMap<string, Named> {
  const states = diagram.roots
    .flatMap(statesWithin)
    .map((state) => [stateId(state.slug), ofState(state, marks)] as const);
  const transitions = diagram.transitions.flatMap((transition) =>
    transition.targets.map((_, index) => {
      const id = transitionId(transition.slug);
      return [index === 0 ? id : `${id}-${index + 1}`, ofTransition(transition, marks)] as const;
    }),
  );
  return new Map([...states, ...transitions]);
}

function ofState(state: DiagramState, marks: Marks): Named {
  const { key, type, isPerson, isRegion, name, description, facts } = state;
  const kinds = [
    'state',
    type,
    ...(isRegion ? ['region'] : []),
    ...(isPerson ? ['person'] : []),
    ...(facts.some(({ kind }) => kind === 'irreversible') ? ['irreversible'] : []),
    marks.ofState(key) ?? '',
  ];
  return {
    attributes: { class: kinds.filter(Boolean).join(' '), 'data-state': key },
    title: plainText(description ?? name),
  };
}

function ofTransition({ id, label }: DiagramTransition, marks: Marks): Named {
  const kinds = ['transition', marks.ofTransition(id) ?? ''].filter(Boolean);
  return {
    attributes: { class: kinds.join(' '), 'data-transition': id },
    title: plainText([labelText(label), marks.countOf(id)].filter(Boolean).join(' ')),
  };
}

// --- how they are written --------------------------------------------------------------------------------------------

function attributesText(attributes: Readonly<Record<string, string>>): string {
  return Object.entries(attributes)
    .map(([name, value]) => ` ${name}="${xmlText(plainText(value))}"`)
    .join('');
}

function shapeText(shape: Shape): string {
  const kind = shape.filled ? ' class="filled"' : '';
  switch (shape.type) {
    case 'ellipse':
      return `<ellipse${kind} cx="${rounded(shape.at[0])}" cy="${rounded(shape.at[1])}" rx="${rounded(shape.rx)}" ry="${rounded(shape.ry)}"/>`;
    case 'polygon':
      return `<polygon${kind} points="${shape.points.map(pointText).join(' ')}"/>`;
    case 'line':
      return `<polyline points="${shape.points.map(pointText).join(' ')}"/>`;
    case 'curve': {
      const [first = [0, 0], ...rest] = shape.points;
      return `<path${kind} d="M${pointText(first)} C${rest.map(pointText).join(' ')}"/>`;
    }
  }
}

function textElement({ at, anchor, size, bold, color, text, width }: LaidText): string {
  const kind = kindByColor.get(color);
  const classes = [...(bold ? ['name'] : []), ...(kind ? [kind] : [])].join(' ');
  const given = {
    x: rounded(at[0]),
    y: rounded(at[1]),
    'font-size': rounded(size),
    ...(anchor === 'start' ? {} : { 'text-anchor': anchor }),
    ...(classes === '' ? {} : { class: classes }),
    ...(isMeasured.test(text) ? { textLength: rounded(width), lengthAdjust: 'spacingAndGlyphs' } : {}),
  };
  return `<text${attributesText(given)}>${xmlText(text)}</text>`;
}

/** What Graphviz knows the widths of: it then fits its box in whatever font the reader has. */
const isMeasured = /^[\u0020-\u007e\u00a0-\u024f…→▸⚠]+$/;

const kindByColor: ReadonlyMap<string, string> = new Map(
  Object.entries(colors).map(([kind, color]) => [color, `says-${kind}`]),
);

function pointText([x, y]: Point): string {
  return `${rounded(x)},${rounded(y)}`;
}

function rounded(value: number): string {
  return String(Math.round(value * 10) / 10);
}
