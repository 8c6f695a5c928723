/** Hears of messages through a connection of its own, which is there only while there are listeners. */
import { disconnect, type ClientSource, type RedisClient } from './clients.ts';

export interface MailWatch {
  add(listener: (runId: string) => void): () => void;
  stop(): Promise<void>;
}

export function createMailWatch(source: ClientSource, channel: string): MailWatch {
  const listeners = new Set<(runId: string) => void>();
  const ending = new Set<Promise<void>>();
  let subscriber: RedisClient | undefined;

  function start(): void {
    subscriber = source.connectSubscriber();
    // It connects again by itself, and `due` tells of what was missed meanwhile.
    subscriber.on('error', () => {});
    subscriber.on('message', (_channel: string, runId: string) => {
      for (const listener of listeners) listener(runId);
    });
    subscriber.subscribe(channel).catch(() => {});
  }

  function stopIfIdle(): void {
    if (listeners.size > 0 || !subscriber) return;
    const ended = disconnect(subscriber).finally(() => ending.delete(ended));
    ending.add(ended);
    subscriber = undefined;
  }

  return {
    add(listener) {
      // A function of its own, so that the same listener can watch twice.
      const watcher = (runId: string): void => listener(runId);
      listeners.add(watcher);
      if (!subscriber) start();
      return () => {
        listeners.delete(watcher);
        stopIfIdle();
      };
    },
    async stop() {
      listeners.clear();
      stopIfIdle();
      await Promise.all(ending);
    },
  };
}
