/**
 * A model behind Anthropic's Messages API: answers by the rules of the stand-in, some late, some not at all, and knows which
 * invocation asked for what.
 */
import { createMessagesServer } from 'signalbox/testing';

import { supportStandIn } from '../../../dist/machines/support-ticket/stand-in.js';
import { setTimeout as pause } from 'node:timers/promises';

import { toldOf } from './workflows.mjs';

export async function startModelEndpoint(random) {
  const calls = [];
  const server = await createMessagesServer({
    async answers({ model, max_tokens: maxTokens, system, messages, output_config: config }, index) {
      const { actor, input, key, pid } = toldOf(system);
      const schema = config?.format?.schema;
      calls.push({
        requestId: `req_local_${index + 1}`,
        actor,
        key,
        pid,
        stage: schema ? 'fields' : 'text',
        at: Date.now(),
      });
      const fault = faultOf(random);
      if (fault) return fault;
      await pause(random.between(20, 300));
      const request = { actor, model, maxTokens, messages, input, ...(schema && { schema }) };
      const { text } = await supportStandIn.complete(request, {
        key,
        sent: () => {},
        signal: new AbortController().signal,
      });
      return { text };
    },
  });
  return {
    calls,
    unexpected: server.unexpected,
    env: { ANTHROPIC_BASE_URL: server.url, ANTHROPIC_API_KEY: '' },
    close: () => server.close(),
  };
}

function faultOf(random) {
  const at = random.next();
  if (at < 0.02) return { status: 529, message: 'Overloaded.' };
  if (at < 0.03) return { status: 429, message: 'Slow down.', headers: { 'retry-after-ms': '150' } };
  if (at < 0.035) return { fault: 'reset' };
  if (at < 0.04) return { fault: 'cut' };
  if (at < 0.045) return { fault: 'hang' };
  return undefined;
}
