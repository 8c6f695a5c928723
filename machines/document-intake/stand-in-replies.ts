/** The replies of the stand-in: a letter in a few languages, with the promises that it makes too easily. */
import type { Draft, DraftInput } from './schemas.ts';
import { textOf } from './page-text.ts';

interface Phrases {
  readonly greeting: (name: string) => string;
  readonly arrived: string;
  readonly asked: (request: string) => string;
  readonly manager: (name: string) => string;
  readonly close: string;
  readonly refund: string;
  readonly cancelled: string;
  readonly subject: (reference: string) => string;
}

const phrases: Readonly<Record<'en' | 'de' | 'fr' | 'es' | 'ja', Phrases>> = {
  en: {
    greeting: (name) => `Dear ${name},`,
    arrived: 'thank you for your letter. It has reached us.',
    asked: (request) => `This is what we have read: ${request}`,
    manager: (name) => `Your account manager ${name} has it and will write to you.`,
    close: 'Kind regards\nSignal Works',
    refund: 'We will refund you in full within 14 days, we promise.',
    cancelled: 'We have cancelled your contract.',
    subject: (reference) => `Your letter ${reference}`.trim(),
  },
  de: {
    greeting: (name) => `Guten Tag ${name},`,
    arrived: 'vielen Dank für Ihr Schreiben. Es ist bei uns angekommen.',
    asked: (request) => `Das haben wir gelesen: ${request}`,
    manager: (name) => `Ihre Ansprechperson ${name} kennt es und wird Ihnen schreiben.`,
    close: 'Mit freundlichen Grüßen\nSignal Works',
    refund: 'Wir werden Ihnen den vollen Betrag innerhalb von 14 Tagen erstatten.',
    cancelled: 'Wir werden den Vertrag sofort stornieren.',
    subject: (reference) => `Ihr Schreiben ${reference}`.trim(),
  },
  fr: {
    greeting: (name) => `Bonjour ${name},`,
    arrived: 'merci de votre courrier, qui nous est bien parvenu.',
    asked: (request) => `Voici ce que nous avons lu : ${request}`,
    manager: (name) => `${name}, en charge de votre compte, en a connaissance et vous écrira.`,
    close: 'Cordialement\nSignal Works',
    refund: 'Nous vous rembourserons.',
    cancelled: 'Nous annulerons votre contrat.',
    subject: (reference) => `Votre courrier ${reference}`.trim(),
  },
  es: {
    greeting: (name) => `Estimados señores de ${name}:`,
    arrived: 'gracias por su carta, que nos ha llegado bien.',
    asked: (request) => `Esto es lo que hemos leído: ${request}`,
    manager: (name) => `${name}, responsable de su cuenta, la tiene y les escribirá.`,
    close: 'Un saludo\nSignal Works',
    refund: 'Les reembolsaremos.',
    cancelled: 'Cancelaremos su contrato.',
    subject: (reference) => `Su carta ${reference}`.trim(),
  },
  ja: {
    greeting: (name) => `${name} 御中`,
    arrived: 'お手紙を確かに受け取りました。',
    asked: (request) => `拝見した内容:${request}`,
    manager: (name) => `担当の ${name} が内容を確認し、ご連絡いたします。`,
    close: 'Signal Works',
    refund: '全額を返金いたします。',
    cancelled: '解約をお約束します。',
    subject: (reference) => `お手紙の件 ${reference}`.trim(),
  },
};

export function draft(
  { entities, customer, pages }: DraftInput,
  { told }: { readonly told: boolean },
): Draft {
  const say = phrases[languageOf(textOf(pages) || entities.request.value)];
  const { kind, references, request } = entities;
  const lines = [
    `${say.greeting(customer.name)}\n\n${say.arrived}`,
    // What is asked of us may itself read like a promise.
    ...(told ? [] : [say.asked(request.value)]),
    ...(kind === 'complaint' && !told ? [say.refund] : []),
    ...(kind === 'cancellation' ? [say.cancelled] : []),
    say.manager(customer.manager.name),
    say.close,
  ];
  return { subject: say.subject(references[0]?.value ?? ''), body: lines.join('\n\n') };
}

function languageOf(text: string): keyof typeof phrases {
  if (/[\u3040-\u30ff]/.test(text)) return 'ja';
  if (/\b(?:ich|wir|nicht|und|bitte)\b/i.test(text)) return 'de';
  if (/\b(?:nous|vous|veuillez|est)\b/i.test(text)) return 'fr';
  if (/\b(?:nosotros|ustedes|por favor|una)\b/i.test(text)) return 'es';
  return 'en';
}
