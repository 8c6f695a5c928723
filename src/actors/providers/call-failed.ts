/** Failed calls of models, in the one form that all providers give them. */
import { ModelCallFailed } from '../../errors.ts';
import type { CallFailure } from './provider.ts';

/** `to` reads on from "The call to": "Anthropic's API". */
export function modelCallFailed(
  to: string,
  what: string,
  details: CallFailure,
  cause?: Error,
): ModelCallFailed {
  return new ModelCallFailed(`The call to ${to} failed: ${what}`, {
    details: { ...details },
    ...(cause && { cause }),
  });
}

/** One of each kind that a machine could tell apart, whatever the provider: paths are the same with a stand-in. */
export function callFailures(): readonly ModelCallFailed[] {
  const refused = (what: string, details: Omit<CallFailure, 'kind' | 'requestId'>): ModelCallFailed =>
    modelCallFailed('the model', what, { kind: 'http', ...details, requestId: 'req_1' });
  return [
    refused('529 (overloaded_error): Overloaded', { retryable: true, status: 529 }),
    refused('429 (rate_limit_error): Too many requests', {
      retryable: true,
      status: 429,
      retryAfterMs: 30_000,
    }),
    refused('400 (invalid_request_error): The request is refused', { retryable: false, status: 400 }),
  ];
}
