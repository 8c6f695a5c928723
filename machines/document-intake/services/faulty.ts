/**
 * An MCP endpoint with the faults that were ordered for its tools. They are in the connection, not in what the tool says:
 * an error that a tool reports is an answer.
 */
import type { OpenOptions } from '../../services/service.ts';

/** The tool's answer to one HTTP request. */
export type Endpoint = (request: Request, parsedBody: unknown) => Promise<Response>;

interface ToolCall {
  readonly tool: string;
  readonly args: Readonly<Record<string, unknown>>;
}

/** `targets` says by tool what its faults are ordered for. */
export function faulty(
  endpoint: Endpoint,
  targets: Readonly<Record<string, string>>,
  { ledger, die }: OpenOptions,
): (request: Request) => Promise<Response> {
  return async (request) => {
    const body: unknown = request.method === 'POST' ? await request.clone().json() : undefined;
    const call = toolCallIn(body);
    const target = call && targets[call.tool];
    if (!call || target === undefined) return endpoint(request, body);

    const fault = ledger.takeFault(target, keyOf(call));
    if (fault === 'fail') return Response.json({ error: 'Out of order, as ordered.' }, { status: 503 });
    if (fault === 'hang') return hungUp(request.signal);
    const answered = await endpoint(request, body);
    if (fault === undefined) return answered;
    // Read to its end, so that the tool has done its work.
    await answered.text();
    if (fault === 'die-after') die();
    return hungUp(request.signal);
  };
}

function toolCallIn(body: unknown): ToolCall | undefined {
  if (typeof body !== 'object' || body === null || !('method' in body) || body.method !== 'tools/call') {
    return undefined;
  }
  const { params } = body as { readonly params?: { readonly name?: unknown; readonly arguments?: object } };
  return { tool: String(params?.name), args: { ...params?.arguments } };
}

function keyOf({ args }: ToolCall): string {
  const key = args['idempotencyKey'] ?? args['documentId'];
  return typeof key === 'string' ? key : '';
}

/** Answers once the caller has had enough, to nobody. */
async function hungUp(signal: AbortSignal): Promise<Response> {
  if (!signal.aborted) {
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  }
  return Response.json({ error: 'The caller hung up.' }, { status: 503 });
}
