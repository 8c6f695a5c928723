/**
 * The Messages server in a process of its own: it outlives the workers that a test kills, and a benchmark does not pay for
 * its work.
 *
 * I1. The process ends with `close`, or with the process that started it, however that ends.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

import { InvalidOption } from '../../errors.ts';
import type { ScriptedAnswer } from './answers.ts';
import type { MessagesRequest } from './request.ts';

export interface MessagesServerProcessOptions {
  /** One answer for each request in turn. Give this, or `script`. */
  readonly answers?: readonly ScriptedAnswer[];
  /** A module in JavaScript whose default export is a `Script`, or a list of answers. */
  readonly script?: URL;
  /** How many requests are kept, the first ones. Default: all. */
  readonly keep?: number;
}

export interface MessagesServerProcess {
  readonly url: string;
  readonly pid: number;
  /** What has come to the server so far. Rejects if the process has ended. */
  seen(): Promise<MessagesServerSeen>;
  /** End the process, and wait until it has. */
  close(): Promise<void>;
}

/** As the fields of `MessagesServer`. */
export interface MessagesServerSeen {
  readonly received: number;
  readonly requests: readonly MessagesRequest[];
  readonly unexpected: readonly string[];
}

/** What the process says. */
export type ProcessMessage =
  | { readonly type: 'listening'; readonly url: string }
  | { readonly type: 'failed'; readonly reason: string }
  | { readonly type: 'seen'; readonly question: number; readonly seen: MessagesServerSeen };

/** What it is told. */
export type ProcessOrder =
  | { readonly type: 'serve'; readonly options: MessagesServerProcessOrder }
  | { readonly type: 'see'; readonly question: number };

export interface MessagesServerProcessOrder extends Omit<MessagesServerProcessOptions, 'script'> {
  /** A URL as text. */
  readonly script?: string;
}

/**
 * Start a Messages server in a child process, from the built package. Workers reach it by its `url`; the process that
 * started it asks what it has seen, so it counts what was paid, whoever was killed on the way.
 *
 * Rejects with `INVALID_OPTION` if there are no answers or the script cannot be loaded.
 *
 * @example
 * ```ts
 * const server = await startMessagesServerProcess({ script: new URL('./answers.mjs', import.meta.url) });
 * const worker = fork('worker.mjs', { env: { ...process.env, ANTHROPIC_BASE_URL: server.url } });
 * // ... the worker is killed, another one goes on ...
 * expect((await server.seen()).received).toBe(100);
 * await server.close();
 * ```
 */
export async function startMessagesServerProcess({
  script,
  ...options
}: MessagesServerProcessOptions): Promise<MessagesServerProcess> {
  if ((script === undefined) === (options.answers === undefined)) {
    throw new InvalidOption('Expected `answers` or `script` of the messages server, and not both.');
  }
  // Whatever this process was started with is not for it.
  const child = fork(fileURLToPath(new URL('./process-main.js', import.meta.url)), {
    execArgv: [],
    env: { ...process.env, NODE_OPTIONS: '' },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const { hear, ended } = conversation(child);
  child.send({
    type: 'serve',
    options: { ...options, ...(script && { script: script.href }) },
  } satisfies ProcessOrder);
  const answer = await hear((message) => message.type === 'listening' || message.type === 'failed');
  if (answer.type !== 'listening') {
    await ended;
    const reason = answer.type === 'failed' ? answer.reason : answer.type;
    throw new InvalidOption(`The messages server could not be started: ${reason}`);
  }

  let questions = 0;
  return {
    url: answer.url,
    pid: child.pid as number,
    seen: async () => {
      const question = ++questions;
      if (child.connected) child.send({ type: 'see', question } satisfies ProcessOrder);
      const told = await hear((message) => message.type === 'seen' && message.question === question);
      return (told as Extract<ProcessMessage, { readonly type: 'seen' }>).seen;
    },
    close: async () => {
      // It ends when its channel does.
      if (child.connected) child.disconnect();
      await ended;
    },
  };
}

interface Conversation {
  /** The next message of that kind. Rejects if the process ends before. */
  hear(wanted: (message: ProcessMessage) => boolean): Promise<ProcessMessage>;
  readonly ended: Promise<unknown>;
}

function conversation(child: ChildProcess): Conversation {
  const ended = once(child, 'exit');
  let over = false;
  child.once('exit', () => (over = true));
  return {
    ended,
    hear: (wanted) =>
      new Promise((resolve, reject) => {
        const finish = (settle: () => void): void => {
          child.off('message', onMessage);
          child.off('exit', onEnd);
          settle();
        };
        const onMessage = (message: unknown): void => {
          if (wanted(message as ProcessMessage)) finish(() => resolve(message as ProcessMessage));
        };
        const onEnd = (): void => finish(() => reject(new Error('The messages server has ended.')));
        child.on('message', onMessage);
        child.on('exit', onEnd);
        if (over) onEnd();
      }),
  };
}
