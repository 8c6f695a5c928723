/**
 * A long report, made of whole cloth and always the same: chapters, paragraphs, figures, and page ends. Every page has a
 * figure of its own, so that whoever reads it can tell which pages were asked about.
 */

const openings = [
  'The committee visited the works at',
  'In the same period the yard at',
  'Nothing of note was reported from',
  'The inspectors found the bridge near',
  'A second survey was made of',
  'The accounts of the depot at',
];
const places = ['Aldmere', 'Brackwater', 'Corvin', 'Dunholt', 'Eskerley', 'Farrow', 'Gantry Hill', 'Hexby'];
const endings = [
  'and left it as it was, since the cost of any change was held to be out of proportion to its use',
  'which the engineers had asked for twice and which was put off both times for want of hands',
  'although the weather had kept the surveyors away for the better part of the season',
  'and the matter was passed to the next meeting with the papers that belong to it',
];

export interface ReportOptions {
  readonly pages: number;
  /** Between the paragraphs of a page. */
  readonly gap?: string;
  /** Between pages. */
  readonly pageEnd?: string;
}

export function reportText({ pages, gap = '\n\n', pageEnd = '\n\f' }: ReportOptions): string {
  const random = generator(7);
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T;
  return Array.from({ length: pages }, (_, index) => {
    const page = index + 1;
    const paragraphs = index % 12 === 0 ? [`Chapter ${index / 12 + 1}`] : [];
    paragraphs.push(`The yard ledger of this page closes at ${marker(page)} tonnes of stone.`);
    while (paragraphs.join(gap).length < 2_800) {
      const sentences = Array.from({ length: 3 + Math.floor(random() * 4) }, () => {
        const figure = random() < 0.3 ? `, at ${Math.floor(random() * 900) + 100} crowns,` : '';
        return `${pick(openings)} ${pick(places)}${figure} ${pick(endings)}.`;
      });
      paragraphs.push(sentences.join(' '));
    }
    return paragraphs.join(gap);
  }).join(pageEnd);
}

/** The figure that stands on one page only: `400,001` on the first. */
export function marker(page: number): string {
  return `400,${String(page).padStart(3, '0')}`;
}

/** The pages whose figure is in the text. */
export function markersIn(text: string): number[] {
  return [...text.matchAll(/\b400,(\d{3})\b/g)].map((match) => Number(match[1]));
}

/** Numbers from 0 to 1, the same ones for a seed. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296;
    return state / 4_294_967_296;
  };
}
