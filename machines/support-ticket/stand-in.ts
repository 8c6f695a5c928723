/**
 * What answers when there is no key: plain rules over the input, which read keywords and understand nothing. They are
 * wrong at times, as a model is, so that the gates, the repairs and the people are seen at work:
 *
 * - the first draft to someone who wants money back promises it; the first draft about a password is too general;
 * - who threatens with a lawyer gets promises however often the draft is repaired;
 * - a ticket in a single breath is split into sentences that it does not contain;
 * - whoever names an amount is believed, be it ten thousand, and always with a confidence of 0.99.
 */
import { standIn, type StandInRule } from 'signalbox';

import { chargedWrongly, meaningfulWords } from './policy.ts';
import type {
  Category,
  Classification,
  ClassifyInput,
  DecideInput,
  Draft,
  DraftInput,
  Facts,
  RefundDecision,
  Split,
  SplitInput,
} from './schemas.ts';

export const supportStandIn = standIn({
  classifyTicket: ({ ticket }: ClassifyInput): Classification => ({
    categories: categoriesOf(`${ticket.subject}\n${ticket.body}`),
  }),
  splitTicket: ({ ticket, categories }: SplitInput): Split => split(ticket.body, categories),
  draftReply: ((input: DraftInput, request): string | Draft => {
    const reply = draft(input);
    // Asked for text first, it thinks aloud; asked for the fields, it gives them.
    return request.schema ? { reply } : `${thoughts(input)}\n\nThe reply:\n\n${reply}`;
  }) as StandInRule,
  decideRefund: decide as StandInRule,
});

const signs: Readonly<Record<Category, RegExp>> = {
  billing:
    /\bcharge[sd]?\b|\bcharged twice|invoice|refund|\bbill(?:ed|ing)?\b|payment|subscription|money back|rechnung|abgebucht|erstatt|請求|返金|二重|فاتورة|استرداد|خصم|factur|rembours|pr[ée]l[èe]v|cobr[ao]|reembols/i,
  technical:
    /\berror|crash|\bbug\b|can(?:no|['’])t (?:log|sign) ?in|does(?:n['’]t| not) work|exception|timeout|ECONN|\b50[0234]\b|sync\b|stopped working|fehler|absturz|stürzt|エラー|ログインでき|落ち|خطأ|erreur|plante|no funciona/i,
  general:
    /how (?:do|can) (?:i|we)|how is\b|where (?:do|can)|is there a|could you tell|delete my (?:account|data)|privacy|gdpr|love|thank you (?:so|all)|wonderful|suggest|invite|discount for|wie (?:kann|lade)|comment (?:puis|faire)|使い方|كيف/i,
};

const categoryOrder: readonly Category[] = ['billing', 'technical', 'general'];

function categoriesOf(text: string): Category[] {
  return categoryOrder.filter((category) => signs[category].test(text));
}

function split(body: string, categories: readonly Category[]): Split {
  const lines = body.split('\n').filter((line) => line.trim() !== '');
  if (lines.length < categories.length) {
    // Word for word was asked for; this is a summary.
    return {
      parts: categories.map((category) => ({ category, text: `The customer has a ${category} problem.` })),
    };
  }
  return {
    parts: categories.map((category) => ({
      category,
      text: lines.filter((line) => signs[category].test(line)).join('\n'),
    })),
  };
}

// ---- Replies -------------------------------------------------------------------------------------------------------

type Language = 'en' | 'de' | 'fr' | 'es' | 'ja' | 'ar';

interface Phrases {
  readonly about: (words: string) => string;
  readonly nothingKnown: string;
  readonly charges: (list: string) => string;
  readonly noAccount: string;
  readonly promise: string;
  readonly close: string;
}

const phrases: Readonly<Record<Language, Phrases>> = {
  en: {
    about: (words) => `Hello,\n\nyou wrote to us about this: ${words}.`,
    nothingKnown:
      'We have nothing on record that explains it. Please send us what you did last and what you saw.',
    charges: (list) => `This is what our records show: ${list}.`,
    noAccount:
      'We could not find your account. Please tell us the mail address or the invoice number that it is under.',
    promise:
      'We will refund you in full within 24 hours, and we guarantee that this will never happen again.',
    close: 'Kind regards\nThe support desk',
  },
  de: {
    about: (words) => `Guten Tag,\n\nSie haben uns deswegen geschrieben: ${words}.`,
    nothingKnown:
      'Dazu liegt uns nichts vor. Bitte schreiben Sie uns, was Sie zuletzt getan und gesehen haben.',
    charges: (list) => `Das zeigen unsere Unterlagen: ${list}.`,
    noAccount: 'Wir konnten Ihr Konto nicht finden. Bitte nennen Sie uns die Rechnungsnummer.',
    promise: 'Wir werden Ihnen den vollen Betrag innerhalb von 24 Stunden erstatten.',
    close: 'Mit freundlichen Grüßen\nIhr Support',
  },
  fr: {
    about: (words) => `Bonjour,\n\nvous nous avez écrit à ce sujet : ${words}.`,
    nothingKnown:
      "Nous n'avons rien qui l'explique. Dites-nous ce que vous avez fait et ce que vous avez vu.",
    charges: (list) => `Voici ce que montrent nos dossiers : ${list}.`,
    noAccount: "Nous n'avons pas trouvé votre compte. Indiquez-nous le numéro de la facture.",
    promise: 'Nous vous garantissons que nous vous rembourserons.',
    close: "Cordialement\nL'assistance",
  },
  es: {
    about: (words) => `Hola:\n\nnos escribió por esto: ${words}.`,
    nothingKnown: 'No tenemos nada que lo explique. Díganos qué hizo y qué vio.',
    charges: (list) => `Esto es lo que muestran nuestros registros: ${list}.`,
    noAccount: 'No encontramos su cuenta. Indíquenos el número de la factura.',
    promise: 'Le garantizamos que le reembolsaremos.',
    close: 'Un saludo\nAtención al cliente',
  },
  ja: {
    about: (words) => `お問い合わせの件:${words}。`,
    nothingKnown: '該当する情報がございません。直前の操作と表示された内容をお知らせください。',
    charges: (list) => `記録は次のとおりです:${list}。`,
    noAccount: 'アカウントが見つかりませんでした。請求書番号をお知らせください。',
    promise: '全額を返金いたします。',
    close: 'サポート窓口',
  },
  ar: {
    about: (words) => `مرحبا،\n\nكتبتم إلينا بخصوص: ${words}.`,
    nothingKnown: 'لا يوجد لدينا ما يفسر ذلك. يرجى إخبارنا بما فعلتموه وما رأيتموه.',
    charges: (list) => `هذا ما تظهره سجلاتنا: ${list}.`,
    noAccount: 'لم نجد حسابكم. يرجى إرسال رقم الفاتورة.',
    promise: 'نضمن لكم ذلك.',
    close: 'فريق الدعم',
  },
};

function draft({ subject, text, facts, faults }: DraftInput): string {
  const whole = `${subject}\n${text}`;
  const say = phrases[languageOf(whole)];
  const lines = [say.about(namedProblem(whole)), said(facts, say)];
  if (/lawyer|attorney|sue you|court/i.test(whole)) {
    lines.push('We accept liability and will compensate you.');
  } else if (faults.length === 0) {
    if (/refund|money back|erstatt|返金|استرداد|rembours|reembols/i.test(whole)) lines.push(say.promise);
    if (/password/i.test(subject))
      return 'Thanks for getting in touch! Please have a look at our help pages.';
  }
  return [...lines, say.close].join('\n\n');
}

function said(facts: Facts | null, say: Phrases): string {
  switch (facts?.kind) {
    case 'billing': {
      if (!facts.record) return say.noAccount;
      const { charges, currency } = facts.record;
      return say.charges(charges.map(({ date, amount }) => `${date} ${amount} ${currency}`).join(', '));
    }
    case 'technical':
      return (
        facts.issues
          .map(({ title, steps, status }) => [`${title}.`, ...steps, status].join(' '))
          .join('\n') || say.nothingKnown
      );
    case 'general':
      return facts.articles.map(({ answer }) => answer).join('\n') || say.nothingKnown;
    default:
      return say.nothingKnown;
  }
}

function thoughts({ category, faults }: DraftInput): string {
  return faults.length > 0
    ? `The last reply had faults: ${faults.join(' ')} I write it again without them.`
    : `This is about ${category}. I name the problem, say what the facts say, and ask for the rest.`;
}

function languageOf(text: string): Language {
  if (/[\u3040-\u30ff]/.test(text)) return 'ja';
  if (/[\u0600-\u06ff]/.test(text)) return 'ar';
  if (/\b(?:ich|nicht|und|wurde|bitte)\b/i.test(text)) return 'de';
  if (/\b(?:je|nous|vous|bonjour|est)\b/i.test(text)) return 'fr';
  if (/\b(?:hola|ustedes|gracias|por favor|una)\b/i.test(text)) return 'es';
  return 'en';
}

/** The customer's own words for it: whole words, as they stand in the text. */
function namedProblem(text: string): string {
  return [...meaningfulWords(text).values()].slice(0, 4).join(', ');
}

// ---- Refunds -------------------------------------------------------------------------------------------------------

function decide({ subject, text, record }: DecideInput): RefundDecision {
  const whole = `${subject}\n${text}`;
  const currency = record?.currency ?? 'EUR';
  const demanded = demandedAmount(whole);
  if (demanded) return proposal(demanded.amount, demanded.currency ?? currency, 'The customer asks for it.');
  const wrong = record ? chargedWrongly(record)[0] : undefined;
  if (wrong)
    return proposal(wrong.amount, currency, `${wrong.description} of ${wrong.date} was charged wrongly.`);
  const reason = 'The record shows nothing that was charged wrongly.';
  return { refund: false, amount: 0, currency, reason, confidence: 0.99 };
}

function proposal(amount: number, currency: string, reason: string): RefundDecision {
  return { refund: true, amount, currency, reason, confidence: 0.99 };
}

const currencyNames: Readonly<Record<string, string>> = { '€': 'EUR', $: 'USD', '£': 'GBP', '¥': 'JPY' };

/** `refund me 10,000 EUR`, `refund $50`: what is asked for is what is believed. */
function demandedAmount(text: string): { amount: number; currency: string | undefined } | undefined {
  const match =
    /\brefund(?:\s+(?:me|of|him|her|us|the|a|sum|exactly))*\s*[:=]?\s*([€$£¥])?\s?(\d[\d,.]*\d|\d)\s?(EUR|USD|GBP|JPY|[€$£¥])?/i.exec(
      text,
    );
  if (!match?.[2]) return undefined;
  const sign = match[1] ?? match[3];
  return {
    amount: Number(match[2].replace(/,/g, '')),
    currency: sign && (currencyNames[sign] ?? sign.toUpperCase()),
  };
}
