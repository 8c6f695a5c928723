import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { judge } from '../judge.ts';
import { figuresStandIn, type FiguresOptions } from './figures-stand-in.ts';

const missing = (source: string | string[], answer: string, options?: FiguresOptions): readonly string[] =>
  judge([figuresStandIn(source, options)], answer).reasons;
const no = (kind: string, figure: string): string => `The ${kind} ${figure} does not stand in the source.`;

describe('a figure stands in the source', () => {
  it.each([
    ['EUR 1,200', '€1.200,00'],
    ['1.234,50 €', '1,234.50 EUR, or 1234.5 euros'],
    ["CHF 1'234'567.80", '1 234 567,80 CHF'],
    ['1\u202F234,5', '1,234.5'],
    ['12,34,567.00 INR', '1234567 rupees'],
    ['EUR 100 USD 200 and 5 EUR 10', '€100, $200, 5 EUR, EUR 10'],
    ['$5m and 3 bn', 'USD 5 million and 3,000,000,000'],
    ['2,5 Mio. €', '€2.5 million'],
    ['49 cents', '€0.49'],
    ['US$ 40', '$40'],
    ['40 $', 'CAD 40'],
    ['12 %', '12% and 12 percent'],
    ['10–20 %', '10 % to 20 %'],
    ['{"rate":0.125}', '12.5 %'],
    ['{"amount":1200.5,"currency":"EUR","items":[120,495,7]}', '€1,200.50, 120, 495'],
    ['[1,200,300]', '1 and 200 and 300'],
    ['| Amount (EUR) | Share (%) |\n| 250 | 12 |', 'EUR 250 is 12 %'],
    ['2026-03-03', '3 March 2026, March 3rd, 2026, 3.3.26, 3. März 2026, 3 de marzo de 2026, 03/03/2026'],
    ['03/04/2026', '2026-04-03 or 2026-03-04'],
    ['3-Mar-2026', 'in March 2026, in 2026, on 3 March'],
    ['2026年3月3日', '3 March 2026'],
    ['Dated 2026. On 3 March we wrote.', '3 March 2026'],
    ['2026-03-03T14:30:05Z', '3 March 2026 at 14:30, 2:30 p.m.'],
    ['we met at 9 am', '09:00'],
    ['3 charges, 12 days, 205 cases', 'three charges, a dozen days, two hundred and five cases'],
    ['twenty-five of forty', '25 of 40'],
    ['-50 EUR', '50 EUR'],
    ['٣٥٠', '350'],
    ['2½ hours', '2.5 hours'],
    ['order C-1001, version 1.2.3, 10.0.0.1, +49 30 1234567', 'C-1001 1.2.3 10.0.0.1 +49 30 1234567'],
    ['nothing', '1. First\n2. Second\n> 3) third'],
    ['nothing', 'One of them; no one, anyone, someone, often, tenfold.'],
    ['50 m', '50 m²'],
  ])('%s: %s', (source, answer) => {
    expect(missing(source, answer)).toEqual([]);
  });

  it('in one of several sources', () => {
    expect(missing(['a 5', 'b 6'], '5 and 6')).toEqual([]);
  });

  it('if nothing has to vouch for it', () => {
    expect(missing('', 'Call 112, 24/7.', { except: ['24/7', '112'] })).toEqual([]);
  });
});

describe('a figure does not stand in the source', () => {
  it.each([
    ['EUR 1,200', '250', [no('figure', '250')]],
    ['EUR 1,200', 'EUR 200', [no('figure', 'EUR 200')]],
    ['1,200', '200 and 12', [no('figure', '200'), no('figure', '12')]],
    ['1200', '1200.50, 12000, 120', [no('figure', '1200.50'), no('figure', '12000'), no('figure', '120')]],
    ['3 March 2026', '4 March 2026, 2026-04-03', [no('date', '4 March 2026'), no('date', '2026-04-03')]],
    ['3 March', '3 March 2026', [no('date', '3 March 2026')]],
    ['14:30', '15:30', [no('time', '15:30')]],
    ['C-1001', 'C-1002', [no('figure', '1002')]],
    ['two', 'two or three, three', [no('figure', 'three')]],
    ['10.0.0.1', '10.0.0.2', [no('figure', '10.0.0.2')]],
    ['', '1', [no('figure', '1')]],
  ])('%s: %s', (source, answer, reasons) => {
    expect(missing(source, answer)).toEqual(reasons);
  });

  it('with another unit than the source gives it', () => {
    expect(missing('EUR 1,200', '$1,200')).toEqual([
      'The figure $1,200 does not stand in the source: the number does, but not with that currency.',
    ]);
    expect(missing('EUR 100 USD 200', '$100, €200')).toHaveLength(2);
    expect(missing('12 employees, 5 %', '12 %')).toEqual([
      'The figure 12 % does not stand in the source: the number does, but not with that percent sign.',
    ]);
  });
});

describe('whatever its format', () => {
  const groups = (digits: string, separator: string): string =>
    digits.replaceAll(/\B(?=(\d{3})+$)/g, separator);
  const formats: ReadonlyArray<(whole: string, cents: string) => string> = [
    (whole, cents) => `${groups(whole, ',')}.${cents}`,
    (whole, cents) => `${groups(whole, '.')},${cents}`,
    (whole, cents) => `${groups(whole, ' ')},${cents}`,
    (whole, cents) => `${groups(whole, '\u202F')},${cents}`,
    (whole, cents) => `${groups(whole, "'")}.${cents}`,
    (whole, cents) => `${whole}.${cents}`,
    (whole, cents) => `${whole},${cents}`,
  ];
  const styles: ReadonlyArray<(amount: string) => string> = [
    (amount) => `€${amount}`,
    (amount) => `EUR ${amount}`,
    (amount) => `${amount} €`,
    (amount) => `${amount} EUR`,
    (amount) => `${amount} euros`,
  ];
  const amount = fc.integer({ min: 0, max: 1e11 }).map((cents) => String(cents).padStart(3, '0'));
  const words = fc.constantFrom('', 'paid ', 'We (all) got: ', 'x\n', 'Sum – ');
  const written = fc
    .record({
      format: fc.constantFrom(...formats),
      style: fc.constantFrom(...styles),
      before: words,
      after: fc.constantFrom('', '.', ', and so on', ')', '\nThe end', '; then'),
    })
    .map(
      ({ format, style, before, after }) =>
        (digits: string) =>
          `${before}${style(format(digits.slice(0, -2), digits.slice(-2)))}${after}`,
    );

  it('an amount is found in a source that has it in another', () => {
    fc.assert(
      fc.property(amount, written, written, (digits, one, other) => {
        expect(missing(one(digits), other(digits))).toEqual([]);
      }),
      { numRuns: 2_000 },
    );
  });

  it('another amount is not', () => {
    fc.assert(
      fc.property(amount, amount, written, written, (digits, others, one, other) => {
        fc.pre(digits !== others);
        expect(missing(one(digits), other(others))).toHaveLength(1);
      }),
      { numRuns: 2_000 },
    );
  });

  const date = fc.date({ min: new Date('1970-01-01'), max: new Date('2049-12-31'), noInvalidDate: true });
  const pad = (value: number): string => String(value).padStart(2, '0');
  const long = (locale: string) => new Intl.DateTimeFormat(locale, { dateStyle: 'long', timeZone: 'UTC' });
  const locales = ['en-GB', 'en-US', 'de-DE', 'fr-FR', 'es-ES', 'it-IT', 'nl-NL', 'pt-PT', 'ja-JP'].map(long);
  const dateFormats: ReadonlyArray<(at: Date) => string> = [
    (at) => at.toISOString(),
    (at) => at.toISOString().slice(0, 10),
    (at) => `${at.getUTCDate()}.${at.getUTCMonth() + 1}.${at.getUTCFullYear()}`,
    (at) => `${pad(at.getUTCMonth() + 1)}/${pad(at.getUTCDate())}/${at.getUTCFullYear()}`,
    (at) => `${pad(at.getUTCDate())}-${pad(at.getUTCMonth() + 1)}-${String(at.getUTCFullYear()).slice(2)}`,
    ...locales.map((locale) => (at: Date) => locale.format(at)),
  ];

  it('a date is found in a source that has it in another', () => {
    fc.assert(
      fc.property(
        date,
        fc.constantFrom(...dateFormats),
        fc.constantFrom(...dateFormats.slice(1)),
        (at, one, other) => {
          expect(missing(`On ${one(at)}, it was.`, `It was (${other(at)}).`)).toEqual([]);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  const small = ['two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten', 'eleven', 'twelve'];
  it.each(small.map((word, index) => [word, index + 2] as const))('%s is %i', (word, value) => {
    expect(missing(`There are ${value} of them.`, `There are ${word}.`)).toEqual([]);
    expect(missing(`There are ${word} of them.`, `There are ${value}.`)).toEqual([]);
    expect(missing(`There are ${value + 1}.`, `There are ${word}.`)).toEqual([no('figure', word)]);
  });
});

describe('reading figures', () => {
  it('takes time that grows with the length of the text', () => {
    const sizes = [20_000, 80_000];
    for (const piece of [' ', '1 ', '1,', "1'", '$', 'two ', '3 \t', '-', '\n', 'March ', '1/']) {
      const [short = 0, long = 0] = sizes.map((size) => {
        const text = piece.repeat(size / piece.length);
        const begun = process.cpuUsage();
        missing(`x${text}`, `3${text}5`);
        const { user } = process.cpuUsage(begun);
        return user / 1_000;
      });
      // Four times the text; sixteen times the time would be quadratic. Small times are noise.
      expect(long, piece).toBeLessThan(Math.max(12 * short, 500));
    }
  });
});
