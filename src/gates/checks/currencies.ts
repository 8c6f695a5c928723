/** How currencies are written, and which ones that may mean. */

const dollars = 'USD CAD AUD NZD SGD HKD TWD MXN';
const kronor = 'SEK NOK DKK ISK';

/** Written form, in lower case, to the codes that it may stand for. */
const signs: Readonly<Record<string, string>> = {
  '€': 'EUR',
  $: dollars,
  us$: 'USD',
  ca$: 'CAD',
  c$: 'CAD',
  a$: 'AUD',
  au$: 'AUD',
  nz$: 'NZD',
  s$: 'SGD',
  hk$: 'HKD',
  r$: 'BRL',
  '£': 'GBP',
  '¥': 'JPY CNY',
  '￥': 'JPY CNY',
  円: 'JPY',
  元: 'CNY',
  '₹': 'INR',
  '₽': 'RUB',
  '₩': 'KRW',
  '₺': 'TRY',
  '₴': 'UAH',
  '₪': 'ILS',
  '₫': 'VND',
  '₱': 'PHP',
  '₦': 'NGN',
  '฿': 'THB',
};

const words: Readonly<Record<string, string>> = {
  zł: 'PLN',
  kč: 'CZK',
  ft: 'HUF',
  lei: 'RON',
  kr: kronor,
  rs: 'INR PKR LKR NPR',
  euro: 'EUR',
  euros: 'EUR',
  dollar: dollars,
  dollars: dollars,
  pound: 'GBP',
  pounds: 'GBP',
  yen: 'JPY',
  yuan: 'CNY',
  franken: 'CHF',
  francs: 'CHF',
  rupee: 'INR PKR LKR NPR',
  rupees: 'INR PKR LKR NPR',
  kronor: 'SEK',
  kroner: 'NOK DKK',
  zloty: 'PLN',
};

const codes =
  'EUR USD GBP JPY CHF CAD AUD NZD CNY INR BRL MXN SEK NOK DKK ISK PLN CZK HUF RON BGN RUB UAH TRY ILS AED SAR QAR KWD EGP ZAR NGN KES SGD HKD TWD KRW THB VND PHP IDR MYR PKR LKR NPR BDT ARS CLP COP PEN BTC ETH'.split(
    ' ',
  );

const meanings = new Map<string, readonly string[]>([
  ...Object.entries({ ...signs, ...words }).map(([form, meant]) => [form, meant.split(' ')] as const),
  ...codes.map((code) => [code.toLowerCase(), [code]] as const),
]);

export function currenciesOf(written: string): readonly string[] {
  return meanings.get(written.toLowerCase()) ?? [];
}

/** Matches one currency as it is written, for use in a larger expression with the flags `iu`. */
export const currencyPattern = [
  // The longer sign first: `US$` is no `$`.
  ...Object.keys(signs)
    .toSorted((one, other) => other.length - one.length)
    .map(
      (sign) => (/^\p{L}+\$/u.test(sign) ? String.raw`(?<!\p{L})` : '') + sign.replace('$', String.raw`\$`),
    ),
  String.raw`(?<!\p{L})(?:${[...codes, ...Object.keys(words)].join('|')})(?!\p{L})`,
].join('|');
