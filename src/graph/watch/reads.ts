/**
 * What a function reads of a machine's context, and where its answer holds parts of it.
 *
 * The function is called a second time with a context that notes what is asked of it; a proxy, because a function may read
 * in any way it likes: by name, by index, with spread, with `for … of`. Its answer is looked through and thrown away. What
 * is not plain data (`Date`, `Map`) is handed out as it is, and counts as read whole.
 *
 * A read is text: `=/a/b`, the value at that place, or, of an object or list, only which of them it is; `#/a/b`, which keys
 * it has; `*\/a/b`, all of it.
 */
export type Read = string;

export interface Watched {
  readonly reads: ReadonlySet<Read>;
  /** Where the answer holds a part of the context as it is: the place in the answer, and the place in the context. */
  readonly copies: ReadonlyArray<readonly [to: string, from: string]>;
}

/** Read whole: what is said of a function that cannot be watched. */
export const everything: Watched = { reads: new Set(['*']), copies: [] };

/** How deep an answer is looked through for parts of the context. */
const maxDepth = 8;

export function watchReads(context: unknown, call: (context: unknown) => unknown): Watched {
  const reads = new Set<Read>();
  const origins = new WeakMap<object, string>();
  let answer: unknown;
  try {
    answer = call(watchedPart(context, '', reads, origins));
  } catch {
    // With the context itself it went well, so it did something that cannot be watched.
    return everything;
  }
  const copies: Array<readonly [string, string]> = [];
  return findCopies(answer, '', 0, origins, copies) ? { reads, copies } : everything;
}

/** One step further down a path. */
export function pathOf(parent: string, key: string): string {
  return `${parent}/${/[~/]/.test(key) ? key.replaceAll('~', '~0').replaceAll('/', '~1') : key}`;
}

export function keysOf(path: string): string[] {
  return path
    .split('/')
    .slice(1)
    .map((key) => (key.includes('~') ? key.replaceAll('~1', '/').replaceAll('~0', '~') : key));
}

function watchedPart(
  value: unknown,
  path: string,
  reads: Set<Read>,
  origins: WeakMap<object, string>,
): unknown {
  if (typeof value !== 'object' || value === null) {
    reads.add(`=${path}`);
    return value;
  }
  if (!isPlain(value)) {
    reads.add(`*${path}`);
    return value;
  }
  // That there is a context, everyone knows.
  if (path !== '') reads.add(`=${path}`);
  const proxy = new Proxy<object>(Array.isArray(value) ? [] : {}, {
    get: (_, key) =>
      typeof key === 'string' && (Object.hasOwn(value, key) || !(key in value))
        ? watchedPart((value as Record<string, unknown>)[key], pathOf(path, key), reads, origins)
        : (Reflect.get(value, key) as unknown),
    has(_, key) {
      reads.add(`#${path}`);
      return key in value;
    },
    ownKeys() {
      reads.add(`#${path}`);
      return Reflect.ownKeys(value);
    },
    getOwnPropertyDescriptor(_, key) {
      const descriptor = Reflect.getOwnPropertyDescriptor(value, key);
      if (!descriptor) return undefined;
      const isLength = Array.isArray(value) && key === 'length';
      return { ...descriptor, writable: true, configurable: !isLength };
    },
    getPrototypeOf: () => Object.getPrototypeOf(value) as object | null,
  });
  origins.set(proxy, path);
  return proxy;
}

/** False if the answer is too deep to be looked through. */
function findCopies(
  answer: unknown,
  at: string,
  depth: number,
  origins: WeakMap<object, string>,
  copies: Array<readonly [string, string]>,
): boolean {
  if (typeof answer !== 'object' || answer === null) return true;
  const from = origins.get(answer);
  if (from !== undefined) copies.push([at, from]);
  if (from !== undefined || !isPlain(answer)) return true;
  if (depth > maxDepth) return false;
  return Object.entries(answer).every(([key, part]) =>
    findCopies(part, pathOf(at, key), depth + 1, origins, copies),
  );
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return Array.isArray(value) || prototype === Object.prototype || prototype === null;
}
