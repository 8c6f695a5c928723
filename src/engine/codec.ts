/**
 * How values become text and come back equal.
 *
 * Plain JSON where JSON carries the value; devalue for what it cannot: `undefined`, `Date`, `Map`, `Set`, `bigint`,
 * `NaN`, `-0`, `RegExp`, typed arrays, cycles and errors. Functions, symbols and class instances are refused with the
 * path at which they were found, because they would come back as something else or not at all.
 *
 * I1. `decode(encode(value))` is deeply equal to `value`, or `encode` throws `ValueNotCarriable`.
 * I2. An error comes back with its name, message, stack, cause and own fields, and as an instance of its class if that
 *     is one of ECMAScript's or Signalbox's; other classes come back as `Error` under their name.
 * I3. `seal` freezes the objects and arrays that it accepted, deeply, so they stay carriable and are not looked at twice.
 */
import * as devalue from 'devalue';

import * as signalboxErrors from '../errors.ts';

const { SignalboxError, ValueNotCarriable } = signalboxErrors;

/** How a value can be carried: as JSON, or only with devalue's help. */
type Carriage = 'plain' | 'rich';

const RICH_MARK = '~';

const sealed = new WeakMap<object, Carriage>();

/** The value as text. `where` names it in errors: `context`, `output of charge`. */
export function encode(value: unknown, where = 'value'): string {
  if (value === undefined) return RICH_MARK;
  return inspect(value, where, [], false) === 'plain'
    ? JSON.stringify(value)
    : RICH_MARK + devalue.stringify(value, reducers);
}

export function decode(text: string): unknown {
  if (text === RICH_MARK) return undefined;
  return text.startsWith(RICH_MARK)
    ? devalue.parse(text.slice(RICH_MARK.length), revivers)
    : (JSON.parse(text) as unknown);
}

/** A deep copy that is what a store would give back. */
export function carried<T>(value: T, where?: string): T {
  if (typeof value !== 'object' && typeof value !== 'function' && typeof value !== 'symbol') return value;
  return decode(encode(value, where)) as T;
}

/** Check that a value can be carried, and freeze it. Throws `ValueNotCarriable` with the path of what cannot. */
export function seal<T>(value: T, where: string): T {
  inspect(value, where, [], true);
  return value;
}

function inspect(value: unknown, path: string, above: object[], freeze: boolean): Carriage {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return 'plain';
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0) ? 'plain' : 'rich';
    case 'undefined':
    case 'bigint':
      return 'rich';
    case 'function':
      throw notCarriable(path, `a function${value.name ? ` (${value.name})` : ''}`);
    case 'symbol':
      throw notCarriable(path, 'a symbol');
    case 'object':
      return value === null ? 'plain' : inspectObject(value, path, above, freeze);
  }
}

function inspectObject(value: object, path: string, above: object[], freeze: boolean): Carriage {
  const known = sealed.get(value);
  if (known) return known;
  if (above.includes(value)) return 'rich';

  above.push(value);
  const isArray = Array.isArray(value);
  const freezable = isArray || isPlainObject(value);
  const carriage = isArray
    ? inspectArray(value, path, above, freeze)
    : freezable
      ? inspectFields(value, path, above, freeze)
      : inspectRich(value, path, above, freeze);
  above.pop();

  if (freeze && freezable) sealed.set(Object.freeze(value), carriage);
  return carriage;
}

function inspectArray(value: readonly unknown[], path: string, above: object[], freeze: boolean): Carriage {
  let carriage: Carriage = 'plain';
  for (let index = 0; index < value.length; index++) {
    if (!(index in value)) carriage = 'rich';
    else if (inspect(value[index], `${path}[${index}]`, above, freeze) === 'rich') carriage = 'rich';
  }
  return carriage;
}

function inspectFields(value: object, path: string, above: object[], freeze: boolean): Carriage {
  let carriage: Carriage = Object.getPrototypeOf(value) === null ? 'rich' : 'plain';
  for (const key of Object.keys(value)) {
    if (key === '__proto__') throw notCarriable(path, 'a field named `__proto__`');
    const field = (value as Record<string, unknown>)[key];
    if (inspect(field, `${path}.${key}`, above, freeze) === 'rich') carriage = 'rich';
  }
  const symbol = Object.getOwnPropertySymbols(value)[0];
  if (symbol) throw notCarriable(path, `a field whose name is a symbol (${String(symbol)})`);
  return carriage;
}

function inspectRich(value: object, path: string, above: object[], freeze: boolean): Carriage {
  if (value instanceof Map) {
    let index = 0;
    for (const [key, item] of value) {
      inspect(key, `${path}.keys[${index++}]`, above, freeze);
      inspect(item, `${path}.get(${String(key)})`, above, freeze);
    }
  } else if (value instanceof Set) {
    let index = 0;
    for (const item of value) inspect(item, `${path}.values[${index++}]`, above, freeze);
  } else if (value instanceof Error) {
    inspect(value.cause, `${path}.cause`, above, freeze);
    inspect({ ...value }, path, above, false);
  } else if (!isLeaf(value)) {
    throw notCarriable(path, `an instance of ${className(value)}`);
  }
  return 'rich';
}

const leafPrototypes = new Set<object>([
  Date.prototype,
  RegExp.prototype,
  ArrayBuffer.prototype,
  Int8Array.prototype,
  Uint8Array.prototype,
  Uint8ClampedArray.prototype,
  Int16Array.prototype,
  Uint16Array.prototype,
  Int32Array.prototype,
  Uint32Array.prototype,
  Float32Array.prototype,
  Float64Array.prototype,
  BigInt64Array.prototype,
  BigUint64Array.prototype,
]);

function isLeaf(value: object): boolean {
  return leafPrototypes.has(Object.getPrototypeOf(value) as object);
}

function isPlainObject(value: object): boolean {
  const prototype = Object.getPrototypeOf(value) as object | null;
  return prototype === null || prototype === Object.prototype || Object.getPrototypeOf(prototype) === null;
}

function className(value: object): string {
  return value.constructor?.name || 'a class';
}

function notCarriable(path: string, found: string): Error {
  return new ValueNotCarriable(
    `\`${path}\` holds ${found}, which cannot be stored and come back equal. Keep plain data there (JSON values, Date, Map, Set, bigint, Error) and look the rest up when it is needed.`,
    { details: { path } },
  );
}

interface CarriedError {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  readonly cause: { readonly value: unknown } | undefined;
  readonly fields: Record<string, unknown>;
}

const errorClasses = new Map<string, { readonly prototype: Error }>(
  [
    EvalError,
    RangeError,
    ReferenceError,
    SyntaxError,
    TypeError,
    URIError,
    AggregateError,
    ...Object.values(signalboxErrors).filter(
      (exported) => exported === SignalboxError || exported.prototype instanceof SignalboxError,
    ),
  ].map((errorClass) => [errorClass.name, errorClass as { readonly prototype: Error }]),
);

const reducers = {
  Error: (value: unknown): CarriedError | false =>
    value instanceof Error && {
      name: value.name,
      message: value.message,
      stack: value.stack,
      cause: 'cause' in value ? { value: value.cause } : undefined,
      fields: { ...value, ...(value instanceof AggregateError ? { errors: value.errors as unknown[] } : {}) },
    },
};

const revivers = {
  Error: ({ name, message, stack, cause, fields }: CarriedError): Error => {
    const error = new Error(message, cause && { cause: cause.value });
    const errorClass = errorClasses.get(name);
    if (errorClass) Object.setPrototypeOf(error, errorClass.prototype);
    const hidden = { configurable: true, writable: true, enumerable: false };
    if (error.name !== name) Object.defineProperty(error, 'name', { ...hidden, value: name });
    Object.defineProperty(error, 'stack', { ...hidden, value: stack });
    return Object.assign(error, fields);
  },
};
