/** The one check of every reply: what bars it, what makes it doubtful, and what does neither. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { allFaults, faultsOfOwnReply, faultsOfReply, type Grounds } from './reply-check.ts';
import type { Facts } from './schemas.ts';
import { linksIn, secretsIn } from './wordings.ts';

const request = {
  subject: 'Charged twice',
  text: 'I was charged 49 EUR twice on 2 March. My password is Tr0ub4dor! and my page is https://ana.example/x.',
};
const facts: Facts = {
  account: {
    id: 'AC-301',
    plan: 'Team',
    currency: 'EUR',
    charges: [{ date: '2026-03-02', amount: 49, description: 'Team, March' }],
  },
  articles: [
    {
      id: 'A-8',
      title: 'Invoices',
      text: 'Write to billing@example.com.',
      link: 'https://help.example.com/a-8',
    },
  ],
};
const grounds: Grounds = { request, problem: 'I was charged 49 EUR twice', facts };
const good = 'You were charged 49 EUR on 2 March 2026. See https://help.example.com/a-8.';

const judged = (reply: string, change: Partial<Grounds> = {}) =>
  faultsOfReply(reply, { ...grounds, ...change });

it('has nothing against a reply that says what is known', () => {
  expect(judged(good)).toEqual({ barring: [], doubtful: [] });
});

describe('a reply is barred', () => {
  it.each([
    ['empty', ' \n', 'It is empty.'],
    ['with a refund', `${good} We will refund you.`, 'Whether money goes back'],
    ['with a refund that is promised otherwise', `${good} Your refund has been approved.`, ''],
    ['with a refund that is on its way', `${good} The refund is on its way.`, ''],
    ['with a refund, you get', `${good} You will get your money back.`, ''],
    ['with a German refund', 'Wir werden Ihnen den Betrag erstatten: charged.', ''],
    ['with a French refund', 'Nous vous rembourserons: charged.', ''],
    ['with a Japanese refund', '全額を返金いたします charged', ''],
    ['with a link of its own', `${good} https://evil.example/`, 'The link https://evil.example'],
    ['with the sender’s link', `${good} https://ana.example/x`, 'The link https://ana.example/x'],
    ['with a link in disguise', `${good} www.evil.example/x`, 'The link www.evil.example/x'],
    ['with a link split by an invisible mark', `${good} https://ev\u200bil.example`, 'https://evil.example'],
    ['with a mail address of its own', `${good} Write to eve@evil.example.`, 'The link eve@evil.example'],
    ['with the sender’s password', `${good} We tried Tr0ub4dor! for you.`, 'A secret is not repeated.'],
    ['with a key', `${good} ghp_abcdefghijklmnop`, 'A secret is not repeated.'],
    ['with a card number', `${good} 4111-1111-1111-1111`, 'A secret is not repeated.'],
    ['with an alarm that nobody raised', `${good} The team was alerted.`, 'Nobody was told.'],
  ])('%s', (_, reply, why) => {
    const { barring } = judged(reply);
    expect(barring.length).toBeGreaterThan(0);
    expect(barring.join('\n')).toContain(why);
  });
});

describe('a reply is doubtful', () => {
  it.each([
    ['with another amount', 'You were charged 94 EUR.', '94 EUR'],
    ['with another currency', 'You were charged 49 USD.', '49 USD'],
    ['with another date', 'You were charged on 3 March.', '3 March'],
    ['with a sum that nobody named', 'You were charged 98 EUR in all.', '98 EUR'],
    ['with a guarantee', `${good} We guarantee it.`, 'Nobody has agreed to that.'],
    ['with a day', `${good} You hear from us by Friday.`, 'by Friday'],
    ['with a time', `${good} It takes an hour, we are back in an hour.`, 'in an hour'],
    ['with a present', `${good} Have a voucher.`, 'voucher'],
    ['with an admission', `${good} It was our fault.`, 'our fault'],
    ['about something else', 'Thank you for writing. We look into it.', 'It does not name the problem'],
    ['that is too long', `${good} ${'And so on it goes. '.repeat(70)}`, 'at most 250 are allowed'],
  ])('%s', (_, reply, why) => {
    const { barring, doubtful } = judged(reply);
    expect(barring).toEqual([]);
    expect(doubtful.join('\n')).toContain(why);
  });
});

describe('a reply may say', () => {
  it.each([
    'You were charged twice. We cannot refund you from here.',
    'You ask for a refund of the charges; we do not decide on refunds.',
    'About the charge: nobody can promise a refund, we are sorry.',
    'You wrote to us about your refund and the charge.',
    'Your charge is of 02.03.2026, and we are here 24/7.',
    'You were charged. Sign in again in a private window; export the list as export.csv.',
  ])('%s', (reply) => {
    expect(allFaults(judged(reply))).toEqual([]);
  });

  it('that somebody was paged, if an incident is open', () => {
    const paged = 'You were charged twice; our team was alerted.';
    expect(judged(paged).barring).toHaveLength(1);
    expect(judged(paged, { facts: { ...facts, incident: { id: 'INC-1' } } }).barring).toEqual([]);
  });

  it('anything by its name if the request has no telling words', () => {
    const faults = judged('We have read it.', { problem: '😡', request: { subject: '', text: '😡' } });
    expect(allFaults(faults)).toEqual([]);
  });

  it('the problem in another form of the word', () => {
    expect(judged('About the charge: we see it.').doubtful).toEqual([]);
    expect(judged('A surcharge is another thing.').doubtful).toHaveLength(1);
  });
});

it('is never passed by a figure, link or secret of its own, whatever stands around it', () => {
  const words = fc.array(
    fc.constantFrom('you', 'were', 'charged', 'twice', 'for', '—', '\n', '.', '(', ')'),
    {
      maxLength: 12,
    },
  );
  const own = fc.constantFrom(
    '17.23 EUR',
    'https://evil.example/a',
    'Tr0ub4dor!',
    'We will refund you',
    '31 December',
  );
  fc.assert(
    fc.property(words, own, words, (before, fault, after) => {
      const reply = [...before, 'charged', fault, ...after].join(' ');
      return allFaults(judged(reply)).length > 0;
    }),
    { numRuns: 300 },
  );
});

it('lets a person say all but secrets', () => {
  const bold = 'We guarantee 500 EUR back by Friday: https://elsewhere.example';
  expect(faultsOfOwnReply(bold, request)).toEqual([]);
  expect(faultsOfOwnReply(`${bold} Tr0ub4dor!`, request)).toHaveLength(1);
});

describe('what a request gives away', () => {
  it.each([
    ['my password is hunter2', ['hunter2']],
    ['Passwort: geheim!1 und PIN = 4711.', ['geheim!1', '4711']],
    ['mot de passe : "s3same"', ['s3same']],
    ['api key: abc_123, token=xyz+9', ['abc_123', 'xyz+9']],
    ['my password is wrong, and the token is missing', []],
    ['I have a secret wish', []],
  ])('%s', (text, secrets) => {
    expect(secretsIn(text)).toEqual(secrets);
  });
});

describe('a link', () => {
  it.each([
    ['https://a.example/x?y=1.', ['https://a.example/x?y=1']],
    ['(see www.a.example)', ['www.a.example']],
    ['a.example/path and mailto:x@a.example', ['a.example/path', 'mailto:x@a.example']],
    ['Visit Evil-Site.com.', ['Evil-Site.com']],
    ['export.csv, e.g. version 4.2.1, and/or', []],
  ])('is found in %s', (text, links) => {
    expect(linksIn(text)).toEqual(links);
  });
});
