/**
 * Errors of other people's code, cut down to what can be stored. An SDK's error holds headers and sockets, which no
 * store can carry.
 */

export interface PlainError {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
}

const DEPTH_OF_CAUSES = 5;

export function describeError(error: unknown): PlainError {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) };
  const { name, message } = error;
  const code = 'code' in error ? error.code : undefined;
  return { name, message, ...(typeof code === 'string' && { code }) };
}

/** A copy with name, message, code, stack and causes, and nothing else. `hidden` may take words out of its texts. */
export function plainError(error: unknown, hidden = asIs, depth = DEPTH_OF_CAUSES): Error {
  const { name, message, code } = describeError(error);
  const inner = error instanceof Error && depth > 1 ? error.cause : undefined;
  const cause = inner === undefined ? undefined : { cause: plainError(inner, hidden, depth - 1) };
  const copy = new Error(hidden(message), cause);
  if (error instanceof Error && error.stack !== undefined) copy.stack = hidden(error.stack);
  Object.defineProperty(copy, 'name', { value: name, configurable: true, writable: true, enumerable: false });
  return code === undefined ? copy : Object.assign(copy, { code });
}

function asIs(text: string): string {
  return text;
}

/** The error and its causes, outermost first. */
export function* causesOf(error: unknown): Generator<unknown> {
  let current = error;
  for (let depth = 0; depth < DEPTH_OF_CAUSES && current !== undefined; depth++) {
    yield current;
    current = current instanceof Error ? current.cause : undefined;
  }
}

const beforeSending: ReadonlySet<unknown> = new Set([
  'EAI_AGAIN',
  'ECONNREFUSED',
  'ENOTFOUND',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** Whether a call failed before there was a connection, so that nothing of it was sent. */
export function isBeforeSending(error: unknown): boolean {
  return [...causesOf(error)].some((cause) => beforeSending.has(describeError(cause).code));
}
