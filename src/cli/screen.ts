/** Where a command writes to: standard output, in colours or not, as text or as JSON. */
import { styleText } from 'node:util';

import { toJson } from './plain-value.ts';

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';

export interface Screen {
  /** Documents for programs instead of text for people. */
  readonly json: boolean;
  /** Lines can be written over: a terminal, and text. */
  readonly live: boolean;
  /** In columns. */
  readonly width: number;
  readonly height: number;
  paint(style: Style, text: string): string;
  /** The same for standard error, which may be another place. */
  paintError(style: Style, text: string): string;
  /** Text, a line at a time. Nothing is written in JSON mode. */
  print(line?: string): void;
  /** The command's one document. Nothing is written in text mode. */
  document(value: unknown): void;
  /** One line of several. Nothing is written in text mode. */
  jsonLine(value: unknown): void;
  /** Bytes as they are; for what moves the cursor. */
  raw(text: string): void;
}

export interface ScreenOptions {
  readonly json: boolean;
  readonly color: boolean;
}

const pipeWidth = 120;
const leastWidth = 40;

export function createScreen(
  { json, color }: ScreenOptions,
  out: NodeJS.WriteStream = process.stdout,
): Screen {
  return {
    json,
    live: !json && out.isTTY && process.env['TERM'] !== 'dumb',
    get width() {
      return Math.max(leastWidth, out.columns ?? (Number(process.env['COLUMNS']) || pipeWidth));
    },
    get height() {
      return out.rows ?? 24;
    },
    paint: (style, text) => painted(style, text, color && supportsColor(out)),
    paintError: (style, text) => painted(style, text, color && supportsColor(process.stderr)),
    print(line = '') {
      if (!json) out.write(`${line}\n`);
    },
    document(value) {
      if (json) out.write(`${toJson(value, 2)}\n`);
    },
    jsonLine(value) {
      if (json) out.write(`${toJson(value)}\n`);
    },
    raw: (text) => void out.write(text),
  };
}

function painted(style: Style, text: string, colored: boolean): string {
  return colored && text !== '' ? styleText(style, text, { validateStream: false }) : text;
}

/** https://no-color.org */
function supportsColor(stream: NodeJS.WriteStream): boolean {
  return stream.isTTY && !process.env['NO_COLOR'] && process.env['TERM'] !== 'dumb';
}
