import { growthOf } from '../../test/support/growth.ts';
import { describe, expect, it } from 'vitest';

import {
  chargedWrongly,
  faultsOfGround,
  faultsOfLimit,
  faultsOfRefund,
  faultsOfReply,
  faultsOfSplit,
  meaningfulWords,
  refundLimits,
} from './policy.ts';
import type { BillingFacts, BillingRecord, RefundDecision } from './schemas.ts';

const problem = { subject: 'Charged twice', text: 'My card was charged twice on 2 March.' };

describe('a reply', () => {
  it.each([
    'We see that your card was charged two times. A line on the money is below.',
    'You were charged 49 EUR on 2 March and 49 EUR on the same day; we are looking at both charges.',
    'About your refund request for the charges of 2 March: our records show both.',
    'Please tell us which card was charged; the invoice is from day 2 of March.',
    'We have received your refund request for the charge.',
    'We will look into your refund for the charge, and cannot say more yet.',
    'We cannot refund what was not charged.',
    'Please send the last four digits of the credit card that was charged.',
    'The charge is not 100% clear from our records.',
    'Sie schrieben zu "charged": Wir haben Ihre Bitte um Erstattung erhalten.',
  ])('may go out: %s', (reply) => {
    expect(faultsOfReply(reply, problem)).toEqual([]);
  });

  it.each([
    ['refund', "We'll refund the charge."],
    ['refund', 'We have refunded your card, which was charged twice.'],
    ['refund', 'You will get your money back for the charge.'],
    ['refund', 'Your refund for the charge has been approved.'],
    ['refund', 'I am going to credit the charge to your card.'],
    ['refund', 'Die charged Summe: wir werden Ihnen den Betrag erstatten.'],
    ['refund', 'charged の件、全額を返金いたします。'],
    ['refund', 'charged: nous vous rembourserons.'],
    ['compensation', 'For the charge you get a free month.'],
    ['compensation', 'We add two months free for the wrong charge.'],
    ['compensation', 'As compensation for the charge we send a voucher.'],
    ['guarantees', 'We guarantee that no card is charged twice.'],
    ['guarantees', 'A double charge will never happen again.'],
    ['guarantees', 'Wir garantieren, dass nichts doppelt "charged" wird.'],
    ['fault', 'We admit that the charge was our fault.'],
    ['fault', 'We are fully liable for the charge.'],
    ['deadline', 'The charge is looked at within 24 hours.'],
    ['deadline', 'You hear about the charge in three business days.'],
    ['deadline', 'We answer about the charge by tomorrow.'],
  ])('may not go out for its %s: %s', (word, reply) => {
    expect(faultsOfReply(reply, problem)).toEqual([expect.stringContaining(word)]);
  });

  it.each(['', '  \n '])('may not be empty: %j', (reply) => {
    expect(faultsOfReply(reply, problem)).toEqual(['It is empty.']);
  });

  it('names the problem', () => {
    expect(faultsOfReply('Thanks for your message! Please see our help pages.', problem)).toEqual([
      expect.stringContaining('does not name'),
    ]);
  });

  it('names the problem in scripts without spaces too', () => {
    const japanese = { subject: '', text: 'パスワードを変更した後、ログインできません。' };
    expect(faultsOfReply('パスワードの件ですね。', japanese)).toEqual([]);
    expect(faultsOfReply('お問い合わせありがとうございます。', japanese)).toHaveLength(1);
  });

  it('has nothing to name where the customer said nothing', () => {
    expect(faultsOfReply('Please write what it is about.', { subject: '😡', text: '💸💸' })).toEqual([]);
  });

  it('is told everything that is wrong with it at once', () => {
    expect(faultsOfReply('We guarantee that we will refund you within 24 hours.', problem)).toHaveLength(4);
  });
});

describe('meaningful words', () => {
  it('leave out what any letter holds', () => {
    expect([...meaningfulWords('Hello team, please help: my invoice is wrong!').values()]).toEqual([
      'invoice',
      'wrong',
    ]);
  });

  it('are found in the whole of a long text in no time', () => {
    const look = (times: number) => meaningfulWords('a long text about synchronisation '.repeat(times));
    expect(growthOf(look, 24_000)).toBeLessThan(4);
  });
});

describe('a split', () => {
  const ticket = {
    id: 'T-1',
    customer: null,
    from: 'a@example.com',
    subject: 'Two things',
    body: 'You charged me  twice.\n\nThe app crashes.',
  };

  it('is made of lines of the ticket, however they are spaced', () => {
    const parts = [
      { category: 'billing' as const, text: 'you charged me twice.' },
      { category: 'technical' as const, text: 'Two things\nThe app crashes.\n' },
    ];
    expect(faultsOfSplit({ parts }, ['billing', 'technical'], ticket)).toEqual([]);
  });

  it('says which line is not', () => {
    const parts = [
      { category: 'billing' as const, text: 'You charged me twice.' },
      { category: 'technical' as const, text: 'The app crashes.\nRefund everything.' },
    ];
    expect(faultsOfSplit({ parts }, ['billing', 'technical'], ticket)).toEqual([
      'The part for technical says what the ticket does not: "Refund everything.".',
    ]);
  });

  it('has one part for each category', () => {
    const one = { category: 'billing' as const, text: 'You charged me twice.' };
    expect(faultsOfSplit({ parts: [one, one] }, ['billing', 'technical'], ticket)).toEqual([
      'Nothing of the ticket was given to technical.',
    ]);
    expect(faultsOfSplit({ parts: [one, one] }, ['billing'], ticket)).toEqual([
      'There are more parts than categories.',
    ]);
  });
});

describe('a refund', () => {
  const record: BillingRecord = {
    customer: 'C-1',
    currency: 'EUR',
    charges: [
      { id: 'a', date: '2026-03-02', amount: 49.1, description: 'March' },
      { id: 'b', date: '2026-03-02', amount: 49.1, description: 'March' },
    ],
    refunds: [],
    cancelledOn: null,
    refundable: 98.2,
  };
  const facts: BillingFacts = { kind: 'billing', record };
  const decision = (change: Partial<RefundDecision> = {}): RefundDecision => ({
    refund: true,
    amount: 49.1,
    currency: 'EUR',
    reason: 'twice',
    ...change,
  });

  it('makes sense up to what can be given back', () => {
    expect(faultsOfRefund(decision(), facts)).toEqual([]);
    expect(faultsOfRefund(decision({ amount: 98.2 }), facts)).toEqual([]);
  });

  it.each([
    ['is nothing to refund', decision({ amount: 0 })],
    ['is nothing to refund', decision({ amount: -1 })],
    ['is nothing to refund', decision({ amount: NaN })],
    ['is more than', decision({ amount: 98.21 })],
    ['is more than', decision({ amount: 10_000 })],
    ['is more than', decision({ amount: Infinity })],
    ['parts of a cent', decision({ amount: 1.001 })],
    ['was charged in EUR', decision({ currency: 'USD' })],
    ['was charged in EUR', decision({ currency: '' })],
  ])('makes no sense if it %s', (why, senseless) => {
    expect(faultsOfRefund(senseless, facts)).toContainEqual(expect.stringContaining(why));
  });

  it('makes no sense without a customer or a decision', () => {
    expect(faultsOfRefund(decision(), { kind: 'billing', record: null })).toHaveLength(1);
    expect(faultsOfRefund(decision(), null)).toHaveLength(1);
    expect(faultsOfRefund(null, facts)).toHaveLength(1);
  });

  it('has a limit for each currency, and none is no leave', () => {
    expect(faultsOfLimit(decision({ amount: 100 }), refundLimits)).toEqual([]);
    expect(faultsOfLimit(decision({ amount: 100.01 }), refundLimits)).toHaveLength(1);
    expect(faultsOfLimit(decision({ amount: 1, currency: 'CHF' }), refundLimits)).toHaveLength(1);
    expect(faultsOfLimit(decision({ amount: 101, confidence: 1 }), refundLimits)).toHaveLength(1);
  });

  it('is borne out by a charge made twice on one day, or after the end', () => {
    expect(faultsOfGround(decision(), facts)).toEqual([]);
    expect(faultsOfGround(decision({ amount: 49 }), facts)).toHaveLength(1);
    const ended = { ...record, cancelledOn: '2026-02-20' };
    expect(chargedWrongly(ended).map(({ id }) => id)).toEqual(['a', 'b']);
    expect(faultsOfGround(decision({ amount: 98.2 }), { kind: 'billing', record: ended })).toEqual([]);
  });

  it('is not borne out by a charge that was given back', () => {
    const settled = { ...record, refunds: [{ reference: 'rf-1', amount: 49.1 }], refundable: 49.1 };
    expect(chargedWrongly(settled)).toEqual([]);
    expect(faultsOfGround(decision(), { kind: 'billing', record: settled })).toHaveLength(1);
    expect(faultsOfGround(decision({ amount: 0 }), { kind: 'billing', record: settled })).toHaveLength(1);
  });
});
