/**
 * A connection to an MCP server through the official SDK.
 *
 * The only file that knows the SDK. It is an optional peer dependency, so it is loaded with the first connection, and
 * nothing of it is in the types given out.
 *
 * I1. A call that was aborted, or took too long, is called off on the server too.
 * I2. While no call is under way the connection does not keep this process alive.
 * I3. What the SDK throws leaves here as `McpCallFailed`, or as the reason of the caller's own signal.
 */
import type { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import type { StdioClientTransport } from '@modelcontextprotocol/client/stdio';

import { InvalidOption } from '../../errors.ts';
import { plainError } from '../../plain-error.ts';
import { addressOf } from './address.ts';
import { callFailures, STREAM_ENDED, type CallFailures } from './call-failure.ts';
import type { ConnectionCall, JsonObject, McpConnection, McpHttp, McpTarget, McpTool } from './connection.ts';
import { httpFetch } from './http-fetch.ts';
import { processSpawnedBy, type ServerProcess } from './server-process.ts';
import type { McpContent, McpResult } from './tool-result.ts';

/** How long a server may take to end its session. */
const FAREWELL_MS = 2_000;

/** Codes by which a server says that it knows no protocol older than that of 2026. */
const UNSUPPORTED_PROTOCOL: ReadonlySet<unknown> = new Set([-32022, -32601]);

/** Shorter ones are no secrets, and hiding them would tear words apart. */
const SHORTEST_SECRET = 8;

type Sdk = typeof import('@modelcontextprotocol/client') &
  typeof import('@modelcontextprotocol/client/stdio');

/** A transport, and what it takes to tell of it and to end it. */
interface Line {
  readonly transport: StdioClientTransport | StreamableHTTPClientTransport;
  readonly negotiation: 'legacy' | 'auto';
  /** Once it was started. */
  spawned?: ServerProcess | undefined;
  /** Tell the server that this is the end. */
  farewell?(): Promise<void>;
}

/** Aborting the signal gives up connecting, and ends what was started for it. */
export async function connectToMcp(given: McpTarget, signal: AbortSignal): Promise<McpConnection> {
  const sdk = await loadSdk();
  const { timeoutMs } = given;
  const failures = callFailures(given.name, timeoutMs, hidingSecretsOf(given));
  const target: Target = { ...given, http: given.http && (await located(given.http, given, signal)) };
  let line = lineTo(target, sdk, failures);
  try {
    return connection(await opened(sdk, line, timeoutMs, signal), line, timeoutMs, failures);
  } catch (error) {
    if (
      signal.aborted ||
      line.negotiation === 'auto' ||
      !UNSUPPORTED_PROTOCOL.has((error as { code?: unknown }).code)
    ) {
      throw notConnected(error, line, failures);
    }
  }
  line = { ...lineTo(target, sdk, failures), negotiation: 'auto' };
  try {
    return connection(await opened(sdk, line, timeoutMs, signal), line, timeoutMs, failures);
  } catch (error) {
    throw notConnected(error, line, failures);
  }
}

/** A target whose address is known. */
type Target = Omit<McpTarget, 'http'> & { readonly http: LocatedHttp | undefined };
type LocatedHttp = Omit<McpHttp, 'url'> & { readonly url: URL };

async function located(http: McpHttp, target: McpTarget, signal: AbortSignal): Promise<LocatedHttp> {
  return { ...http, url: await addressOf(http.url, target, signal) };
}

async function loadSdk(): Promise<Sdk> {
  try {
    const [client, stdio] = await Promise.all([
      import('@modelcontextprotocol/client'),
      import('@modelcontextprotocol/client/stdio'),
    ]);
    return { ...client, ...stdio };
  } catch (cause) {
    throw new InvalidOption(
      'Connecting to an MCP server needs the SDK, which could not be loaded. Install it with `npm install @modelcontextprotocol/client`.',
      { cause: plainError(cause) },
    );
  }
}

function lineTo(target: Target, sdk: Sdk, failures: CallFailures): Line {
  const { stdio, http } = target;
  if (http) {
    const transport = new sdk.StreamableHTTPClientTransport(http.url, {
      fetch: httpFetch(http, failures.http),
    });
    failCallsCutOff(transport);
    return { transport, negotiation: 'auto', farewell: () => transport.terminateSession() };
  }
  const { command, args = [], env = {}, cwd } = stdio ?? { command: '' };
  const transport = new sdk.StdioClientTransport({
    command,
    args: [...args],
    env: { ...env },
    stderr: 'pipe',
    ...(cwd !== undefined && { cwd }),
  });
  // It is read from the process itself; unread, this copy would block the server.
  (transport.stderr as NodeJS.ReadableStream | null)?.resume();
  // To ask for the newer protocol first means to start the server twice. Most speak the older one too.
  const line: Line = { transport, negotiation: 'legacy' };
  const start = transport.start.bind(transport);
  transport.start = () => {
    const { started, spawned } = processSpawnedBy(start);
    line.spawned = spawned;
    return started;
  };
  return line;
}

/** A call whose stream of answers ended without one would wait until it is too late, so it is answered from here. */
function failCallsCutOff(transport: StreamableHTTPClientTransport): void {
  const send = transport.send.bind(transport);
  transport.send = (message, options) => {
    const onRequestStreamEnd = () => {
      if (Array.isArray(message) || !('id' in message) || message.id === undefined) return;
      const { id } = message;
      transport.onmessage?.({ jsonrpc: '2.0', id, error: { code: 0, message: STREAM_ENDED } });
    };
    return send(message, { ...options, onRequestStreamEnd });
  };
}

async function opened(sdk: Sdk, line: Line, timeoutMs: number, signal: AbortSignal): Promise<Client> {
  const client = new sdk.Client(
    { name: 'signalbox', version: '1' },
    { versionNegotiation: { mode: line.negotiation } },
  );
  let ending: Promise<void> | undefined;
  const end = () => void (ending ??= line.transport.close().catch(() => {}));
  signal.addEventListener('abort', end);
  try {
    signal.throwIfAborted();
    await client.connect(line.transport, { timeout: timeoutMs });
    signal.throwIfAborted();
    return client;
  } catch (error) {
    end();
    await ending;
    throw error;
  } finally {
    signal.removeEventListener('abort', end);
  }
}

function notConnected(error: unknown, line: Line, failures: CallFailures): Error {
  const failed = failures.of(error, noteOn(line));
  // The tool was not called yet, whatever the failure alone would allow.
  return Object.assign(failed, { details: { ...failed.details, mayHaveActed: false } });
}

function connection(client: Client, line: Line, timeoutMs: number, failures: CallFailures): McpConnection {
  let ended = false;
  let underway = 0;
  let closing: Promise<void> | undefined;
  let closesWhenUnused = false;
  let listing: Promise<readonly McpTool[]> | undefined;
  let problem: { readonly at: number; readonly message: string } | undefined;

  client.onclose = () => (ended = true);
  client.onerror = ({ message }) => {
    // Streams of calls that were answered end too.
    if (!message.includes(STREAM_ENDED)) problem = { at: performance.now(), message };
  };
  client.setNotificationHandler('notifications/tools/list_changed', () => (listing = undefined));
  line.spawned?.release();

  async function using<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    if (ended)
      throw failures.connection('the connection was lost before the call was sent', false, noteOn(line));
    const since = performance.now();
    if (underway++ === 0) line.spawned?.hold();
    try {
      return await work();
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      const seen =
        problem && problem.at >= since ? `On the connection: ${problem.message.slice(0, 300)}.` : '';
      throw failures.of(error, [noteOn(line), seen].filter(Boolean).join(' '));
    } finally {
      if (--underway === 0) {
        if (closesWhenUnused) closeUnwatched();
        else if (!closing) line.spawned?.release();
      }
    }
  }

  async function tools(): Promise<readonly McpTool[]> {
    // The SDK writes to the console if asked for tools of a server that has none.
    if (!client.getServerCapabilities()?.tools) return [];
    const { tools: listed } = await client.listTools(undefined, { timeout: timeoutMs, cacheMode: 'refresh' });
    return listed.map(({ name, description, inputSchema, outputSchema }) => ({
      name,
      ...(description !== undefined && { description }),
      inputSchema,
      ...(outputSchema !== undefined && { outputSchema: outputSchema as JsonObject }),
    }));
  }

  async function call(
    tool: McpTool,
    args: JsonObject,
    { signal, meta, onSend }: ConnectionCall,
  ): Promise<McpResult> {
    const params = { name: tool.name, arguments: { ...args }, ...(meta && { _meta: { ...meta } }) };
    const result = client.callTool(params, {
      signal,
      timeout: timeoutMs,
      resetTimeoutOnProgress: true,
      // Without it the server is not asked to tell of progress.
      onprogress: () => {},
      // Without the output schema: the actor's own judges the result.
      toolDefinition: { name: tool.name, inputSchema: tool.inputSchema as { type: 'object' } },
    });
    onSend?.();
    return plainResult(await result);
  }

  function closeUnwatched(): void {
    close().catch(() => {});
  }

  function close(): Promise<void> {
    closing ??= (async () => {
      ended = true;
      // Until it has ended, so that whoever waits for that is not left waiting.
      line.spawned?.hold();
      if (line.farewell) await within(FAREWELL_MS, line.farewell());
      await client.close();
    })();
    return closing;
  }

  return {
    get ended() {
      return ended;
    },
    tools: () => {
      if (!listing) {
        const asked = using(tools);
        listing = asked;
        asked.catch(() => {
          if (listing === asked) listing = undefined;
        });
      }
      return listing;
    },
    call: (tool, args, options) => using(() => call(tool, args, options), options.signal),
    close,
    closeWhenUnused: () => {
      closesWhenUnused = true;
      if (underway === 0) closeUnwatched();
    },
  };
}

/** How the server's process ended, and its last words. */
function noteOn({ spawned }: Line): string {
  if (!spawned) return '';
  const ending = spawned.ending();
  const words = spawned.lastWords();
  return [ending && `Its process ${ending}.`, words && `The last lines of its standard error:\n${words}`]
    .filter(Boolean)
    .join(' ');
}

function plainResult({ content, structuredContent, isError }: PlainResult): McpResult {
  const plain = JSON.parse(JSON.stringify({ content, structuredContent })) as {
    content: McpContent[];
    structuredContent?: unknown;
  };
  return { ...plain, ...(isError && { isError }) };
}

type PlainResult = Awaited<ReturnType<Client['callTool']>>;

async function within(ms: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)));
  await Promise.race([work.catch(() => {}), late]);
  clearTimeout(timer);
}

/** Servers are known to quote what they were given when they complain of it. */
function hidingSecretsOf({ stdio, http }: McpTarget): (text: string) => string {
  const headers = typeof http?.headers === 'function' ? [] : Object.values(http?.headers ?? {});
  // `Bearer abc` may be quoted without its first word.
  const words = [
    ...Object.values(stdio?.env ?? {}),
    ...headers,
    ...headers.flatMap((value) => value.split(' ')),
  ];
  const secrets = words
    .filter(({ length }) => length >= SHORTEST_SECRET)
    .toSorted((a, b) => b.length - a.length);
  return (text) => secrets.reduce((shown, secret) => shown.replaceAll(secret, '[hidden]'), text);
}
