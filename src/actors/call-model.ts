/** One call to a provider, put on record whatever comes of it. */
import { ModelCallFailed } from '../errors.ts';
import type { Answered, InvocationScope, Usage } from '../invocation.ts';
import type { ContentBlock, ModelProvider, ModelRequest, ModelResponse } from './providers/provider.ts';

export interface CallModelOptions {
  /** Tell whoever looks on of the text as it comes. */
  readonly stream?: boolean;
  /** A request that could have more tokens is not sent. */
  readonly maxPromptTokens?: number | undefined;
}

/**
 * Rejects with the signal's reason if the invocation was aborted, whatever the provider made of that; with
 * `ModelCallFailed` that is not worth a retry, and without a call, if the request is too large.
 */
export async function callModel(
  provider: ModelProvider,
  request: ModelRequest,
  scope: InvocationScope,
  { stream = false, maxPromptTokens = Infinity }: CallModelOptions = {},
): Promise<ModelResponse> {
  const { signal, key } = scope;
  const atMost = mostOf(request);
  const { inputTokens } = atMost.usage;
  if (inputTokens > maxPromptTokens) throw promptTooLarge(request.actor, inputTokens, maxPromptTokens);
  const { input: _, ...asked } = request;
  return scope.exchange({
    kind: 'model',
    by: provider.name,
    ...(provider.standIn && { standIn: true }),
    request: asked,
    identity: asked,
    atMost,
    perform: async (sent) => {
      const onText = (delta: string): void => scope.partial(delta);
      try {
        return await provider.complete(request, { signal, key, sent, ...(stream && { onText }) });
      } catch (error) {
        throw signal.aborted ? signal.reason : error;
      }
    },
    describe: answeredBy,
    describeFailure: (error) => ({ model: request.model, ...requestIdOf(error) }),
  });
}

function answeredBy({ response, model, usage, requestId }: ModelResponse): Answered {
  return { response, model, ...(usage && { usage }), ...(requestId !== undefined && { requestId }) };
}

function requestIdOf(error: unknown): { requestId?: string } {
  const requestId = error instanceof ModelCallFailed ? error.details['requestId'] : undefined;
  return typeof requestId === 'string' ? { requestId } : {};
}

/** An upper estimate: prose has about four bytes to a token, and hardly any text fewer than two. */
export const bytesPerToken = 2;
/** An image has at most about this many, and so has a page of a PDF with its text. */
const tokensPerPicture = 5_000;
/** A page of a PDF is seldom smaller than this. */
const base64PerPage = 20_000;
const overheadTokens = 500;

/** As it is declared, too: how many tokens it would have had is not known then. */
export function promptTooLarge(actor: string, tokens: number, maxPromptTokens: number): ModelCallFailed {
  return new ModelCallFailed(
    `The model was not asked for \`${actor}\`: the request could have ${tokens} tokens, and its \`maxPromptTokens\` are ${maxPromptTokens}. Put less into its prompt, or raise them.`,
    { details: { kind: 'refused-to-send', retryable: false, tokens, maxPromptTokens } },
  );
}

/** The most tokens that a text has, by its length. */
export function tokensOfText(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / bytesPerToken);
}

/** The most that a call can use; for files it is an estimate. */
export function mostOf({ model, maxTokens, system = '', messages, schema, tools }: ModelRequest): Usage {
  let bytes = Buffer.byteLength(system);
  let fileTokens = 0;
  if (schema) bytes += Buffer.byteLength(JSON.stringify(schema));
  if (tools) bytes += Buffer.byteLength(JSON.stringify(tools));
  for (const { content } of messages) {
    if (typeof content === 'string') bytes += Buffer.byteLength(content);
    else {
      for (const block of content) {
        if (block.type === 'file') fileTokens += fileTokensOf(block);
        else bytes += Buffer.byteLength(JSON.stringify(block));
      }
    }
  }
  const inputTokens = Math.ceil(bytes / bytesPerToken) + fileTokens + overheadTokens;
  return { model, usage: { inputTokens, outputTokens: maxTokens } };
}

function fileTokensOf({ mediaType, source }: Extract<ContentBlock, { readonly type: 'file' }>): number {
  if (mediaType !== 'application/pdf') return tokensPerPicture;
  const pages = 'base64' in source ? Math.ceil(source.base64.length / base64PerPage) : 100;
  return pages * tokensPerPicture;
}
