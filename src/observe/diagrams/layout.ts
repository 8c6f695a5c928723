/** Where Graphviz puts things. The one file that knows the package; what it answers is read as data, never as a picture. */

export interface Laid {
  readonly width: number;
  readonly height: number;
  /** Frames first, outer ones before inner ones; then nodes. */
  readonly objects: readonly LaidElement[];
  readonly edges: readonly LaidElement[];
}

export interface LaidElement {
  /** As the attribute `id` had it. */
  readonly id: string;
  readonly shapes: readonly Shape[];
  readonly texts: readonly LaidText[];
}

/** Points have their origin at the top left. */
export type Shape =
  | {
      readonly type: 'polygon' | 'curve' | 'line';
      readonly points: readonly Point[];
      readonly filled: boolean;
    }
  | {
      readonly type: 'ellipse';
      readonly at: Point;
      readonly rx: number;
      readonly ry: number;
      readonly filled: boolean;
    };

export type Point = readonly [x: number, y: number];

export interface LaidText {
  readonly at: Point;
  readonly anchor: 'start' | 'middle' | 'end';
  readonly size: number;
  readonly bold: boolean;
  readonly color: string;
  readonly text: string;
  /** The room that was made for it. */
  readonly width: number;
}

/** Throws what Graphviz says if it cannot lay it out. */
export async function layOut(dot: string): Promise<Laid> {
  const { Graphviz } = await import('@hpcc-js/wasm-graphviz');
  const graphviz = await Graphviz.load();
  const drawn = JSON.parse(graphviz.layout(dot, 'json', 'dot')) as Drawn;
  const [, , width = 0, height = 0] = drawn.bb.split(',').map(Number);
  return {
    width,
    height,
    objects: (drawn.objects ?? []).map((element) => readElement(element, height)),
    edges: (drawn.edges ?? []).map((element) => readElement(element, height)),
  };
}

// --- what Graphviz answers -------------------------------------------------------------------------------------------

interface Drawn {
  readonly bb: string;
  readonly objects?: readonly DrawnElement[];
  readonly edges?: readonly DrawnElement[];
}

interface DrawnElement {
  readonly id?: string;
  readonly _draw_?: readonly Operation[];
  readonly _hdraw_?: readonly Operation[];
  readonly _tdraw_?: readonly Operation[];
  readonly _ldraw_?: readonly Operation[];
}

/** https://graphviz.org/docs/outputs/canon/#xdot */
type Operation =
  | { readonly op: 'p' | 'P' | 'b' | 'B' | 'L'; readonly points: readonly Point[] }
  | { readonly op: 'e' | 'E'; readonly rect: readonly [number, number, number, number] }
  | { readonly op: 'F'; readonly size: number }
  | { readonly op: 't'; readonly fontchar: number }
  | { readonly op: 'c'; readonly color: string }
  | {
      readonly op: 'T';
      readonly pt: Point;
      readonly align: 'l' | 'c' | 'r';
      readonly width: number;
      readonly text: string;
    }
  | { readonly op: 'C' | 'S' };

const isBold = 1;
const anchors = { l: 'start', c: 'middle', r: 'end' } as const;

function readElement(element: DrawnElement, height: number): LaidElement {
  const { id = '', _draw_ = [], _hdraw_ = [], _tdraw_ = [], _ldraw_ = [] } = element;
  const flipped = ([x, y]: Point): Point => [x, height - y];
  const shapes = [..._draw_, ..._hdraw_, ..._tdraw_].flatMap((operation): Shape[] => {
    switch (operation.op) {
      case 'p':
      case 'P':
        return [{ type: 'polygon', points: operation.points.map(flipped), filled: operation.op === 'P' }];
      case 'b':
      case 'B':
        return [{ type: 'curve', points: operation.points.map(flipped), filled: operation.op === 'B' }];
      case 'L':
        return [{ type: 'line', points: operation.points.map(flipped), filled: false }];
      case 'e':
      case 'E': {
        const [x, y, rx, ry] = operation.rect;
        return [{ type: 'ellipse', at: flipped([x, y]), rx, ry, filled: operation.op === 'E' }];
      }
      default:
        return [];
    }
  });
  return { id, shapes, texts: readTexts(_ldraw_, flipped) };
}

function readTexts(operations: readonly Operation[], flipped: (point: Point) => Point): LaidText[] {
  let style = { size: 0, bold: false, color: '' };
  return operations.flatMap((operation): LaidText[] => {
    switch (operation.op) {
      case 'F':
        style = { ...style, size: operation.size };
        return [];
      case 't':
        style = { ...style, bold: (operation.fontchar & isBold) !== 0 };
        return [];
      case 'c':
        style = { ...style, color: operation.color };
        return [];
      case 'T':
        // It doubles a backslash once more than JSON does.
        return [
          {
            at: flipped(operation.pt),
            anchor: anchors[operation.align],
            text: operation.text.replaceAll('\\\\', '\\'),
            width: operation.width,
            ...style,
          },
        ];
      default:
        return [];
    }
  });
}
