/** Hears of messages and published texts through a connection of its own, which is there only while there are listeners. */
import type { ClientSource, RedisClient } from './clients.ts';

type Listener = (text: string) => void;

export interface Subscriptions {
  /** Returns the way to stop. */
  add(channel: string, listener: Listener): () => void;
  /** Resolves once Redis knows of all channels, or does not answer. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

export function createSubscriptions(source: ClientSource): Subscriptions {
  const channels = new Map<string, Set<Listener>>();
  const pending = new Set<Promise<void>>();
  let subscriber: RedisClient | undefined;

  function connect(): RedisClient {
    const made = source.connectSubscriber();
    // ioredis reconnects. Messages published meanwhile are found by `due` and `renew`.
    made.on('error', () => {});
    made.on('message', (channel: string, text: string) => {
      for (const listener of channels.get(channel) ?? []) listener(text);
    });
    return made;
  }

  function wait(work: Promise<unknown>): void {
    const over: Promise<void> = work.then(
      () => void pending.delete(over),
      () => void pending.delete(over),
    );
    pending.add(over);
  }

  function remove(channel: string): void {
    channels.delete(channel);
    if (!subscriber) return;
    if (channels.size > 0) return wait(subscriber.unsubscribe(channel));
    wait(source.end(subscriber));
    subscriber = undefined;
  }

  return {
    add(channel, listener) {
      // A function of its own, so that the same listener can be added twice.
      const own: Listener = (text) => listener(text);
      const listeners = channels.get(channel);
      if (listeners) {
        listeners.add(own);
      } else {
        channels.set(channel, new Set([own]));
        subscriber ??= connect();
        wait(subscriber.subscribe(channel));
      }
      return () => {
        const current = channels.get(channel);
        if (current?.delete(own) && current.size === 0) remove(channel);
      };
    },
    async settled() {
      await Promise.all(pending);
    },
    async close() {
      for (const channel of channels.keys()) remove(channel);
      await Promise.all(pending);
    },
  };
}
