/**
 * Errors that a run's own code lets escape: thrown in a timer that an action or actor has started, or rejected where
 * nothing awaits it. They fail the run that the code belongs to, not the process.
 *
 * I1. An error is attributed by the async context that it escapes from, never by guessing.
 * I2. What is not the code of a run is left to the process's own listeners, or to Node's default if it has none.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

import { SignalboxError, UnhandledError } from '../errors.ts';

/** A call of code that belongs to a run: an action, or an actor's invocation. */
export interface UserCode {
  readonly runId: string;
  /** Of the actor. */
  readonly path: string;
  /** It has returned or settled: nothing it throws reaches its caller any more. */
  isOver: boolean;
  /** The run fails with this error. */
  fail(error: Error): void;
}

const running = new AsyncLocalStorage<UserCode>();

export function runUserCode<T>(code: UserCode, fn: () => T): T {
  return running.run(code, fn);
}

let watchers = 0;

/** Attribute escaped errors from now on. Returns the way to stop. */
export function watchEscapes(): () => void {
  let isWatching = true;
  if (watchers++ === 0) listen();
  return () => {
    if (!isWatching) return;
    isWatching = false;
    if (--watchers === 0) unlisten();
  };
}

function listen(): void {
  process.on('uncaughtException', onException);
  process.on('unhandledRejection', onRejection);
}

function unlisten(): void {
  process.off('uncaughtException', onException);
  process.off('unhandledRejection', onRejection);
}

function onException(error: unknown): void {
  if (isAttributed(error) || process.listenerCount('uncaughtException') > 1) return;
  unlisten();
  process.nextTick(() => {
    throw error;
  });
}

function onRejection(reason: unknown): void {
  if (isAttributed(reason) || process.listenerCount('unhandledRejection') > 1) return;
  unlisten();
  void Promise.reject(reason);
  // Reached only if Node was told to do no more than warn of it.
  setImmediate(() => {
    if (watchers > 0) listen();
  });
}

function isAttributed(error: unknown): boolean {
  const code = running.getStore();
  code?.fail(escaped(code, error));
  return code !== undefined;
}

function escaped({ runId, path }: UserCode, cause: unknown): Error {
  if (cause instanceof SignalboxError && cause.code === 'DETACHED_ACTOR') return cause;
  const why = cause instanceof Error ? cause.message : String(cause);
  return new UnhandledError(
    `Code of \`${path || 'the root'}\` of run \`${runId}\` threw where nothing awaits it: ${why}`,
    { cause, details: { runId, path } },
  );
}
