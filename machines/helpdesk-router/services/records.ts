/** What the helpdesk's other systems know: articles, issues, accounts, and what works. Made up, and fixed. */
import type { z } from 'zod';

import type { Account, Article, Component, Issue } from '../schemas.ts';

/** What can be found by what a request says about it. */
export interface Signed {
  readonly id: string;
  /** In any language. */
  readonly signs: RegExp;
}

export const articles: ReadonlyArray<z.infer<typeof Article> & Signed> = [
  article(
    'A-1',
    'Invite colleagues',
    'Choose Settings, Members, Invite and enter their mail addresses.',
    /invit|einlad|colleague|招待/i,
  ),
  article(
    'A-2',
    'Set a new password',
    'Choose "Forgot password" on the sign-in page. The link in the mail is good for 30 minutes.',
    /passw|kennwort|contraseñ|mot de passe|パスワード/i,
  ),
  article(
    'A-3',
    'Export a board',
    'Choose Board, Export, and a format: CSV, PDF or JSON. Boards of up to 5,000 cards are exported at once.',
    /export|exporter|exportar|エクスポート/i,
  ),
  article(
    'A-4',
    'Delete an account and its data',
    'An owner chooses Settings, Privacy, Delete account. All data is gone 30 days later.',
    /delete|gdpr|dsgvo|privacy|erase|lösch|supprim/i,
  ),
  article(
    'A-5',
    'Prices for schools and charities',
    'Schools and registered charities pay half. The page Pricing, Education has the form.',
    /school|charit|education|teacher|schule|verein|école|escuela/i,
  ),
  article(
    'A-6',
    'Change the language',
    'Choose your picture, Language. Each member sets their own.',
    /\blanguage|sprache\b|langue\b|idioma|言語/i,
  ),
  article(
    'A-7',
    'Wishes and ideas',
    'Ideas are collected and voted on in the forum. We cannot say when or whether one is built.',
    /\bwish|\bidea|suggest|feature|would be (?:nice|great)|dark mode|wunsch/i,
  ),
  article(
    'A-8',
    'The address on invoices',
    'Choose Settings, Billing, Address. It is on the invoices from then on; earlier ones stay as they are.',
    /invoice address|vat|ust-?id|rechnungsadresse|tva\b/i,
  ),
  article(
    'A-9',
    'Press and partners',
    'Questions from the press and from partners go to press@example.com.',
    /journalist|press\b|partner|interview|sponsor/i,
  ),
  article(
    'A-10',
    'Report a weakness',
    'Reports go to security@example.com, encrypted with the key on the page Security.',
    /vulnerab|xss\b|security (?:hole|issue|report)|weakness/i,
  ),
];

export const issues: ReadonlyArray<z.infer<typeof Issue> & Signed> = [
  issue(
    'K-11',
    'The export to CSV stops on boards of more than 5,000 cards',
    ['Export one list at a time.', 'Leave out archived cards.'],
    'A fix is being tested.',
    /csv|export.{0,40}(?:stop|fail|error|hang|broken)/is,
  ),
  issue(
    'K-12',
    'Signing in ends in a loop after a password change',
    ['Delete the cookies of the site.', 'Sign in again in a private window.'],
    'Known; these steps help.',
    /(?:log|sign)(?:ging|ning)? ?in\b|anmeld|connexion|iniciar sesi|ログイン/i,
  ),
  issue(
    'K-13',
    'The synchronisation stands still at 99 of 100',
    ['Pause it and start it again.'],
    'Known; this helps.',
    /\bsync|synchron/i,
  ),
  issue(
    'K-14',
    'The API answers 502 now and then',
    ['Try again after a pause, with growing waits.'],
    'Being looked into.',
    /\b50[234]\b|ECONNRESET|ETIMEDOUT|gateway/i,
  ),
  issue(
    'K-15',
    'The app for phones ends on start after the update to 4.2',
    ['Remove the app and install it again; boards are kept.'],
    'Mended in 4.2.1.',
    /crash|absturz|stürzt|plante|se cierra|落ち/i,
  ),
  issue(
    'K-16',
    'Notifications come twice',
    ['Sign out on devices that are no longer used.'],
    'Known; this helps.',
    /notification|benachrichtig/i,
  ),
];

export const components: ReadonlyArray<z.infer<typeof Component>> = [
  { name: 'Boards', state: 'working', note: '' },
  { name: 'Sign-in', state: 'working', note: '' },
  { name: 'API', state: 'disturbed', note: 'Some calls are answered with 502 since 2026-03-04 06:10 UTC.' },
  {
    name: 'Synchronisation',
    state: 'down',
    note: 'Stands still since 2026-03-04 06:25 UTC; being looked into.',
  },
];

type AccountRecord = z.infer<typeof Account> & { readonly mails: readonly string[] };

const accounts: readonly AccountRecord[] = [
  account(
    'AC-301',
    'Team',
    'EUR',
    ['ana@example.com', 'accounts@example.com'],
    [
      ['2026-02-02', 49, 'Team, February'],
      ['2026-03-02', 49, 'Team, March'],
      ['2026-03-02', 49, 'Team, March'],
    ],
  ),
  account('AC-302', 'Solo', 'EUR', ['jonas@example.de'], [['2026-03-01', 12, 'Solo, March']]),
  account(
    'AC-303',
    'Business',
    'USD',
    ['ops@example.org', 'cto@example.org'],
    [['2026-03-01', 1_200, 'Business, March']],
  ),
  account('AC-304', 'Team', 'GBP', ['hello@example.co.uk'], [['2026-01-15', 470.4, 'Team, yearly']]),
  account('AC-305', 'Solo', 'JPY', ['yuki@example.jp'], [['2026-02-28', 1_500, 'Solo, March']]),
  account('AC-306', 'Team', 'EUR', ['claire@example.fr'], [['2026-03-03', 49, 'Team, March']]),
];

/** The account, if it is there and the sender is one of its people. To know its number is not to be its owner. */
export function accountOf(asked: {
  readonly account: string | null;
  readonly sender: string | null;
}): z.infer<typeof Account> | null {
  const sender = asked.sender?.toLowerCase() ?? '';
  const record = accounts.find(({ id, mails }) => id === asked.account && mails.includes(sender));
  if (!record) return null;
  const { mails: _, ...rest } = record;
  return rest;
}

function article(id: string, title: string, text: string, signs: RegExp) {
  return { id, title, text, link: `https://help.example.com/${id.toLowerCase()}`, signs };
}

function issue(id: string, title: string, steps: string[], status: string, signs: RegExp) {
  return { id, title, steps, status, signs };
}

function account(
  id: string,
  plan: string,
  currency: string,
  mails: readonly string[],
  charges: ReadonlyArray<readonly [string, number, string]>,
): AccountRecord {
  return {
    id,
    plan,
    currency,
    mails,
    charges: charges.map(([date, amount, description]) => ({ date, amount, description })),
  };
}
