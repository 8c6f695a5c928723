/** What the support desk's other systems know: who was charged what, which issues are known, and the FAQ. Made up, and fixed. */

export interface Charge {
  readonly id: string;
  readonly date: string;
  /** In units of the customer's currency. */
  readonly amount: number;
  readonly description: string;
}

export interface Customer {
  readonly currency: string;
  readonly charges: readonly Charge[];
  readonly cancelledOn?: string;
}

export interface KnownIssue {
  readonly id: string;
  readonly title: string;
  readonly steps: readonly string[];
  readonly status: string;
  /** What a ticket about it says, in any language. */
  readonly signs: RegExp;
}

export interface Article {
  readonly question: string;
  readonly answer: string;
  readonly signs: RegExp;
}

/** `undefined` if there is no such customer. L-1, L-2, … are for tests under load: each was charged twice. */
export function customerOf(name: string): Customer | undefined {
  if (Object.hasOwn(customers, name)) return customers[name];
  const number = /^L-([1-9]\d{0,6})$/.exec(name)?.[1];
  if (!number) return undefined;
  const charge = ['2026-03-02', 20 + (Number(number) % 60), 'Team plan, March'] as const;
  return charged('EUR', charge, charge);
}

const customers: Readonly<Record<string, Customer>> = {
  'C-1001': charged('EUR', ['2026-03-02', 49, 'Team plan, March'], ['2026-03-02', 49, 'Team plan, March']),
  'C-1002': charged(
    'USD',
    ['2026-03-04', 19, 'Starter plan, March'],
    ['2026-03-04', 19, 'Starter plan, March'],
  ),
  'C-1003': charged(
    'EUR',
    ['2026-02-01', 29, 'Solo plan, February'],
    ['2026-02-01', 29, 'Solo plan, February'],
  ),
  'C-1005': charged('USD', ['2026-03-01', 199, 'Business plan, March']),
  'C-1006': charged('EUR', ['2026-03-01', 29, 'Solo plan, March'], ['2026-03-01', 29, 'Solo plan, March']),
  'C-1007': charged('JPY', ['2026-03-01', 4_800, 'Solo plan, March']),
  'C-1008': charged('USD', ['2026-03-03', 35, 'Solo plan, March'], ['2026-03-03', 35, 'Solo plan, March']),
  'C-1009': charged('EUR', ['2026-03-01', 49, 'Team plan, March']),
  'C-1011': charged(
    'EUR',
    ['2026-01-15', 90, 'Team plan, yearly share'],
    ['2026-01-15', 90, 'Team plan, yearly share'],
  ),
  'C-1012': charged('EUR', ['2026-03-01', 20, 'Starter plan, March']),
  'C-1014': charged('EUR', ['2026-03-01', 89, 'Team plan, March'], ['2026-03-01', 89, 'Team plan, March']),
  'C-1019': { ...charged('EUR', ['2026-03-05', 39, 'Solo plan, March']), cancelledOn: '2026-02-20' },
  'C-1020': charged(
    'EUR',
    ['2026-03-01', 480, 'Business plan, quarter'],
    ['2026-03-01', 480, 'Business plan, quarter'],
  ),
  'C-1021': { ...charged('USD', ['2026-03-06', 15, 'Starter plan, March']), cancelledOn: '2026-02-13' },
  'C-1022': charged('GBP', ['2026-03-01', 60, 'Team plan, March']),
  'C-1023': charged('USD', ['2026-03-01', 99, 'Business plan, March']),
  'C-1027': charged(
    'EUR',
    ['2026-03-02', 19, 'Starter plan, March'],
    ['2026-03-02', 19, 'Starter plan, March'],
  ),
  'C-1030': charged('EUR', ['2026-03-01', 75, 'Team plan, March']),
  'C-1033': charged('EUR', ['2026-03-01', 49, 'Team plan, March']),
  'C-1034': charged(
    'EUR',
    ['2026-03-02', 25, 'Starter plan, March'],
    ['2026-03-02', 25, 'Starter plan, March'],
  ),
  'C-1035': charged(
    'JPY',
    ['2026-03-02', 9_800, 'Team plan, March'],
    ['2026-03-02', 9_800, 'Team plan, March'],
  ),
};

export const knownIssues: readonly KnownIssue[] = [
  {
    id: 'K-12',
    title: 'The export to CSV stops with an error on large projects',
    steps: ['Export one year at a time.', 'Leave out archived items.'],
    status: 'A fix is being tested.',
    signs: /export|csv/i,
  },
  {
    id: 'K-17',
    title: 'Signing in ends in a loop after a password change',
    steps: ['Delete the cookies of the site.', 'Sign in again in a private window.'],
    status: 'Known; these steps help.',
    signs: /log ?in|sign(?:ing)? ?in|password|ログイン|anmeld|connexion|iniciar sesi/i,
  },
  {
    id: 'K-21',
    title: 'The app crashes on start after the update to 4.2',
    steps: ['Update to 4.2.1.', 'If it still crashes, remove the app and install it again; nothing is lost.'],
    status: 'Fixed in 4.2.1.',
    signs: /crash|abst[uü]rz|plante|落ち|se cierra|\b4\.2\b/i,
  },
  {
    id: 'K-25',
    title: 'Requests to the API end with ECONNRESET or 502 behind some proxies',
    steps: [
      'Switch HTTP/2 off in the proxy.',
      'Send us the value of the `x-request-id` header of one failed request.',
    ],
    status: 'Being looked into.',
    signs: /ECONNRESET|\b502\b|timeout|proxy|gateway/i,
  },
  {
    id: 'K-31',
    title: 'Synchronisation stands still at 99 of 100',
    steps: ['Pause the synchronisation and start it again.'],
    status: 'Known; this helps.',
    signs: /sync/i,
  },
];

export const faq: readonly Article[] = [
  {
    question: 'How do I set a new password?',
    answer: 'Choose "Forgot password" on the sign-in page and follow the link in the mail.',
    signs: /password|passwor[td]|contraseñ/i,
  },
  {
    question: 'How is my account deleted, and my data with it?',
    answer:
      'An owner of the account chooses Settings, Privacy, Delete account. We then send a form to confirm it.',
    signs: /delete|gdpr|dsgvo|privacy|erase/i,
  },
  {
    question: 'Is there a discount for schools?',
    answer: 'Schools and charities have prices of their own; the page Pricing, Education lists them.',
    signs: /school|charit|education|teacher/i,
  },
  {
    question: 'How do I invite colleagues?',
    answer: 'Choose Settings, Members, Invite and enter their mail addresses.',
    signs: /invite|colleague|team member/i,
  },
  {
    question: 'Where do I leave feedback?',
    answer: 'Every message to this desk is read by the product team as well.',
    signs: /love|great|thank|feedback|wonderful|suggest/i,
  },
];

function charged(currency: string, ...charges: ReadonlyArray<readonly [string, number, string]>): Customer {
  return {
    currency,
    charges: charges.map(([date, amount, description], index) => ({
      id: `ch-${date}-${index + 1}`,
      date,
      amount,
      description,
    })),
  };
}
