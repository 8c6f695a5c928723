/** Where an MCP server is, where that has to be asked for. */
import { McpCallFailed } from '../../errors.ts';
import { plainError } from '../../plain-error.ts';
import { untilAborted } from '../../engine/until-aborted.ts';
import type { McpCallFailure } from './call-failure.ts';
import type { McpAddress, McpTarget } from './connection.ts';

export function isWebAddress(address: string): boolean {
  return URL.canParse(address) && /^https?:$/u.test(new URL(address).protocol);
}

/**
 * Rejects with `MCP_CALL_FAILED` if the function throws, takes longer than a call may, or gives no http or https URL, and
 * with the signal's reason once that is aborted. Nothing was sent then.
 */
export async function addressOf(
  url: URL | McpAddress,
  { name, timeoutMs }: Pick<McpTarget, 'name' | 'timeoutMs'>,
  signal: AbortSignal,
): Promise<URL> {
  if (typeof url !== 'function') return url;
  const failure = (what: string, retryable: boolean, cause?: unknown) =>
    new McpCallFailed(`The address of MCP server \`${name}\` is not known: ${what}`, {
      details: {
        server: name,
        ...({ kind: 'connection', retryable, mayHaveActed: false } satisfies McpCallFailure),
      },
      ...(cause !== undefined && { cause: plainError(cause) }),
    });

  signal.throwIfAborted();
  const late = AbortSignal.timeout(timeoutMs);
  let given: string | URL;
  try {
    given = await untilAborted((async () => url())(), AbortSignal.any([signal, late]));
  } catch (error) {
    signal.throwIfAborted();
    if (late.aborted) throw failure(`\`url\` gave none within ${timeoutMs} ms.`, true);
    throw failure(`\`url\` threw: ${error instanceof Error ? error.message : String(error)}`, true, error);
  }
  const address = String(given);
  if (!isWebAddress(address)) {
    throw failure(`expected \`url\` to give an http or https URL, got \`${address}\`.`, false);
  }
  return new URL(address);
}
