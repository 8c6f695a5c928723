/** When a classification is sure: by what it says of the request, never by how sure the model says it is. */
import type { Classification, RequestText } from './schemas.ts';
import { standsIn, wholeText } from './words.ts';

/** Why this route is not to be taken on the model's word alone. */
export function doubtsOf({ route, others, quotes }: Classification, request: RequestText): string[] {
  const also = [...new Set(others)].filter((other) => other !== route);
  return [
    ...(also.length > 0 ? [`It could also be ${also.join(' or ')}.`] : []),
    ...faultsOfQuotes(quotes, request),
    ...(givesOrders(request) ? ['The request tells whoever sorts it what to do.'] : []),
  ];
}

/** Why these quotes do not bear a route out. */
export function faultsOfQuotes(quotes: readonly string[], request: RequestText): string[] {
  if (quotes.length === 0) return ['It is borne out by no words of the request.'];
  const text = wholeText(request);
  return quotes
    .filter((quote) => !standsIn(quote, text))
    .map((quote) => `The quote "${clipped(quote)}" does not stand in the request.`);
}

/**
 * Text that talks to whoever sorts it, and not to the desk. It is a reason to ask five more, and no defence: that is what
 * the schemas and gates are for, and the tools, which take neither an address nor a name from the text.
 */
export function givesOrders(request: RequestText): boolean {
  const text = wholeText(request);
  return orders.some((order) => order.test(text));
}

/** None may take longer than the text is long: anyone can send us a hundred thousand line ends. */
const orders: readonly RegExp[] = [
  /\b(?:ignore|disregard|forget|override)\b[^.!?\n]{0,40}\b(?:instructions?|rules?|prompts?|all|above|everything)\b/i,
  /\b(?:route|classif\w+|sort|mark|treat|label)\b[^.!?\n]{0,30}\b(?:as|to|under)\b[^.!?\n]{0,12}\b(?:technical|billing|urgent|general|none)\b/i,
  /^[ \t]*(?:system|assistant|developer)[ \t]*:/im,
  /<\s*(?:\/\s*)?(?:request|facts|last_reply|system)\s*>/i,
  /["'](?:route|quotes|others)["']\s*:/i,
  /\bignorier\w*\b[^.!?\n]{0,40}\b(?:anweisung|regel|vorgabe)/i,
  /\bignor(?:ez|e|a|en)\b[^.!?\n]{0,40}\b(?:consignes|instruction|instrucci)/i,
  /(?:指示|命令|ルール)を?(?:すべて)?無視/,
];

function clipped(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length > 80 ? `${line.slice(0, 79)}…` : line;
}
