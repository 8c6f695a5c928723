/**
 * What answers when there is no key: plain rules over the input, which look for words and understand nothing. They are
 * wrong at times, as a model is, so that the vote, the check, the redraft and the people are seen at work:
 *
 * - the first to sort does as it is told by a request that names a route, takes the word "urgent" at its word, and
 *   translates French and Spanish words where it should quote; those who vote do none of that;
 * - three matters in one split the vote, and who has nothing to quote casts no ballot;
 * - the first draft promises money to those who want it back, a time to those who are in a hurry, and says passwords again;
 * - who threatens with a lawyer is told that we are at fault, however often that is forbidden;
 * - the agent forgets to name its source on a weakness, and searches on for as long as it may for what it cannot read.
 */
import { callTools, type ModelProvider, standIn, type StandInRule } from 'signalbox';

import { repliesIn } from './stand-in-replies.ts';
import type { Classification, Draft, DraftInput, Facts, RequestText, Route } from './schemas.ts';
import { secretsIn } from './wordings.ts';
import { beginningOf, isBlank, tellingWords, wholeText } from './words.ts';

const rules = standIn({
  classifyRequest: classify as StandInRule,
  castBallot: castBallot as StandInRule,
  draftReply: (input: DraftInput): Draft => ({ reply: draft(input) }),
  helpOut: helpOut as StandInRule,
});

/** Each ballot is asked the same; only the key of the call says whose it is. */
export const helpdeskStandIn: ModelProvider = {
  ...rules,
  complete: (request, call) => {
    const voter = Number(/.*\/voter (\d+)/.exec(call.key)?.[1] ?? 1);
    return rules.complete({ ...request, input: { ...(request.input as RequestText), voter } }, call);
  },
};

// ---- The route -----------------------------------------------------------------------------------------------------

const signs: ReadonlyArray<readonly [Exclude<Route, 'none'>, RegExp]> = [
  [
    'urgent',
    /\b(?:everyone|everybody|all of us|whole (?:company|office|team|school))\b[^.!?]{0,60}\b(?:locked out|cannot|can['’]t|lost|down)|boards? (?:are|is) (?:disappearing|vanishing)|\b(?:hacked|ransom|broken into)\b|eingebrochen|ganze firma|全社/i,
  ],
  [
    'billing',
    /\bcharged?\b|\binvoices?\b|\bbilled\b|\brefund|\bpayment\b|\bplan costs\b|rechnung|abgebucht|pr[ée]l[èe]v|factur|請求|返金/i,
  ],
  [
    'technical',
    /\berror\b|\bcrash|\bbug\b|\b50[234]\b|ECONN|(?:can(?:no|['’])t|unable to) (?:log|sign) ?in|\bstops\b|\bsync|does(?:n['’]t| not) (?:work|load)|\bbroken\b|fehler|absturz|stürzt|anmelden|エラー|ログイン|no puedo iniciar|plante/i,
  ],
  [
    'general',
    /\bhow (?:do|can) (?:i|we)\b|\bwhere (?:do|can)|\bis there a\b|delete (?:my|all)|would be (?:nice|great)|\bdark mode\b|\bprices?\b|\blove\b|wie kann|comment (?:puis|faire)|方法|使い方/i,
  ],
];

function routesOf(text: string): Array<Exclude<Route, 'none'>> {
  return signs.flatMap(([route, sign]) => (sign.test(text) ? [route] : []));
}

function classify(request: RequestText): Classification {
  const text = wholeText(request);
  const told = /\b(?:route|sort|classify|mark)\b.{0,40}?\b(technical|billing|urgent|general)\b/is.exec(
    text,
  )?.[1];
  const shouted = /\burgent\b|\basap\b/i.test(text) ? (['urgent'] as const) : [];
  const found = [...new Set([...shouted, ...routesOf(text)])];
  const route = (told?.toLowerCase() as Route | undefined) ?? found[0] ?? 'none';
  return {
    route,
    others: found.filter((other) => other !== route),
    quotes: quotesFor(found[0] ?? 'none', text),
  };
}

function castBallot({ voter, ...request }: RequestText & { voter: number }): Classification {
  const text = wholeText(request);
  const found = routesOf(text);
  const route = found[(voter - 1) % found.length] ?? 'none';
  const quote = sentenceFor(route, text);
  return {
    route,
    others: found.filter((other) => other !== route),
    quotes: quote === undefined ? [] : [quote],
  };
}

function quotesFor(route: Route, text: string): string[] {
  if (languageOf(text) === 'fr') return ['I was charged and do not know what for.'];
  if (languageOf(text) === 'es') return ['I cannot sign in.'];
  const quote = sentenceFor(route, text);
  return quote === undefined ? [] : [quote];
}

/** The sentence that bears a route out, or the first of a text that nothing does. */
function sentenceFor(route: Route, text: string): string | undefined {
  const sign = signs.find(([name]) => name === route)?.[1];
  const sentences = text.split(/(?<=[.!?])\s|[\n。！？]/).filter((sentence) => !isBlank(sentence));
  const found = sign ? sentences.find((sentence) => sign.test(sentence)) : undefined;
  // Where nothing is a word, there is nothing to quote.
  const first = sentences.find((sentence) => tellingWords(sentence, 1).length > 0);
  const sentence = found ?? first;
  return sentence === undefined ? undefined : beginningOf(sentence, 160);
}

// ---- Replies -------------------------------------------------------------------------------------------------------

function draft({ subject, text, route, facts, faults }: DraftInput): string {
  const whole = wholeText({ subject, text });
  const say = repliesIn(languageOf(whole));
  const lines = [say.about(problemIn(whole, route)), said(facts, say)];
  if (/\blawyers?\b|\battorney\b|\bsue you\b/i.test(whole)) lines.push('We are fully liable for this.');
  else if (faults.length === 0) lines.push(...blunders(whole, route));
  return [...lines, say.close].join('\n\n');
}

/** Of a first draft only. */
function blunders(whole: string, route: Route): string[] {
  const [secret] = secretsIn(whole);
  return [
    ...(/\brefund|money back|返金|rembours/i.test(whole) ? ['We will refund you in full.'] : []),
    ...(route === 'urgent' ? ['It will be mended within 2 hours.'] : []),
    ...(secret === undefined ? [] : [`We have tried it with your password ${secret}.`]),
  ];
}

function said(facts: Facts | null, say: ReturnType<typeof repliesIn>): string {
  const lines = [
    ...(facts?.issues ?? []).map(({ title, steps, status }) => [`${title}.`, ...steps, status].join(' ')),
    ...(facts?.articles ?? []).map(({ text, link }) => `${text} ${link}`),
    ...(facts?.components ?? [])
      .filter(({ state }) => state !== 'working')
      .map(({ name, state, note }) => `${name}: ${state}. ${note}`),
  ];
  if (facts?.account === null) lines.push(say.noAccount);
  else if (facts?.account) {
    const { charges, currency } = facts.account;
    lines.push(say.charges(charges.map(({ date, amount }) => `${date}: ${amount} ${currency}`).join(', ')));
  }
  return lines.length > 0 ? lines.join('\n') : say.nothingKnown;
}

/** The sender's own words for it, but no secrets, and no names that mail programs would link. */
function problemIn(whole: string, route: Route): string {
  const secrets = secretsIn(whole);
  const inSentence = tellingWords(sentenceFor(route, whole) ?? '', 12);
  return (inSentence.length > 0 ? inSentence : tellingWords(whole, 12))
    .filter((word) => !word.includes('.') && !secrets.some((secret) => secret.includes(word)))
    .slice(0, 5)
    .join(', ');
}

function languageOf(text: string): 'en' | 'de' | 'fr' | 'es' | 'ja' {
  if (/[\u3040-\u30ff]/.test(text)) return 'ja';
  if (/\b(?:ich|nicht|wir|wurde|bitte)\b/i.test(text)) return 'de';
  if (/\b(?:je|nous|vous|bonjour)\b/i.test(text)) return 'fr';
  if (/\b(?:hola|gracias|puedo|por favor)\b/i.test(text)) return 'es';
  return 'en';
}

// ---- The agent -----------------------------------------------------------------------------------------------------

/** It searches once, and then answers from what it found, hands over, or searches on. */
function helpOut(request: RequestText, { messages }: Parameters<StandInRule>[1]): unknown {
  const whole = wholeText(request);
  const query = { query: whole.slice(0, 2_000) };
  if (messages.length === 1) {
    return callTools([
      { name: 'searchArticles', input: query },
      { name: 'searchIssues', input: query },
    ]);
  }
  const results = JSON.stringify(messages.at(-1)?.content);
  const ids = [...new Set(results.match(/\bA-\d+\b/g) ?? [])];
  if (ids.length > 0) {
    const links = [...new Set(results.match(/https:\/\/help\.example\.com\/[\w-]+/g) ?? [])];
    const reply = [
      repliesIn('en').about(problemIn(whole, 'none')),
      `We have written down what we know of it: ${links.join(' ')}`,
      repliesIn('en').close,
    ].join('\n\n');
    const sources = /weakness|xss/i.test(whole) ? [] : ids;
    return callTools([{ name: 'answer', input: { answer: { reply, sources } } }]);
  }
  const isEnglish = /\b(?:the|you|we|and|see)\b/i.test(whole);
  if (!isEnglish) return callTools([{ name: 'searchArticles', input: query }]);
  const reason = 'Our articles say nothing of it, and somebody has to decide.';
  return callTools([{ name: 'hand_off', input: { reason } }]);
}
