/** One call to a provider, put on record whatever comes of it. */
import type { Exchange, InvocationScope } from '../engine/invocation.ts';
import { ModelCallFailed } from '../errors.ts';
import { describeError } from './plain-error.ts';
import type { ModelProvider, ModelRequest, ModelResponse } from './providers/provider.ts';

/** Rejects with the signal's reason if the invocation was aborted, whatever the provider made of that. */
export async function callModel(
  provider: ModelProvider,
  request: ModelRequest,
  scope: InvocationScope,
): Promise<ModelResponse> {
  const { signal, key } = scope;
  signal.throwIfAborted();
  const { input: _, ...asked } = request;
  let sent: unknown = asked;
  const startedAt = performance.now();
  const record = (outcome: Pick<Exchange, 'response' | 'error' | 'model' | 'usage' | 'requestId'>) =>
    scope.exchanged({
      kind: 'model',
      by: provider.name,
      ...(provider.standIn && { standIn: true }),
      request: sent,
      ...outcome,
      latencyMs: Math.round(performance.now() - startedAt),
    });

  let response: ModelResponse;
  try {
    response = await provider.complete(request, { signal, key, sent: (raw) => (sent = raw) });
  } catch (thrown) {
    const error = signal.aborted ? (signal.reason as unknown) : thrown;
    record({ error: describeError(error), model: request.model, ...requestIdOf(error) });
    throw error;
  }
  const { response: raw, model, usage, requestId } = response;
  record({ response: raw, model, ...(usage && { usage }), ...(requestId !== undefined && { requestId }) });
  return response;
}

function requestIdOf(error: unknown): { requestId?: string } {
  const requestId = error instanceof ModelCallFailed ? error.details['requestId'] : undefined;
  return typeof requestId === 'string' ? { requestId } : {};
}
