/** Which provider the environment asks for. */
import { anthropic, fromEnvironment } from './anthropic.ts';
import type { ModelProvider } from './provider.ts';

/**
 * Anthropic if `ANTHROPIC_API_KEY` or `ANTHROPIC_BASE_URL` is set, else the stand-in. The environment is read when the
 * provider is used, not when it is made.
 *
 * @example
 * ```ts
 * const model = modelFromEnvironment({ standIn: standIn({ classifyTicket: (ticket: Ticket) => ... }) });
 * ```
 */
export function modelFromEnvironment({ standIn }: { readonly standIn: ModelProvider }): ModelProvider {
  const real = anthropic();
  const chosen = (): ModelProvider =>
    (fromEnvironment('ANTHROPIC_API_KEY') ?? fromEnvironment('ANTHROPIC_BASE_URL')) ? real : standIn;
  return {
    get name() {
      return chosen().name;
    },
    get standIn() {
      return chosen().standIn;
    },
    get enforcesSchema() {
      return chosen().enforcesSchema;
    },
    get timeoutMs() {
      return chosen().timeoutMs;
    },
    get countTokens() {
      return chosen().countTokens;
    },
    complete: (request, call) => chosen().complete(request, call),
  };
}
