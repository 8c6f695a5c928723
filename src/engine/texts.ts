/** Texts that callers give: ids, keys, labels. Bounded, and well-formed, so that no two become one in a store. */
import type { Labels } from '../../persistence/store.ts';
import { InvalidOption } from '../errors.ts';

const loneSurrogate = /\p{Surrogate}/u;
const maxRunIdLength = 500;
const maxLabels = 16;
const maxLabelName = 64;
const maxLabelValue = 256;

/** Throws `InvalidOption` that names the field. */
export function assertText(field: string, value: unknown, maxLength: number): asserts value is string {
  const isFit = typeof value === 'string' && value !== '' && value.length <= maxLength;
  if (isFit && !loneSurrogate.test(value)) return;
  const shown = typeof value === 'string' ? JSON.stringify(value.slice(0, 80)) : String(value);
  const expected = isFit ? 'well-formed Unicode' : `a string of 1 to ${maxLength} characters`;
  throw new InvalidOption(`Expected \`${field}\` to be ${expected}, got ${shown}.`, { details: { field } });
}

export function assertRunId(id: unknown): asserts id is string {
  assertText('id', id, maxRunIdLength);
}

export function assertLabels(labels: unknown): asserts labels is Labels {
  if (typeof labels !== 'object' || labels === null || Array.isArray(labels)) {
    throw new InvalidOption("Expected `labels` to be an object of strings, such as `{ tenant: 'acme' }`.", {
      details: { field: 'labels' },
    });
  }
  const entries = Object.entries(labels);
  if (entries.length > maxLabels) {
    throw new InvalidOption(`Expected at most ${maxLabels} \`labels\`, got ${entries.length}.`, {
      details: { field: 'labels' },
    });
  }
  for (const [name, value] of entries) {
    assertText(`labels: name ${JSON.stringify(name.slice(0, 80))}`, name, maxLabelName);
    assertText(`labels.${name}`, value, maxLabelValue);
  }
}

export function assertPositiveInteger(name: string, value: unknown): void {
  if (Number.isInteger(value) && (value as number) > 0) return;
  throw new InvalidOption(`Expected \`${name}\` to be a positive integer, got \`${String(value)}\`.`, {
    details: { field: name },
  });
}

const units: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds of `'30d'`, `'12h'`, `'45m'`, `'10s'`, or of a number of them. Throws `InvalidOption`. */
export function durationMs(field: string, value: unknown): number {
  if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return value;
  const [, amount = '', unit = ''] =
    (typeof value === 'string' && /^(\d+(?:\.\d+)?)([smhd])$/.exec(value)) || [];
  const unitMs = units[unit];
  if (unitMs !== undefined) return Number(amount) * unitMs;
  throw new InvalidOption(
    `Expected \`${field}\` to be a time such as '30d', '12h', '45m' or '10s', or a number of milliseconds, got \`${String(value)}\`.`,
    { details: { field } },
  );
}
