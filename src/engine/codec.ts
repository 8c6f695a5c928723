/**
 * How values become text and come back equal.
 *
 * Plain JSON where JSON carries the value; devalue for what it cannot: `undefined`, `Date`, `Map`, `Set`, `bigint`,
 * `NaN`, `-0`, `RegExp`, typed arrays, cycles and errors. Functions, symbols, class instances and the like are refused
 * with the path at which they were found, because they would come back as something else or not at all.
 *
 * I1. `decode(encode(value))` is deeply equal to `value`, or `encode` throws `ValueNotCarriable`.
 * I2. An error comes back with its name, message, stack, cause and own fields, and as an instance of its class if that
 *     is one of ECMAScript's or Signalbox's, or among the classes that the caller knows; of another class, as an instance of
 *     the nearest that it extends and that is known, at last `Error`. Which classes it was of stays with it, so that whoever
 *     knows them can bring it back later.
 * I3. Nobody else can change what `seal` gives back: objects and arrays are frozen, deeply; where something cannot be
 *     frozen (`Date`, `Map`, typed arrays, errors, ...) it gives back a copy.
 */
import * as devalue from 'devalue';

import { commonErrorClasses, type ErrorClass, type ErrorClasses } from '../error-classes.ts';
import { ValueNotCarriable } from '../errors.ts';

/** How a value can be carried: as JSON; only with devalue's help; so, and with something in it that cannot be frozen. */
type Carriage = 'plain' | 'rich' | 'loose';

function worse(one: Carriage, other: Carriage): Carriage {
  return one === 'plain' || other === 'loose' ? other : one;
}

const RICH_MARK = '~';

/** Deeper values could overflow the stack of whoever reads or writes them. */
const maxDepth = 500;

/** The value as text. `where` names it in errors: `context`, `output of charge`. */
export function encode(value: unknown, where = 'value'): string {
  return write(value, inspect(value, walk(where, false)));
}

function write(value: unknown, carriage: Carriage): string {
  if (value === undefined) return RICH_MARK;
  return carriage === 'plain' ? JSON.stringify(value) : RICH_MARK + devalue.stringify(value, reducers);
}

export function decode(text: string, classes?: ErrorClasses): unknown {
  if (text === RICH_MARK) return undefined;
  return text.startsWith(RICH_MARK)
    ? devalue.parse(text.slice(RICH_MARK.length), reviversOf(classes))
    : (JSON.parse(text) as unknown);
}

/** A deep copy that is what a store would give back. */
export function carried<T>(value: T, where?: string, classes?: ErrorClasses): T {
  if (typeof value !== 'object' && typeof value !== 'function' && typeof value !== 'symbol') return value;
  return decode(encode(value, where), classes) as T;
}

/** The value with the errors in it as instances of these classes. */
export function revived<T>(value: T, classes: ErrorClasses): T {
  const carriage = inspect(value, walk('value', false));
  return carriage === 'loose' ? (decode(write(value, carriage), classes) as T) : value;
}

/** Check that a value can be carried, and give it back frozen (I3). Throws `ValueNotCarriable` with the path of what cannot. */
export function seal<T>(value: T, where: string, classes?: ErrorClasses): T {
  const carriage = inspect(value, walk(where, true, classes));
  if (carriage !== 'loose') return value;
  const copy = decode(write(value, carriage), classes) as T;
  inspect(copy, walk(where, true));
  return copy;
}

/** Where an inspection is. Paths are put into words only when something cannot be carried. */
interface Walk {
  /** What the whole value is called. */
  readonly where: string;
  readonly freeze: boolean;
  readonly classes?: ErrorClasses | undefined;
  /** The objects that the present value stands in, outermost first. */
  readonly above: object[];
  /** The keys that led here: names of fields, or indices of arrays. */
  readonly trail: Array<string | number>;
}

function walk(where: string, freeze: boolean, classes?: ErrorClasses): Walk {
  return { where, freeze, classes, above: [], trail: [] };
}

function pathOf({ where, trail }: Walk): string {
  return where + trail.map((key) => (typeof key === 'number' ? `[${key}]` : `.${key}`)).join('');
}

function inspect(value: unknown, at: Walk): Carriage {
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
      throw notCarriable(at, `a function${value.name ? ` (${value.name})` : ''}`);
    case 'symbol':
      throw notCarriable(at, 'a symbol');
    case 'object':
      return value === null ? 'plain' : inspectObject(value, at);
  }
}

function inspectPart(value: unknown, key: string | number, at: Walk): Carriage {
  at.trail.push(key);
  const carriage = inspect(value, at);
  at.trail.pop();
  return carriage;
}

function inspectObject(value: object, at: Walk): Carriage {
  const { above } = at;
  if (above.includes(value)) {
    // An error is made from its parts, so it cannot be one of them.
    if (above.slice(above.indexOf(value)).some((part) => part instanceof Error))
      throw notCarriable(at, 'an error that holds itself');
    return 'rich';
  }
  if (above.length === maxDepth) throw notCarriable(at, `more than ${maxDepth} levels`);

  above.push(value);
  const isArray = Array.isArray(value);
  const freezable = isArray || isPlainObject(value);
  const carriage = isArray
    ? inspectArray(value, at)
    : freezable
      ? inspectFields(value, at)
      : inspectRich(value, at);
  above.pop();

  if (at.freeze && freezable) Object.freeze(value);
  return carriage;
}

function inspectArray(value: readonly unknown[], at: Walk): Carriage {
  // The prototype of arrays is itself one, in every realm; those of classes that extend it are not.
  if (!Array.isArray(Object.getPrototypeOf(value)))
    throw notCarriable(at, `an instance of ${className(value)}`);
  let carriage: Carriage = 'plain';
  let holes = 0;
  for (let index = 0; index < value.length; index++) {
    if (index in value) carriage = worse(carriage, inspectPart(value[index], index, at));
    else holes += 1;
  }
  const keys = Object.keys(value);
  if (keys.length > value.length - holes)
    throw notCarriable(at, `an array with a field of its own (${keys.at(-1)})`);
  return holes > 0 ? worse(carriage, 'rich') : carriage;
}

function inspectFields(value: object, at: Walk): Carriage {
  let carriage: Carriage = Object.getPrototypeOf(value) === null ? 'rich' : 'plain';
  for (const key of Object.keys(value)) {
    if (key === '__proto__') throw notCarriable(at, 'a field named `__proto__`');
    carriage = worse(carriage, inspectPart((value as Record<string, unknown>)[key], key, at));
  }
  const symbol = Object.getOwnPropertySymbols(value)[0];
  if (symbol) throw notCarriable(at, `a field whose name is a symbol (${String(symbol)})`);
  return carriage;
}

function inspectRich(value: object, at: Walk): Carriage {
  const prototype = Object.getPrototypeOf(value) as object;
  if (prototype === Map.prototype) {
    let index = 0;
    for (const [key, item] of value as Map<unknown, unknown>) {
      inspectPart(key, `keys[${index}]`, at);
      inspectPart(item, isPrimitive(key) ? `get(${String(key)})` : `values[${index}]`, at);
      index += 1;
    }
  } else if (prototype === Set.prototype) {
    let index = 0;
    for (const item of value as Set<unknown>) inspectPart(item, `values[${index++}]`, at);
  } else if (value instanceof Error) {
    at.classes?.seen?.(value);
    inspectPart(value.cause, 'cause', at);
    // An error is copied, not frozen, so what is its own stays as it is.
    const loose = { ...at, freeze: false };
    if (value instanceof AggregateError) inspectPart(value.errors, 'errors', loose);
    inspect(ownFields(value), loose);
  } else if (!leafPrototypes.has(prototype)) {
    throw notCarriable(at, `an instance of ${className(value)}`);
  }
  return 'loose';
}

function isPrimitive(value: unknown): boolean {
  return typeof value !== 'object' && typeof value !== 'function';
}

/** What an error carries besides its name, message, stack and cause. */
function ownFields(error: Error): Record<string, unknown> {
  return Object.fromEntries(Object.entries(error));
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

/** Made by `{}` or `Object.create(null)`, here or in another realm. */
function isPlainObject(value: object): boolean {
  const prototype = Object.getPrototypeOf(value) as object | null;
  return prototype === null || prototype === Object.prototype || Object.hasOwn(prototype, 'isPrototypeOf');
}

function className(value: object): string {
  return value.constructor?.name || 'a class';
}

function notCarriable(at: Walk, found: string): Error {
  const whole = pathOf(at);
  const path = at.above.length < maxDepth ? whole : `${whole.slice(0, 100)}…`;
  return new ValueNotCarriable(
    `\`${path}\` holds ${found}, which cannot be stored and come back equal. Keep plain data there (JSON values, Date, Map, Set, bigint, Error) and look the rest up when it is needed.`,
    { details: { path } },
  );
}

interface CarriedError {
  readonly name: string;
  /** The names of its class and those that this extends, but for `Error`. Left out if its name tells. */
  readonly classes?: readonly string[];
  readonly message: string;
  readonly stack: string | undefined;
  readonly cause: { readonly value: unknown } | undefined;
  /** Of an `AggregateError`. */
  readonly errors: unknown[] | undefined;
  readonly fields: Record<string, unknown>;
}

/** What class an error was of before it came back as an instance of another. */
const lostClasses = new WeakMap<Error, readonly string[]>();

/** The names of an error's classes, its own first, without `Error`. */
function classNames(error: Error): readonly string[] {
  const lost = lostClasses.get(error);
  if (lost) return lost;
  const names: string[] = [];
  let prototype = Object.getPrototypeOf(error) as Error;
  while (prototype instanceof Error) {
    names.push(className(prototype));
    prototype = Object.getPrototypeOf(prototype) as Error;
  }
  return names;
}

/** Whether an error is an instance of a class that it would not come back as. */
export function isForeign(error: Error, classes: ErrorClasses): boolean {
  if (lostClasses.has(error)) return false;
  const [own] = classNames(error);
  return own !== undefined && !classNamed(own, classes);
}

function classNamed(name: string, classes: ErrorClasses | undefined): ErrorClass | undefined {
  return commonErrorClasses.get(name) ?? classes?.get(name);
}

/** Have an error be taken for one of the same classes as another. */
export function keepClasses(error: Error, of: Error): void {
  lostClasses.set(error, classNames(of));
}

const reducers = {
  Error(value: unknown): CarriedError | false {
    if (!(value instanceof Error)) return false;
    const { name } = value;
    const classes = classNames(value);
    const isPlain = classes.length === 0 ? name === 'Error' : classes[0] === name;
    return {
      name,
      ...(isPlain && (classes.length < 2 || commonErrorClasses.has(name)) ? {} : { classes }),
      message: value.message,
      stack: value.stack,
      cause: 'cause' in value ? { value: value.cause } : undefined,
      errors: value instanceof AggregateError ? (value.errors as unknown[]) : undefined,
      fields: ownFields(value),
    };
  },
};

function reviversOf(classes: ErrorClasses | undefined): { Error(carried: CarriedError): Error } {
  return {
    Error({ name, classes: given, message, stack, cause, errors, fields }) {
      const names = given ?? (name === 'Error' ? [] : [name]);
      const error = new Error(message, cause && { cause: cause.value });
      const known = names.map((each) => classNamed(each, classes));
      const nearest = known.find((errorClass) => errorClass !== undefined);
      if (nearest) Object.setPrototypeOf(error, nearest.prototype as Error);
      if (known[0] === undefined && names.length > 0) lostClasses.set(error, names);
      const hidden = { configurable: true, writable: true, enumerable: false };
      if (error.name !== name && !Object.hasOwn(fields, 'name'))
        Object.defineProperty(error, 'name', { ...hidden, value: name });
      Object.defineProperty(error, 'stack', { ...hidden, value: stack });
      if (errors) Object.defineProperty(error, 'errors', { ...hidden, value: errors });
      return Object.assign(error, fields);
    },
  };
}
