/** The sentences that the stand-in makes its replies of. */
type Language = 'en' | 'de' | 'fr' | 'es' | 'ja';

interface Sentences {
  readonly about: (words: string) => string;
  readonly charges: (list: string) => string;
  readonly noAccount: string;
  readonly nothingKnown: string;
  readonly close: string;
}

export function repliesIn(language: Language): Sentences {
  return sentences[language];
}

const sentences: Readonly<Record<Language, Sentences>> = {
  en: {
    about: (words) => `Hello,\n\nyou wrote to us about this: ${words}.`,
    charges: (list) => `This is what the account shows: ${list}.`,
    noAccount: 'We found no account under your address. Please write to us from the one that it belongs to.',
    nothingKnown: 'We have nothing on record about it. Please tell us what you did last, and what you saw.',
    close: 'Kind regards\nThe helpdesk',
  },
  de: {
    about: (words) => `Guten Tag,\n\nSie haben uns deswegen geschrieben: ${words}.`,
    charges: (list) => `Das zeigt das Konto: ${list}.`,
    noAccount:
      'Unter Ihrer Adresse haben wir kein Konto gefunden. Bitte schreiben Sie uns von der Adresse, zu der es gehört.',
    nothingKnown:
      'Dazu liegt uns nichts vor. Bitte schreiben Sie uns, was Sie zuletzt getan und gesehen haben.',
    close: 'Mit freundlichen Grüßen\nIhr Helpdesk',
  },
  fr: {
    about: (words) => `Bonjour,\n\nvous nous avez écrit à ce sujet : ${words}.`,
    charges: (list) => `Voici ce que montre le compte : ${list}.`,
    noAccount: "Nous n'avons trouvé aucun compte à votre adresse. Écrivez-nous depuis celle du compte.",
    nothingKnown: "Nous n'avons rien à ce sujet. Dites-nous ce que vous avez fait et ce que vous avez vu.",
    close: "Cordialement\nL'assistance",
  },
  es: {
    about: (words) => `Hola:\n\nnos escribió por esto: ${words}.`,
    charges: (list) => `Esto es lo que muestra la cuenta: ${list}.`,
    noAccount: 'No hay ninguna cuenta con su dirección. Escríbanos desde la dirección de la cuenta.',
    nothingKnown: 'No tenemos nada al respecto. Díganos qué hizo y qué vio.',
    close: 'Un saludo\nAtención al cliente',
  },
  ja: {
    about: (words) => `お問い合わせの件:${words}。`,
    charges: (list) => `アカウントの記録:${list}。`,
    noAccount: 'このメールアドレスのアカウントが見つかりませんでした。登録されたアドレスからご連絡ください。',
    nothingKnown: '該当する情報がございません。直前の操作と表示された内容をお知らせください。',
    close: 'ヘルプデスク',
  },
};
