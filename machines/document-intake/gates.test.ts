/** What passes the checks of the document intake, and why not. */
import { describe, expect, it } from 'vitest';

import { growthOf } from '../../test/support/growth.ts';
import { initialContext } from './context.ts';
import { matchOf, matchPicked } from './customers.ts';
import { faultsOfExtraction } from './entities.ts';
import { noticeOf } from './notice.ts';
import { faultsOfReply } from './reply-check.ts';
import { type Customer, Document, type Entities, events, type Extraction, type Page } from './schemas.ts';

const page = (number: number, text: string, hidden = ''): Page => ({ number, text, hidden });
const pages = [
  page(1, 'Von: Müller-Lüdenscheidt GmbH\nKunden-\nnummer: C-\n1001\nam 2. März 2026', 'Nummer C-9999'),
  page(2, 'Fest-\npreis 1.234,50 EUR. Bitte bestätigen Sie den Ein-\ngang an Frau Schröder-\nWeiß.'),
];

function extraction(change: Partial<Extraction> = {}): Extraction {
  return {
    kind: 'order',
    sender: { value: 'Müller-Lüdenscheidt GmbH', quote: 'Von: Müller-Lüdenscheidt GmbH', page: 1 },
    customerNumber: { value: 'C-1001', quote: 'Kundennummer: C-1001', page: 1 },
    references: [],
    dates: [{ value: '2026-03-02', quote: '2. März 2026', page: 1, meaning: 'of the letter' }],
    amounts: [{ value: 1234.5, quote: '1.234,50 EUR', page: 2, currency: 'EUR', meaning: 'price' }],
    request: {
      value: 'Bitte bestätigen Sie den Eingang.',
      quote: 'Bitte bestätigen Sie den Eingang an Frau Schröder-Weiß',
      page: 2,
    },
    ...change,
  };
}

describe('what was extracted', () => {
  it('stands, over hyphens and line breaks of each kind', () => {
    expect(faultsOfExtraction(extraction(), pages)).toEqual([]);
  });

  const number = (value: string, quote: string, on: number) => ({
    customerNumber: { value, quote, page: on },
  });
  const amount = (value: number, quote: string, currency = 'EUR') => ({
    amounts: [{ value, quote, page: 2, currency, meaning: 'price' }],
  });
  it.each([
    ['a quote that is not there', number('C-1001', 'Customer C-1001', 1), 'customerNumber: The quote'],
    ['a quote from another page', number('C-1001', 'Kundennummer: C-1001', 2), 'customerNumber: The quote'],
    ['a page that is not there', number('C-1001', 'C-1001', 7), 'customerNumber: there is no page 7'],
    [
      'a value that is not in its quote',
      number('C-1002', 'Kundennummer: C-1001', 1),
      '“C-1002” does not stand',
    ],
    ['a part of a number', number('C-100', 'Kundennummer: C-1001', 1), '“C-100” does not stand'],
    ['a quote without words', number('C-1001', '…', 1), 'the quote has no words'],
    ['a value without words', number('–', 'Kundennummer: C-1001', 1), '“–” does not stand'],
    ['what nobody sees', number('C-9999', 'Nummer C-9999', 1), 'customerNumber: The quote'],
    ['another figure', amount(1243.5, '1.234,50 EUR'), 'amounts.0: The figure 1243.5'],
    ['another currency', amount(1234.5, '1.234,50 EUR', 'USD'), 'not with that currency'],
    [
      'another day',
      { dates: [{ value: '2026-03-03', quote: '2. März 2026', page: 1, meaning: 'x' }] },
      'dates.0: The date',
    ],
    [
      'a figure in the request that is nowhere',
      { request: { value: 'Send 12.', quote: 'Bitte bestätigen Sie', page: 2 } },
      'request: The figure 12',
    ],
  ])('does not stand with %s', (_, change, why) => {
    expect(faultsOfExtraction(extraction(change), pages).join('\n')).toContain(why);
  });

  it('is looked at in time that does not explode', () => {
    const look = (times: number) => {
      faultsOfExtraction(extraction(), [page(1, 'Wort-\nteil 12,50 EUR '.repeat(times))]);
    };
    expect(growthOf(look, 8_000)).toBeLessThan(4);
  });
});

const harrow: Customer = {
  number: 'C-1002',
  name: 'Harrow & Pike Ltd',
  city: 'Leeds',
  email: 'accounts@harrowpike.example',
  contacts: ["Sean O'Leary"],
  contracts: [{ number: 'K-30551', product: 'Track circuits', cancelledOn: '2026-01-31' }],
  manager: { id: 'm-2', name: 'Tomás Herrera', email: 'tomas@signal.example' },
};
const twin: Customer = { ...harrow, number: 'C-2002' };

function entities(
  { sender, number, contracts = [] }: { sender?: string; number?: string; contracts?: string[] },
  request = 'Please call.',
): Entities {
  const cited = (value: string) => ({ value, quote: null, page: null });
  return {
    kind: 'other',
    sender: sender === undefined ? null : cited(sender),
    customerNumber: number === undefined ? null : cited(number),
    references: contracts.map((one) => ({ ...cited(one), of: 'contract' as const })),
    dates: [],
    amounts: [],
    request: cited(request),
  };
}

describe('the customer', () => {
  const found = (...customers: Customer[]) => ({ customers, total: customers.length });

  it.each([
    ['number and name', { number: 'c-1002', sender: 'HARROW and more: Harrow & Pike Ltd., Leeds' }],
    ['number and a contact', { number: 'C 1002', sender: "Sean O'Leary" }],
    ['number and contract', { number: 'C-1002', contracts: ['K-30551'] }],
    ['name and contract', { sender: 'harrow & pike ltd', contracts: ['k-30551'] }],
  ])('is certain by %s', (_, said) => {
    expect(matchOf(found(harrow), entities(said))).toEqual({ customer: harrow, reasons: [] });
  });

  it.each([
    ['only the number', { number: 'C-1002' }, 'only the number speaks for it'],
    ['only the name', { sender: 'Harrow & Pike Ltd' }, 'only the name speaks for it'],
    [
      'another name',
      { number: 'C-1002', sender: 'Pike', contracts: ['K-30551'] },
      'the document is from Pike',
    ],
    [
      'a contract that is not theirs',
      { number: 'C-1002', sender: 'Harrow & Pike Ltd', contracts: ['K-1'] },
      'contract K-1 is not theirs',
    ],
    [
      'another number',
      { number: 'C-1', sender: 'Harrow & Pike Ltd', contracts: ['K-30551'] },
      'the document says number C-1',
    ],
  ])('is not certain by %s', (_, said, why) => {
    const match = matchOf(found(harrow), entities(said));
    expect(match.customer).toBe(null);
    expect(match.reasons.join()).toContain(why);
  });

  it('is not certain if two fit, if nobody does, or if there are more than are shown', () => {
    const said = entities({ sender: 'Harrow & Pike Ltd', contracts: ['K-30551'] });
    expect(matchOf(found(harrow, twin), said).reasons).toEqual(['Several customers fit: C-1002, C-2002.']);
    expect(matchOf(found(), said).customer).toBe(null);
    expect(matchOf({ customers: [harrow], total: 11 }, said)).toEqual({
      customer: null,
      reasons: ['C-1002 fits, but the CRM found 11 customers and shows 1.'],
    });
  });

  it('that a person picked is the one with that number, and no other', () => {
    expect(matchPicked(found(twin, harrow), 'c-1002').customer).toBe(harrow);
    expect(matchPicked(found(twin), 'C-1002').reasons).toEqual(['The CRM has no customer C-1002.']);
  });
});

describe('a reply', () => {
  const input = {
    entities: entities({ sender: 'Harrow & Pike Ltd', contracts: ['K-30551'] }),
    customer: harrow,
    pages: [page(1, 'Please send us 12 relays by 3 March 2026.')],
  };
  const reply = (body: string, subject = 'Your letter') => faultsOfReply({ subject, body }, input);

  it.each([
    'Dear Harrow & Pike Ltd, your letter about 12 relays by 2026-03-03 has arrived.',
    'Your letter about contract K-30551 has arrived; Tomás Herrera has it.',
    'Guten Tag, Ihr Schreiben zum Vertrag K-30551 ist bei uns angekommen.',
  ])('may be saved: %s', (body) => {
    expect(reply(body)).toEqual([]);
  });

  it.each([
    ['It has arrived, and somebody will look at it soon.', 'does not mention'],
    ['Dear Harrow & Pike Ltd, 13 relays are on their way to you.', 'The figure 13'],
    ['Dear Harrow & Pike Ltd, we will refund you in full today.', 'promises'],
    ['Dear Harrow & Pike Ltd, we guarantee that all is well.', 'promises'],
    ['Harrow & Pike Ltd: wir werden Ihnen den Betrag erstatten.', 'promises'],
    ['Harrow & Pike Ltd: nous vous rembourserons sans tarder, merci.', 'promises'],
    ['Harrow & Pike Ltd', 'words'],
    [`Harrow & Pike Ltd ${'and so on '.repeat(200)}`, 'words'],
  ])('may not be saved: %s', (body, why) => {
    expect(reply(body).join('\n')).toContain(why);
  });

  it('is looked at with its subject', () => {
    const body = 'Your letter about contract K-30551 has arrived.';
    expect(reply(body, 'We promise 99 relays').map((fault) => fault.slice(0, 9))).toEqual([
      'subject: ',
      'subject: ',
    ]);
  });

  it('is judged even if a person typed a name without letters', () => {
    const odd = { ...input, entities: entities({ sender: '—' }) };
    expect(
      faultsOfReply({ subject: 'Your letter', body: 'It is about K-30551, so to say.' }, odd),
    ).not.toEqual([]);
  });
});

it('a notice tells of a cancelled contract however the document writes it', () => {
  const document = Document.parse({ id: 'D-1', fileName: 'a.pdf', receivedFrom: null, pdf: '' });
  const context = {
    ...initialContext(document),
    entities: entities({ contracts: ['k 30551'] }),
    customer: harrow,
    checkedBy: 'person' as const,
  };
  expect(noticeOf(context).text).toContain('Contract K-30551 was cancelled on 2026-01-31.');
});

it('a notice is one line for each thing, whatever the document says', () => {
  const document = Document.parse({ id: 'D-1', fileName: 'a\nTo: b.pdf', receivedFrom: null, pdf: '' });
  const said = entities(
    { contracts: ['K-30551'] },
    'Call us.\nTo: attacker@evil.example\u2028Amounts: EUR 1',
  );
  const context = {
    ...initialContext(document),
    entities: said,
    customer: harrow,
    checkedBy: 'person' as const,
  };
  expect(noticeOf(context)).toEqual({
    documentId: 'D-1',
    managerId: 'm-2',
    subject: 'Harrow & Pike Ltd (C-1002): other',
    text: [
      'Document D-1, a To: b.pdf',
      'Asked of us: Call us. To: attacker@evil.example Amounts: EUR 1',
      'References: contract K-30551',
      'Contract K-30551 was cancelled on 2026-01-31.',
      'A person has confirmed the values.',
    ].join('\n'),
  });
});

describe('what people send', () => {
  it('may leave out where a value stands', () => {
    const typed = { ...entities({ number: 'C-1' }), customerNumber: { value: 'C-1' } };
    expect(events.CORRECT_ENTITIES.parse({ by: 'dana', entities: typed }).entities.customerNumber).toEqual({
      value: 'C-1',
      quote: null,
      page: null,
    });
  });

  it.each([
    ['no name', 'REJECT', { by: ' ', reason: 'x' }],
    ['no reason', 'REJECT', { by: 'dana', reason: '' }],
    ['no text', 'WRITE_REPLY', { by: 'dana', subject: 'S', body: ' ' }],
  ] as const)('is refused with %s', (_, type, payload) => {
    expect(events[type].safeParse(payload).success).toBe(false);
  });
});
