/** `fetch` as connections to an MCP server use it. */
import { retryAfterMs } from '../retry-after.ts';
import type { McpHttp } from './connection.ts';

export interface HttpRefusal {
  readonly status: number;
  readonly text: string;
  /** From `retry-after`. */
  readonly retryAfterMs?: number;
}

/** Statuses that say: not now. */
const TEMPORARY = new Set([408, 425, 429]);

/**
 * Adds the headers, and throws what `refusal` makes of an answer that says "not now", of which the SDK would drop the
 * `retry-after`.
 *
 * A server may offer a stream for what it has to say unasked. It is declined: nothing here needs it, and it would keep
 * this process alive.
 */
export function httpFetch(
  { headers = {} }: Pick<McpHttp, 'headers'>,
  refusal: (refused: HttpRefusal) => Error,
): (url: string | URL, init?: RequestInit) => Promise<Response> {
  return async (url, init = {}) => {
    const asked = new Headers(init.headers);
    const unasked = init.method === 'GET' && !asked.has('last-event-id');
    if (unasked) return new Response(null, { status: 405 });

    const all = new Headers(typeof headers === 'function' ? await headers() : headers);
    asked.forEach((value, name) => all.set(name, value));
    const response = await fetch(url, { ...init, headers: all });
    const { status } = response;
    if (!TEMPORARY.has(status) && status < 500) return response;

    const text = await response.text().catch(() => '');
    const wait = retryAfterMs(response.headers.get('retry-after'));
    throw refusal({ status, text, ...(wait !== undefined && { retryAfterMs: wait }) });
  };
}
