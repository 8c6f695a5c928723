/**
 * `mcpServer`: a server of the Model Context Protocol, as a process of ours or over HTTP, shared by all actors that call
 * its tools.
 *
 * I1. There is at most one connection that new calls go to, made by the first that needs it, and made anew once it is lost.
 * I2. A tool that is not on the allow-list is never called.
 * I3. A call is sent twice only if the first did not reach the server, or was refused for a session that it no longer knows.
 */
import { McpCallFailed, McpToolMismatch, type Issue } from '../../errors.ts';
import { assertOption, isName } from '../option.ts';
import { untilAborted } from '../../engine/until-aborted.ts';
import { isWebAddress } from './address.ts';
import { someCallFailures } from './call-failure.ts';
import type {
  JsonObject,
  McpAddress,
  McpConnection,
  McpHeaders,
  McpStdio,
  McpTarget,
  McpTool,
} from './connection.ts';
import { connectToMcp } from './sdk-connection.ts';
import { contractIssues, mismatch, toolMissing, type McpContract } from './tool-contract.ts';
import type { McpResult } from './tool-result.ts';

export type McpServerOptions = McpProcessOptions | McpUrlOptions;

/** A server that is started as a process. */
export interface McpProcessOptions extends McpCommonOptions {
  readonly stdio: McpStdio;
  readonly url?: never;
  readonly headers?: never;
}

/** A server that is reached over streamable HTTP. */
export interface McpUrlOptions extends McpCommonOptions {
  /**
   * A function is asked at each connect, so that the address may be known late, or change: a call that does not reach the
   * server connects anew. If it throws, or gives no http or https URL, the call rejects with `MCP_CALL_FAILED`.
   */
  readonly url: string | URL | McpAddress;
  readonly headers?: McpHeaders;
  readonly stdio?: never;
}

export interface McpCommonOptions {
  /** Shown to people, and on record. */
  readonly name: string;
  /** The tools that may be called. Default: all that the server has. */
  readonly allow?: readonly string[];
  /**
   * How long to wait for the connection, and for an answer to a call; each sign of progress that the server gives starts
   * it anew. In milliseconds. Default: 60 seconds.
   */
  readonly timeoutMs?: number;
}

export interface McpServer {
  readonly name: string;
  readonly allow: readonly string[] | undefined;
  /** One of each kind of `MCP_CALL_FAILED` that a call may reject with. */
  readonly callFailures: readonly McpCallFailed[];
  /** How long `call` takes at most, in milliseconds, if the server does not put off its answer with signs of progress. */
  readonly longestCallMs: number;
  /** The server's tools that are allowed. Rejects with `MCP_CALL_FAILED`. */
  tools(): Promise<readonly McpTool[]>;
  /**
   * Call a tool. Rejects with `MCP_CALL_FAILED`, with `MCP_TOOL_MISMATCH` if there is no such tool or the contract does
   * not fit, or with the reason of the signal. What a tool says of its own failure is a result, with `isError`.
   */
  call(tool: string, args: JsonObject, options?: McpCallOptions): Promise<McpResult>;
  /**
   * Connect, and hold every actor made for this server against the tools that it has: at startup this finds what else
   * the first call would. Rejects with `MCP_TOOL_MISMATCH`, which lists everything that does not fit.
   */
  check(): Promise<void>;
  /** Have `check` hold the contract against the server's tools too. Each actor does this for itself. */
  expect(contract: McpContract): void;
  /**
   * End the server's process, or the session. Calls in flight fail, so stop the engine first. A later call connects
   * again.
   */
  close(): Promise<void>;
}

export interface McpCallOptions {
  /** Aborting it calls the tool off on the server too. */
  readonly signal?: AbortSignal;
  /** Sent beside the arguments, as the request's `_meta`. */
  readonly meta?: JsonObject;
  /** Held against the tool before the first call on each connection. */
  readonly contract?: McpContract;
  /** Called right before the request goes out: from then on the tool may act. */
  readonly onSend?: () => void;
}

const DEFAULT_TIMEOUT_MS = 60_000;

/** The largest delay that a timer can have. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** By these a server says that it does not know the session, and so has not performed the call. */
const SESSION_LOST: ReadonlySet<unknown> = new Set([400, 404]);

type Phase =
  | { readonly is: 'idle' }
  | {
      readonly is: 'connecting';
      readonly connection: Promise<McpConnection>;
      readonly giveUp: AbortController;
    }
  | { readonly is: 'open'; readonly connection: McpConnection; readonly fits: Set<McpContract> };

/**
 * A handle to an MCP server, for `fromMcp` and `mcpTools`. It connects when it is first used and keeps one connection per
 * process; a lost one is made anew with the next call. It does not keep the process alive while no call is under way.
 *
 * A server started as a process gets a few safe variables of the environment and those in `env`, nothing else. Its
 * standard error is not printed; the last lines of it stand in errors.
 *
 * Needs `@modelcontextprotocol/client`.
 *
 * @example
 * ```ts
 * const files = mcpServer({
 *   name: 'files',
 *   stdio: { command: 'npx', args: ['-y', '@modelcontextprotocol/server-filesystem', '/srv/documents'] },
 *   allow: ['read_text_file', 'list_directory'],
 * });
 * const crm = mcpServer({ name: 'crm', url: 'https://crm.example/mcp', headers: { authorization: `Bearer ${token}` } });
 * const drafts = mcpServer({ name: 'drafts', url: () => `${process.env.SERVICES_URL}/drafts` });
 *
 * await files.check();
 * // ... later, after `engine.stop()`:
 * await files.close();
 * ```
 */
export function mcpServer(options: McpServerOptions): McpServer {
  const target = targetOf(options);
  const { name } = target;
  const { allow } = options;
  const mayMove = typeof target.http?.url === 'function';
  const expected = new Set<McpContract>();
  let phase: Phase = { is: 'idle' };

  const isAllowed = (tool: string) => !allow || allow.includes(tool);

  async function connected(): Promise<McpConnection> {
    if (phase.is === 'open' && !phase.connection.ended) return phase.connection;
    if (phase.is === 'connecting') return phase.connection;
    const giveUp = new AbortController();
    const connecting: Phase = { is: 'connecting', connection: connectToMcp(target, giveUp.signal), giveUp };
    phase = connecting;
    try {
      const connection = await connecting.connection;
      // `close` may have come in between.
      if (phase === connecting) phase = { is: 'open', connection, fits: new Set() };
      return connection;
    } catch (error) {
      if (phase === connecting) phase = { is: 'idle' };
      throw error;
    }
  }

  async function using<T>(
    work: (connection: McpConnection) => Promise<T>,
    signal: AbortSignal = new AbortController().signal,
  ): Promise<T> {
    signal.throwIfAborted();
    const used = phase.is === 'open' && !phase.connection.ended ? phase.connection : undefined;
    try {
      return await work(used ?? (await untilAborted(connected(), signal)));
    } catch (error) {
      if (!used || !(isSessionLost(error) || (mayMove && isConnectionLost(error)))) throw error;
      if (phase.is === 'open' && phase.connection === used) phase = { is: 'idle' };
      used.closeWhenUnused();
      if (mayHaveActed(error)) throw error;
      return work(await untilAborted(connected(), signal));
    }
  }

  async function fittingTool(
    connection: McpConnection,
    tool: string,
    contract?: McpContract,
  ): Promise<McpTool> {
    const tools = await connection.tools();
    const found = tools.find((candidate) => candidate.name === tool);
    if (!found)
      throw toolMissing(
        name,
        tool,
        tools.filter((other) => isAllowed(other.name)),
      );
    const fits = phase.is === 'open' && phase.connection === connection ? phase.fits : undefined;
    if (contract && !fits?.has(contract)) {
      const issues = contractIssues(contract, found);
      if (issues.length > 0) throw mismatch(name, tool, issues);
      fits?.add(contract);
    }
    return found;
  }

  return {
    name,
    allow,
    callFailures: someCallFailures(name, target.http !== undefined),
    longestCallMs: longestStepsOf(target) * target.timeoutMs,
    tools: () =>
      using(async (connection) => (await connection.tools()).filter((tool) => isAllowed(tool.name))),
    call: async (tool, args, { signal = new AbortController().signal, meta, contract, onSend } = {}) => {
      assertAllowed({ name, allow }, tool);
      return using(async (connection) => {
        const found = await untilAborted(fittingTool(connection, tool, contract), signal);
        return connection.call(found, args, { signal, meta, onSend });
      }, signal);
    },
    check: () =>
      using(async (connection) => {
        const failed: McpToolMismatch[] = [];
        const missing = (allow ?? []).map((tool): McpContract => ({ tool }));
        for (const contract of [...missing, ...expected]) {
          try {
            await fittingTool(connection, contract.tool, contract);
          } catch (error) {
            if (!(error instanceof McpToolMismatch)) throw error;
            if (!failed.some(({ message }) => message === error.message)) failed.push(error);
          }
        }
        if (failed.length > 0) throw allOf(name, failed);
      }),
    expect: (contract) => void expected.add(contract),
    close: async () => {
      const last = phase;
      phase = { is: 'idle' };
      if (last.is === 'open') await last.connection.close();
      if (last.is !== 'connecting') return;
      last.giveUp.abort();
      // It may have connected just before.
      await last.connection.then((connection) => connection.close()).catch(() => {});
    },
  };
}

/** How many steps a call may take, each of which has its time: to ask a connection that is lost, then to connect anew. */
function longestStepsOf({ http }: McpTarget): number {
  const asked = 2; // For its tools, and to call one.
  // By the newer protocol, then by the older; a process is asked by the older one first.
  const connected = http ? 2 : 3;
  const located = typeof http?.url === 'function' ? 1 : 0;
  return (http ? asked : 0) + located + connected + asked;
}

/** Refuses a tool that is not on the server's allow-list. */
export function assertAllowed({ name, allow }: Pick<McpServer, 'name' | 'allow'>, tool: string): void {
  assertOption(
    !allow || allow.includes(tool),
    'tool',
    `a call to MCP server \`${name}\``,
    `one that its \`allow\` names (${allow?.join(', ') || 'none'})`,
    tool,
  );
}

function isSessionLost(error: unknown): boolean {
  return error instanceof McpCallFailed && SESSION_LOST.has(error.details['status']);
}

function isConnectionLost(error: unknown): boolean {
  return error instanceof McpCallFailed && error.details['kind'] === 'connection';
}

function mayHaveActed(error: unknown): boolean {
  return error instanceof McpCallFailed && error.details['mayHaveActed'] === true;
}

function allOf(server: string, failed: readonly McpToolMismatch[]): McpToolMismatch {
  const [first, ...others] = failed;
  if (first && others.length === 0) return first;
  const issues = failed.flatMap(({ details }) => details['issues'] as readonly Issue[]);
  const tools = failed.map(({ details }) => details['tool']);
  return new McpToolMismatch(failed.map(({ message }) => message).join(' '), {
    details: { server, tools, issues },
  });
}

function targetOf({
  name,
  stdio,
  url,
  headers,
  allow,
  timeoutMs = DEFAULT_TIMEOUT_MS,
}: McpServerOptions): McpTarget {
  assertOption(isName(name), 'name', 'an MCP server', 'a non-empty string', name);
  const assert = (holds: boolean, option: string, expected: string, got: unknown) =>
    assertOption(holds, option, `MCP server \`${name}\``, expected, got);
  assert(
    !allow || (Array.isArray(allow) && allow.every(isName)),
    'allow',
    'an array of names of tools',
    allow,
  );
  const inTime = Number.isInteger(timeoutMs) && timeoutMs > 0 && timeoutMs <= MAX_TIMEOUT_MS;
  assert(inTime, 'timeoutMs', `a positive integer up to ${MAX_TIMEOUT_MS}`, timeoutMs);
  assert(
    (stdio === undefined) !== (url === undefined),
    'stdio',
    'given if `url` is not, and the other way round',
    stdio,
  );

  if (stdio) {
    const { command, args = [], env = {}, cwd } = stdio;
    assert(isName(command), 'stdio.command', 'a non-empty string', command);
    assert(Array.isArray(args) && args.every(isText), 'stdio.args', 'an array of strings', args);
    assert(cwd === undefined || isName(cwd), 'stdio.cwd', 'a path', cwd);
    for (const [variable, value] of Object.entries(env))
      assert(isText(value), `stdio.env.${variable}`, 'a string', value);
    return { name, timeoutMs, stdio };
  }
  const address = typeof url === 'function' ? url : String(url);
  assert(typeof address === 'function' || isWebAddress(address), 'url', 'an http or https URL', address);
  if (typeof headers !== 'function') {
    // The value may be a secret, so it is not shown.
    for (const [header, value] of Object.entries(headers ?? {})) {
      assert(isText(value), `headers.${header}`, 'a string', typeof value);
    }
  }
  return { name, timeoutMs, http: { url: typeof url === 'function' ? url : new URL(url), headers } };
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}
