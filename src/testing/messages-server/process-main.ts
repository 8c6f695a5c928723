/** What `startMessagesServerProcess` starts: serves as it is told, until its channel closes. */
import { createMessagesServer, type MessagesServer, type MessagesServerOptions } from './index.ts';
import type { MessagesServerProcessOrder, ProcessMessage, ProcessOrder } from './messages-server-process.ts';

let server: MessagesServer | undefined;

process.on('message', (order: ProcessOrder) => void obey(order));
process.on('disconnect', () => process.exit());

async function obey(order: ProcessOrder): Promise<void> {
  if (order.type === 'serve') {
    try {
      server = await createMessagesServer(await optionsOf(order.options));
      say({ type: 'listening', url: server.url });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      say({ type: 'failed', reason }, () => process.disconnect());
    }
    return;
  }
  const { received = 0, requests = [], unexpected = [] } = server ?? {};
  say({ type: 'seen', question: order.question, seen: { received, requests, unexpected } });
}

async function optionsOf({
  answers = [],
  script,
  ...rest
}: MessagesServerProcessOrder): Promise<MessagesServerOptions> {
  if (script === undefined) return { answers, ...rest };
  const module = (await import(script)) as { readonly default?: unknown };
  const scripted = module.default;
  if (typeof scripted !== 'function' && !Array.isArray(scripted)) {
    throw new TypeError(
      `Expected the default export of ${script} to be a function or a list of answers, got \`${typeof scripted}\`.`,
    );
  }
  return { answers: scripted as MessagesServerOptions['answers'], ...rest };
}

function say(message: ProcessMessage, said?: () => void): void {
  process.send?.(message, undefined, {}, said);
}
