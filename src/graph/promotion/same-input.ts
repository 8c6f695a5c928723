/**
 * When two inputs count as one: if they differ in nothing but ids and addresses, times, white space and letter case.
 *
 * I1. Rather too few are told apart than too many: three copies of a ticket with other numbers show what one shows.
 * I2. An input that is nothing but ids and times is told apart by these: they are then all that it is about.
 */
import { canonical } from '../fold.ts';

/** The same text for inputs that are not genuinely different. */
export function essenceOf(input: unknown): string {
  const essence = essential(input);
  return canonical(essence === nothing ? input : essence);
}

/** What is left of a value of which nothing counts. */
const nothing = Symbol('nothing that counts');

const idKey = /^(id|uuid|guid|key|nonce|token)$|(Id|ID|Uuid|Key|_id|_uuid|_key|-id|-key)$/;
const timeKey =
  /^(at|date|time|timestamp|created|updated|received)$|(At|Date|Time|Timestamp|_at|_date|_time|_ts|-at|-date|-time)$/;

function essential(value: unknown): unknown {
  if (typeof value === 'string') return textEssence(value);
  if (value instanceof Date || value === undefined || value === null) return nothing;
  if (typeof value !== 'object') return value;
  if (Array.isArray(value)) {
    const parts = value.map(essential).filter((part) => part !== nothing);
    return parts.length > 0 ? parts : nothing;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return value;
  const entries = Object.entries(value).flatMap(([key, part]: [string, unknown]) => {
    const isNamed = (idKey.test(key) || timeKey.test(key)) && (typeof part !== 'object' || part === null);
    const kept = isNamed ? nothing : essential(part);
    return kept === nothing ? [] : [[key, kept] as const];
  });
  return entries.length > 0 ? Object.fromEntries(entries) : nothing;
}

const uuid = /\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g;
/** `2026-11-21`, `2026-11-21T10:55:00.123Z`. */
const isoTime = /\b\d{4}-\d{2}-\d{2}([t ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(z|[+-]\d{2}:?\d{2})?)?/g;
const address = /[\p{L}\p{N}._%+-]+@[\p{L}\p{N}.-]+/gu;
/** `T-1001`, `INV_2026_17`, `ord-4f3a1c`: letters, and then something with a digit. */
const numbered = /\b[a-z]{1,12}([-_#](?=[a-z0-9]*\d)[a-z0-9]+)+\b/g;
/** What a machine made: long, of hexadecimal digits, with a digit in it. */
const hexadecimal = /\b(?=[0-9a-f]*\d)[0-9a-f]{12,}\b/g;

function textEssence(text: string): unknown {
  const plain = text
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll(uuid, '#')
    .replaceAll(address, '#')
    .replaceAll(isoTime, '#')
    .replaceAll(numbered, '#')
    .replaceAll(hexadecimal, '#')
    .replaceAll(/\s+/gu, ' ')
    .trim();
  return /^[# ]*$/.test(plain) ? (plain === '' ? '' : nothing) : plain;
}
