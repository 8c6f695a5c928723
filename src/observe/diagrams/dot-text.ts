/** Attributes and labels of Graphviz's language, with whatever text in them. */
import { xmlText } from './plain-text.ts';

/** Written in angle brackets, as HTML-like text, where `html` is given; else quoted. */
export type Attributes = Readonly<Record<string, string | number | HtmlText>>;

export interface HtmlText {
  readonly html: string;
}

export interface Line {
  readonly text: string;
  readonly size: number;
  readonly bold?: boolean;
  readonly color?: string;
}

export function attributes(given: Attributes): string {
  const list = Object.entries(given).map(([name, value]) => `${name}=${written(value)}`);
  return `[${list.join(', ')}]`;
}

/** In a quoted string a backslash is doubled too: Graphviz reads `\N` in it as the name of the node. */
function written(value: string | number | HtmlText): string {
  if (typeof value === 'number') return String(value);
  if (typeof value === 'object') return `<${value.html}>`;
  return `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

/** Lines below each other, for a state. */
export function table(lines: readonly Line[]): HtmlText {
  const rows = lines.map((line) => `<tr><td align="left">${formatted(line)}</td></tr>`).join('');
  return { html: `<table border="0" cellborder="0" cellspacing="0" cellpadding="1">${rows}</table>` };
}

/** Lines of an arrow. */
export function textLines(lines: readonly Line[]): HtmlText {
  return { html: lines.map((line) => `${formatted(line)}<br align="left"/>`).join('') };
}

function formatted({ text, size, bold, color }: Line): string {
  // An element without text is refused.
  const content = xmlText(text) || ' ';
  const paint = color === undefined ? '' : ` color="${color}"`;
  return `<font point-size="${size}"${paint}>${bold ? `<b>${content}</b>` : content}</font>`;
}
