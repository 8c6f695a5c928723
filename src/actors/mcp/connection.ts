/** What is asked of a connection to an MCP server. The one that is used is in `sdk-connection.ts`. */
import type { JsonSchema } from '../providers/provider.ts';
import type { McpResult } from './tool-result.ts';

/** A tool as its server describes it. */
export interface McpTool {
  readonly name: string;
  readonly description?: string;
  readonly inputSchema: JsonSchema;
  readonly outputSchema?: JsonSchema;
}

/** Where the server is, and how long to wait for it. */
export interface McpTarget {
  /** Of the server, for people. */
  readonly name: string;
  readonly stdio?: McpStdio | undefined;
  readonly http?: McpHttp | undefined;
  readonly timeoutMs: number;
}

/** A program that speaks MCP over its standard input and output. */
export interface McpStdio {
  readonly command: string;
  readonly args?: readonly string[];
  /**
   * Added to the few variables that the program gets anyway: those that it needs to start (`PATH`, `HOME`, `USER`, ...).
   * It gets nothing else of this process's environment, so name here what it must have.
   */
  readonly env?: Readonly<Record<string, string>>;
  /** Default: this process's. */
  readonly cwd?: string;
}

export interface McpHttp {
  readonly url: URL | McpAddress;
  readonly headers?: McpHeaders | undefined;
}

/** Asked at each connect, for servers whose address is known late, or changes. */
export type McpAddress = () => string | URL | Promise<string | URL>;

/** Sent with every request. A function is asked each time, for tokens that expire. */
export type McpHeaders =
  | Readonly<Record<string, string>>
  | (() => Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>);

export interface McpConnection {
  /** True once it can take no more calls. */
  readonly ended: boolean;
  /** Asked of the server once, and again when it says that they changed. */
  tools(): Promise<readonly McpTool[]>;
  call(tool: McpTool, args: JsonObject, options: ConnectionCall): Promise<McpResult>;
  /** Ends the server's process, or its session. Calls in flight fail. */
  close(): Promise<void>;
  /** As `close`, once the calls in flight have ended. */
  closeWhenUnused(): void;
}

export type JsonObject = Readonly<Record<string, unknown>>;

export interface ConnectionCall {
  /** Aborting it tells the server to stop too, and rejects with its reason. */
  readonly signal: AbortSignal;
  /** Sent as `_meta`. */
  readonly meta?: JsonObject | undefined;
  /** Called right before the request goes out: from then on the tool may act. */
  readonly onSend?: (() => void) | undefined;
}
