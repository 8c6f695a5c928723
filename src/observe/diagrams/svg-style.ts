/** How an SVG diagram looks, on light paper and on dark. Only its own elements are styled, also when it stands inside of a page. */
import { colors } from './palette.ts';

type Theme = Readonly<Record<keyof typeof colors | 'paper' | 'box' | 'ink', string>>;

const light: Theme = { ...colors, paper: '#ffffff', box: '#f9fafb', ink: '#111827' };
const dark: Theme = {
  paper: '#111827',
  box: '#1f2937',
  ink: '#f3f4f6',
  line: '#9ca3af',
  frame: '#6b7280',
  quiet: '#9ca3af',
  plain: '#d1d5db',
  actor: '#93c5fd',
  irreversible: '#fbbf24',
  person: '#c4b5fd',
  taken: '#4ade80',
  missing: '#f87171',
  current: '#60a5fa',
  untaken: '#6b7280',
};

const own = '.signalbox-diagram';

// Written out for each paper: not everything that shows SVG knows variables.
function rules(theme: Theme): string[] {
  const shapes = (within: string): string =>
    ['path', 'polygon', 'polyline', 'ellipse'].map((shape) => `${own} ${within}${shape}`).join();
  const marked = (mark: string, color: string, width: number): string[] => [
    `${shapes(`.${mark} `)}{stroke:${color};stroke-width:${width}}`,
    `${own} .${mark} .filled{fill:${color}}`,
  ];
  return [
    `${own} .paper{fill:${theme.paper}}`,
    `${own} text{fill:${theme.ink};white-space:pre}`,
    `${own} text.name{font-weight:bold}`,
    ...Object.keys(colors).map((kind) => `${own} text.says-${kind}{fill:${theme[kind as keyof Theme]}}`),
    `${shapes('')}{fill:none;stroke:${theme.line};stroke-width:1}`,
    `${own} .filled{fill:${theme.line}}`,
    `${shapes('.state ')}{fill:${theme.box}}`,
    `${own} .compound path,${own} .parallel path{fill:none;stroke:${theme.frame}}`,
    `${own} .region path{stroke-dasharray:5 4}`,
    `${own} .person path{stroke:${theme.person};stroke-width:2}`,
    `${own} .irreversible path{stroke:${theme.irreversible};stroke-width:2}`,
    `${own} .transition text{paint-order:stroke;stroke:${theme.paper};stroke-width:3px;stroke-linejoin:round}`,
    ...marked('taken', theme.taken, 2),
    ...marked('covered', theme.taken, 2),
    ...marked('current', theme.current, 3.5),
    ...marked('untaken', theme.untaken, 1),
    ...marked('missing', theme.missing, 1.5),
    // A frame is seen as it is: what counts is in it.
    `${own} .compound.current path,${own} .parallel.current path{stroke-width:1.5}`,
    `${own} .missing path{stroke-dasharray:5 3}`,
    `${own} .untaken text{fill:${theme.untaken}}`,
    `${own} .transition.missing text{fill:${theme.missing}}`,
  ];
}

export const svgStyle = [
  `${own}{color-scheme:light dark;font-family:Helvetica,Arial,"Liberation Sans",sans-serif}`,
  ...rules(light),
  `@media (prefers-color-scheme:dark){`,
  ...rules(dark),
  '}',
].join('\n');
