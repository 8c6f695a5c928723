/**
 * What answers when there is no key: plain rules that copy sentences and understand nothing. They are wrong at times, as a
 * model is, so that the checks, the better model, the repair and the people are seen at work:
 *
 * - `12 + 15` in a chunk makes the cheap model add it up, and insist; the better model does not;
 * - a figure of seven digits or more is rounded in the final summary, and put right when that is shown to be wrong;
 * - where there is talk of a forecast, the final summary has one of its own, and keeps it;
 * - a chunk that is mostly one endless word, such as a file pasted as base64, gets no summary from either model.
 */
import { standIn, type StandInRule } from 'signalbox';

import type { ChunkInput, ChunkSummary, RepairInput, Summary } from './schemas.ts';

export const documentStandIn = standIn({
  summarizeChunk: (input: ChunkInput): ChunkSummary => {
    const answer = extract(input.text);
    const sum = additionIn(input.text);
    return sum === undefined ? answer : { ...answer, summary: `${answer.summary} That makes ${sum} in all.` };
  },
  summarizeChunkBetter: (input: ChunkInput): ChunkSummary => extract(input.text),
  mergeSummaries: merge as StandInRule,
  repairSummary: repair as StandInRule,
});

const mostSentence = 280;

/** The first sentence, and those that have figures in them. */
function extract(text: string): ChunkSummary {
  if (isUnreadable(text)) return { summary: '', points: [] };
  const all = sentencesOf(text);
  // Headings are none, unless there is nothing else.
  const whole = all.filter((sentence) => /[.!?…。！？]$/u.test(sentence));
  const sentences = [...new Set(whole.length > 0 ? whole : all)];
  const [first = clipped(text)] = sentences;
  const withFigures = sentences.filter((sentence) => sentence !== first && /\p{N}/u.test(sentence));
  const others = sentences.filter((sentence) => sentence !== first && !withFigures.includes(sentence));
  const points = [first, ...withFigures, ...others].slice(0, 4);
  return { summary: points.slice(0, 2).join(' '), points };
}

/** The first sentence of each part, and the points that they and the others come from. */
function merge(parts: readonly Summary[]): Summary {
  const most = Math.max(...parts.map(({ keyPoints }) => keyPoints.length));
  // The first point of each part, then the second of each, and so on.
  const points = Array.from({ length: most }, (_, rank) =>
    parts.flatMap(({ keyPoints }) => keyPoints[rank] ?? []),
  ).flat();
  const firsts = parts.map(({ summary }) => sentencesOf(summary)[0]);
  // What the summary says has to have its source among the key points.
  const sources = firsts.flatMap((first) => points.find(({ text }) => text === first) ?? []).slice(0, 8);
  const keyPoints = [...new Set([...sources, ...points])].slice(0, 12);
  const said = (sources.length > 0 ? sources : keyPoints.slice(0, 1)).map(({ text }) => text);
  const whole = keyPoints.map(({ text }) => text).join('\n');
  const added = [roundingIn(whole), forecastIn(whole)].filter((sentence) => sentence !== undefined);
  return { summary: [...said, ...added].join(' '), keyPoints };
}

/** Leaves out every sentence with a figure that was found wrong. Its forecast, it keeps. */
function repair({ draft, faults }: RepairInput): Summary {
  const wrong = faults.flatMap(
    (fault) => /The (?:figures?|date|time) (.+?) (?:does|do) not stand/.exec(fault)?.[1] ?? [],
  );
  const right = (text: string): boolean =>
    text.startsWith(forecast) || !wrong.some((figure) => text.toLowerCase().includes(figure.toLowerCase()));
  const sentences = sentencesOf(draft.summary).filter(right);
  const keyPoints = draft.keyPoints.filter(({ text }) => right(text));
  return {
    summary: sentences.join(' ') || (keyPoints[0] ?? draft.keyPoints[0])?.text || draft.summary,
    keyPoints: keyPoints.length > 0 ? keyPoints : draft.keyPoints,
  };
}

// ---- Being wrong ---------------------------------------------------------------------------------------------------

function additionIn(text: string): number | undefined {
  const match = /\b(\d{1,6}) \+ (\d{1,6})\b/.exec(text);
  return match ? Number(match[1]) + Number(match[2]) : undefined;
}

function roundingIn(text: string): string | undefined {
  const match = /\b\d{1,3}(?:,\d{3}){2,}\b/.exec(text);
  if (!match) return undefined;
  return `That is about ${(Number(match[0].replaceAll(',', '')) / 1_000_000).toFixed(1)} million in round figures.`;
}

const forecast = 'By the look of it,';

function forecastIn(text: string): string | undefined {
  return /\bforecast/i.test(text) ? `${forecast} it will be 17.3 % more next year.` : undefined;
}

function isUnreadable(text: string): boolean {
  const longest = Math.max(0, ...(text.match(/[A-Za-z0-9+/=]{200,}/g) ?? []).map(({ length }) => length));
  return longest > text.length / 2;
}

// ---- Sentences -----------------------------------------------------------------------------------------------------

function sentencesOf(text: string): string[] {
  return text
    .split(/(?<=[!?…]|(?<!\b\d{1,2})\.[)\]"'”’»]*)\s+|(?<=[。！？])|\n+/u)
    .map((sentence) => clipped(sentence))
    .filter((sentence) => /[\p{L}\p{N}]/u.test(sentence));
}

/** Not in the middle of a word or a figure. */
function clipped(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  if (line.length <= mostSentence) return line;
  const cut = line.slice(0, mostSentence);
  const atSpace = cut.replace(/\s\S*$/, '');
  const whole = atSpace.length < cut.length ? atSpace : cut.replace(/[\uD800-\uDBFF]$/, '');
  return whole.replace(/[\p{N}.,:'’\s]+$/u, '') || cut.slice(0, 1);
}
