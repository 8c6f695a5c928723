/** What the Messages server answers about a long document: each chunk by its page figures, each merge by its points. */
import type { MessagesRequestBody } from '../../src/testing/index.ts';
import { marker, markersIn } from './report-text.ts';

export type DocumentQuestion =
  | { readonly kind: 'chunk'; readonly number: number; readonly prompt: string }
  | { readonly kind: 'merge' | 'repair'; readonly prompt: string };

export function questionOf({ system, messages }: MessagesRequestBody): DocumentQuestion {
  const [first] = messages;
  const prompt = typeof first?.content === 'string' ? first.content : JSON.stringify(first?.content);
  const role = JSON.stringify(system);
  if (role.includes('You summarise one chunk')) {
    return { kind: 'chunk', number: Number(/^Chunk (\d+) of \d+/m.exec(prompt)?.[1]), prompt };
  }
  if (role.includes('You are given summaries')) return { kind: 'merge', prompt };
  if (role.includes('You correct the summary')) return { kind: 'repair', prompt };
  throw new Error(`Nobody asks ${role.slice(0, 80)}`);
}

/** A good answer. */
export function answerOf(question: DocumentQuestion): { readonly json: unknown } {
  const { prompt } = question;
  if (question.kind === 'chunk') {
    const pages = markersIn(prompt);
    const points = pages.map((page) => `A ledger closes at ${marker(page)} tonnes.`);
    const summary = `Of the yards: ${points[0] ?? 'nothing of note.'}`;
    return { json: { summary, points: points.length > 0 ? points.slice(0, 6) : ['Nothing of note.'] } };
  }
  const points = [...prompt.matchAll(/^- (.+) \[([\d, ]+)\]$/gm)].map(([, text = '', chunks = '']) => ({
    text,
    chunks: chunks.split(', ').map(Number),
  }));
  const keyPoints = points.slice(0, 12);
  return { json: { summary: `All in all: ${keyPoints[0]?.text ?? ''}`, keyPoints } };
}
