/**
 * What the company allows: which replies may go out and which refunds make sense. Plain functions over plain data;
 * each gives the reasons against, in sentences that a person and a model can act on. An empty list is a yes.
 */
import type { BillingFacts, BillingRecord, Part, RefundDecision, Split, Ticket } from './schemas.ts';

/** Up to this much, in units of the currency, a refund needs no person. Any other currency always does. */
export const refundLimits: Readonly<Record<string, number>> = { EUR: 100, USD: 100, GBP: 90, JPY: 15_000 };

/** What no reply may say, in the languages that we get. `why` is shown to the model when it has to write again. */
const forbidden: ReadonlyArray<{ readonly why: string; readonly patterns: readonly RegExp[] }> = [
  {
    why: 'It promises a refund or a credit; whether money goes back is decided elsewhere and said below the reply.',
    patterns: [
      // "We will refund it", but not "We will look into your refund".
      /\b(?:we|i)(?:['’]ll| will| shall| can| are going to| am going to| are happy to)(?:\s+(?!not\b)[\w'’]+){0,3}?(?<!\b(?:your|the|a|any|this|of|about|for))\s+(?:refund|reimburse|credit|pay (?:you )?back)\b/i,
      /\b(?:we|i)(?:['’]ve| have| are| am)(?:\s+(?!not\b)\w+){0,2}?\s+(?:refunded|reimbursed|credited|refunding|reimbursing|crediting)\b/i,
      /\b(?:we|i)\b[^.!?\n]{0,25}\b(?:issue|give|grant|process|arrange|approve|send|offer)(?:d|s|ing)?\b[^.!?\n]{0,20}\b(?:refund|credit|money back)\b(?! (?:request|card|note))/i,
      /\byou(?:['’]ll| will| shall| are going to)(?! not)\b[^.!?\n]{0,30}\b(?:be (?:refunded|reimbursed|credited)|(?:get|receive|have)\b[^.!?\n]{0,20}\b(?:refund|credit|money back))\b/i,
      /\b(?:your|a|the|full) refund\b[^.!?\n]{0,30}\b(?:has been|is|was|will be) (?:approved|issued|granted|processed|on its way)\b/i,
      /\b(?:erstatten|überweisen) wir\b|\bwir\b[^.!?\n]{0,60}\b(?:erstatten|erstattet|überweisen|überwiesen|gutschreiben|gutgeschrieben)\b/i,
      /返金(?:いたします|致します|します|させて|しました)/,
      /\b(?:vous|le|la|les)\s+rembours(?:erons|ons)\b|\b(?:le|les|te)\s+(?:reembolsaremos|devolveremos)\b/i,
      /سنعيد|سوف نعيد|سنقوم برد/,
    ],
  },
  {
    why: 'It promises free months, a discount or other compensation.',
    patterns: [
      /\bfree (?:month|week|year|upgrade)|\b(?:month|week|year)s? (?:for )?free\b|\bcompensat(?:e|ion)\b|\bvoucher\b/i,
      /\b(?:we|i)\b[^.!?\n]{0,30}\b(?:give|offer|grant)\b[^.!?\n]{0,30}\bdiscount\b/i,
      /\bkostenlose[nrs]? Monat|\bwir\b[^.!?\n]{0,40}\bRabatt\b|\bEntschädigung\b/i,
    ],
  },
  {
    why: 'It guarantees something.',
    patterns: [
      /\bguarantee[ds]?\b|\b(?:we|i) (?:promise|assure|swear)\b|\bnever happen again\b/i,
      /\bgaranti(?:eren|ert|e)\b|\bversprechen wir\b|\bwir versprechen\b|保証(?:いたします|します)|\bgarantizamos\b|\bgarantissons\b|نضمن/i,
    ],
  },
  {
    why: 'It admits fault or liability in a legal sense.',
    patterns: [
      /\b(?:we are|we['’]re|i am|company is) (?:fully |legally |solely )?(?:liable|at fault|negligent|responsible for (?:the|your|any|this) (?:damage|loss))/i,
      /\b(?:we|i) (?:admit|accept|acknowledge)\b[^.!?\n]{0,30}\b(?:fault|liability|negligence|breach|guilt)\b|\bour (?:fault|negligence)\b/i,
      /\bwir haften\b|\bunsere Schuld\b/i,
    ],
  },
  {
    why: 'It sets a deadline that nobody has agreed to.',
    patterns: [
      /\b(?:within|in) (?:the next )?(?:\d+|one|two|three|a few) (?:minute|hour|business day|working day)s?\b|\bwithin (?:the next )?(?:\d+|one|two|three|a few) (?:day|week)s?\b/i,
      /\bby (?:tomorrow|tonight|monday|tuesday|wednesday|thursday|friday|the end of the (?:day|week))\b/i,
      /\binnerhalb von \d+|\bbis (?:morgen|übermorgen)\b/i,
    ],
  },
];

export interface Problem {
  readonly subject: string;
  readonly text: string;
}

/** Why this reply may not go out. */
export function faultsOfReply(reply: string, problem: Problem): string[] {
  if (reply.trim() === '') return ['It is empty.'];
  const faults = forbidden
    .filter(({ patterns }) => patterns.some((pattern) => pattern.test(reply)))
    .map(({ why }) => why);
  if (!namesTheProblem(reply, problem)) {
    faults.push("It does not name the customer's problem: use the words that the customer used for it.");
  }
  return faults;
}

/** Why this is not a split of that ticket. */
export function faultsOfSplit(split: Split, wanted: readonly string[], ticket: Ticket): string[] {
  const whole = folded(`${ticket.subject}\n${ticket.body}`);
  const faults = wanted
    .filter((category) => !split.parts.some((part) => part.category === category && part.text.trim() !== ''))
    .map((category) => `Nothing of the ticket was given to ${category}.`);
  if (split.parts.length > wanted.length) faults.push('There are more parts than categories.');
  for (const { category, text } of split.parts) {
    const foreign = text.split('\n').find((line) => !whole.includes(folded(line)));
    if (foreign !== undefined)
      faults.push(`The part for ${category} says what the ticket does not: "${clipped(foreign)}".`);
  }
  return faults;
}

/** Why this refund would not make sense, whoever decided it. */
export function faultsOfRefund(decision: RefundDecision | null, facts: BillingFacts | null): string[] {
  const record = facts?.record;
  if (!record) return ['The customer is not known to billing.'];
  if (!decision) return ['There is no decision.'];
  const { amount, currency } = decision;
  const faults: string[] = [];
  if (!(amount > 0)) faults.push(`The amount is ${amount}, which is nothing to refund.`);
  else if (!inHundredths(amount)) faults.push(`The amount of ${amount} has parts of a cent.`);
  if (currency !== record.currency) {
    faults.push(
      `The refund is in ${currency || 'no currency'}, the customer was charged in ${record.currency}.`,
    );
  }
  if (hundredths(amount) > hundredths(record.refundable)) {
    faults.push(
      `The amount of ${amount} is more than the ${record.refundable} ${record.currency} that can be given back.`,
    );
  }
  return faults;
}

/** Why this refund is too large to go without a person. How sure the model is plays no part. */
export function faultsOfLimit(
  { amount, currency }: RefundDecision,
  limits: Readonly<Record<string, number>>,
): string[] {
  const limit = limits[currency];
  if (limit === undefined) return [`There is no limit for ${currency}, so a person decides.`];
  return amount <= limit
    ? []
    : [`The amount of ${amount} ${currency} is over the limit of ${limit} ${currency}.`];
}

/** Why the record does not by itself show that this much was charged wrongly, whatever the ticket and the model say. */
export function faultsOfGround({ amount }: RefundDecision, facts: BillingFacts | null): string[] {
  const grounds = facts?.record
    ? chargedWrongly(facts.record).map((charge) => hundredths(charge.amount))
    : [];
  const all = grounds.reduce((sum, one) => sum + one, 0);
  return amount > 0 && [...grounds, all].includes(hundredths(amount))
    ? []
    : [`The record does not show that ${amount} was charged wrongly, so a person decides.`];
}

/** Charges that the record itself shows to be wrong: made twice on one day, or after the end, and not yet given back. */
export function chargedWrongly({ charges, refunds, cancelledOn }: BillingRecord): BillingRecord['charges'] {
  const wrong = charges.filter(
    ({ date, amount }, index) =>
      (cancelledOn !== null && date > cancelledOn) ||
      charges.slice(0, index).some((earlier) => earlier.date === date && earlier.amount === amount),
  );
  const givenBack = refunds.map(({ amount }) => amount);
  return wrong.filter(({ amount }) => {
    const at = givenBack.indexOf(amount);
    if (at >= 0) givenBack.splice(at, 1);
    return at < 0;
  });
}

/**
 * The words of a part that a reply to it should share one of: by their stems, as they first stand in the text.
 * Scripts without spaces are cut into words too.
 */
export function meaningfulWords(text: string): Map<string, string> {
  const words = new Map<string, string>();
  for (const { segment, isWordLike } of segmenter.segment(text.slice(0, 4_000))) {
    const word = segment.toLowerCase();
    const known = words.has(stem(word));
    if (isWordLike && !known && isMeaningful(word)) words.set(stem(word), segment);
  }
  return words;
}

export function partText(part: Part, ticket: Ticket): string {
  return part.text ?? ticket.body;
}

const segmenter = new Intl.Segmenter('en', { granularity: 'word' });

/** Words that any letter to a support desk and any answer to it may hold. */
const commonplace = new Set(
  (
    'about account after again also although always answer because been before being best between both cannot could customer ' +
    'dear does doing each either else ever every from give going have having hello help here into just kind know like look ' +
    'made make many message more most much need never only other over please really regards reply same sent should since ' +
    'some soon still such support team thank thanks that their them then there these they thing this those ticket time ' +
    'under until very want well were what when where which while will with within without would write year your yours ' +
    'aber alle auch bitte danke dass dieser diese eine einen freundlichen gruß grüße haben hallo ihre ihnen mich mehr mein ' +
    'meine nicht noch oder sehr sich sind team vielen wenn werden wurde ' +
    'です ます した ください こと これ それ から まで よう'
  ).split(' '),
);

function isMeaningful(word: string): boolean {
  if (commonplace.has(word) || /^[\d.,:]+$/.test(word)) return false;
  // Four letters tell something in an alphabet; in Chinese, Japanese or Korean, two do.
  return (
    word.length >=
    (/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/u.test(word) ? 2 : 4)
  );
}

/** `charged`, `charges` and `charge` are one word here. */
function stem(word: string): string {
  return word.slice(0, 5);
}

function namesTheProblem(reply: string, { subject, text }: Problem): boolean {
  const wanted = meaningfulWords(`${subject}\n${text}`);
  if (wanted.size === 0) return true;
  return [...meaningfulWords(reply).keys()].some((word) => wanted.has(word));
}

function folded(text: string): string {
  return text.replace(/\s+/g, ' ').trim().toLowerCase();
}

function hundredths(amount: number): number {
  return Math.round(amount * 100);
}

function inHundredths(amount: number): boolean {
  return Math.abs(hundredths(amount) - amount * 100) < 1e-6;
}

function clipped(text: string): string {
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}
