import { carried } from './codec.ts';

/** The error as it will come back from the store; if it holds what cannot be stored, what can be said of it. */
export function carriedError(error: unknown): unknown {
  try {
    return carried(error, 'error');
  } catch {
    if (!(error instanceof Error)) return new Error(String(error));
    const { name, message, stack } = error;
    const plain = Object.assign(new Error(message), 'code' in error ? { code: String(error.code) } : {});
    Object.defineProperties(plain, {
      name: { value: name, configurable: true, writable: true },
      stack: { value: stack, configurable: true, writable: true },
    });
    return plain;
  }
}
