/**
 * How a workflow's tools call a service over HTTP. Its address is read at each call, from `<variable>_URL`.
 *
 * A definite answer, a refusal too, is an answer. Anything else is an error, and says nothing about what happened.
 */
import type { ServiceName } from './service.ts';

export interface ServiceCall {
  readonly method: 'GET' | 'POST';
  readonly json?: unknown;
  readonly idempotencyKey?: string;
  readonly signal: AbortSignal;
}

export interface ServiceAnswer {
  readonly path: string;
  readonly status: number;
  /** `undefined` if it is not JSON. */
  readonly body: unknown;
}

export type CallService = (path: string, call: ServiceCall) => Promise<ServiceAnswer>;

export function serviceClient(name: ServiceName, { timeoutMs }: { readonly timeoutMs: number }): CallService {
  return async (path, { method, json, idempotencyKey, signal }) => {
    const url = new URL(path, urlOf(name));
    const timeout = AbortSignal.timeout(timeoutMs);
    try {
      const answer = await fetch(url, {
        method,
        headers: {
          ...(json !== undefined && { 'content-type': 'application/json' }),
          ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }),
        },
        ...(json !== undefined && { body: JSON.stringify(json) }),
        signal: AbortSignal.any([signal, timeout]),
      });
      return { path, status: answer.status, body: parsed(await answer.text()) };
    } catch (cause) {
      signal.throwIfAborted();
      const why = timeout.aborted ? `not within ${timeoutMs} ms` : 'the connection failed';
      throw new Error(`${path} gave no answer: ${why}.`, { cause });
    }
  };
}

/** The service understood and said no: nothing happened, and asking again would not help. */
export function isRefusal({ status }: ServiceAnswer): boolean {
  return status >= 400 && status < 500 && status !== 408 && status !== 425 && status !== 429;
}

/** The body of an answer that is none of failure. */
export function succeeded(answer: ServiceAnswer): unknown {
  const { path, status, body } = answer;
  if (status >= 200 && status < 300) return body;
  throw new Error(`${path} answered ${status}: ${reasonOf(answer)}`);
}

export function reasonOf({ status, body }: ServiceAnswer): string {
  const reason = typeof body === 'object' && body !== null && 'error' in body ? body.error : undefined;
  return typeof reason === 'string' ? reason : `HTTP ${status}`;
}

/** `undefined` if it is not JSON, such as a proxy's error page; its status still counts. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function urlOf({ folder, title, variable }: ServiceName): string {
  const url = process.env[`${variable}_URL`];
  if (!url) {
    throw new Error(
      `Expected ${variable}_URL to hold the address of the ${title}. Start them with \`node dist/machines/${folder}/services/main.js --db services.db\` and set it to the URL they print.`,
    );
  }
  return url;
}
