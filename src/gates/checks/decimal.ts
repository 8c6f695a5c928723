/** Decimal numbers as text, so that 0.1 is 0.1: digits without leading or trailing zeros, and at most one point. */

/** `0012`, `50` → `12.5`. */
export function decimalOf(whole: string, fraction = ''): string {
  const left = whole.replace(/^0+/, '');
  const right = fraction.replace(/0+$/, '');
  return `${left || '0'}${right && `.${right}`}`;
}

/** Times ten to the power of `places`. */
export function shifted(decimal: string, places: number): string {
  const [whole = '', fraction = ''] = decimal.split('.');
  if (places >= 0) {
    const digits = fraction.padEnd(places, '0');
    return decimalOf(whole + digits.slice(0, places), digits.slice(places));
  }
  const digits = whole.padStart(1 - places, '0');
  return decimalOf(digits.slice(0, places), digits.slice(places) + fraction);
}
