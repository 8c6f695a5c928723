/**
 * What other processes have written that this one wants to hear of: messages sent to runs, and published text. Owns
 * the one timer that looks.
 *
 * Every `pollMs` it asks SQLite whether another connection has written, which touches no disk, and reads on only if one
 * has. Only while there are listeners; the timer keeps no process alive.
 */
import { readNumber, readText } from './checksum.ts';
import { isBusy, type Connection } from './connection.ts';
import { createListeners } from './listeners.ts';
import { readPublished } from './published.ts';

export interface NewsOptions {
  readonly pollMs: number;
  /** Names this connection's own texts, which are told without the file. */
  readonly sender: string;
  /** Called at each look. */
  check(): void;
  /** Told of what keeps the news from being read. */
  onFailure(error: unknown): void;
}

export interface News {
  watch(listener: (runId: string) => void): () => void;
  subscribe(runId: string, listener: (text: string) => void): () => void;
  /** Look at the file now and then, without anybody to tell. Returns the way to stop. */
  keepLooking(): () => void;
  /** Tell of a message that this connection has sent and committed. */
  tellSent(runId: string): void;
  tellPublished(runId: string, text: string): void;
  stop(): void;
}

export function createNews(connection: Connection, options: NewsOptions): News {
  const watchers = createListeners<string>();
  const subscribers = new Map<string, ReturnType<typeof createListeners<string>>>();
  let lookers = 0;
  let timer: NodeJS.Timeout | undefined;
  let dataVersion = -1;
  let lastMail = 0;
  let lastText = 0;

  function look(): void {
    options.check();
    try {
      const version = readDataVersion(connection);
      if (version === dataVersion) return;
      readMail();
      readTexts();
      dataVersion = version;
    } catch (error) {
      // Read at the next look: `dataVersion` is still the old one.
      if (!isBusy(error)) options.onFailure(error);
    }
  }

  function readMail(): void {
    if (watchers.size === 0) return;
    const rows = connection.all(
      'SELECT mail, runs.id AS id FROM inbox JOIN runs USING (run) WHERE mail > ? ORDER BY mail',
      lastMail,
    );
    lastMail = readNumber(rows.at(-1)?.['mail'] ?? lastMail);
    for (const runId of new Set(rows.map(({ id }) => readText(id)))) watchers.tell(runId);
  }

  function readTexts(): void {
    if (subscribers.size === 0) return;
    const { last, texts } = readPublished(connection, lastText);
    lastText = last;
    for (const { sender, runId, text } of texts) {
      if (sender !== options.sender) subscribers.get(runId)?.tell(text);
    }
  }

  function start(): void {
    lookers++;
    if (timer) return;
    dataVersion = readDataVersion(connection);
    timer = setInterval(look, options.pollMs);
    timer.unref();
  }

  function stop(): void {
    if (--lookers > 0) return;
    clearInterval(timer);
    timer = undefined;
  }

  function onceOnly(end: () => void): () => void {
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      end();
    };
  }

  return {
    watch(listener) {
      if (watchers.size === 0) lastMail = readLast(connection, 'inbox');
      start();
      const unlisten = watchers.add(listener);
      return onceOnly(() => {
        unlisten();
        stop();
      });
    },
    subscribe(runId, listener) {
      if (subscribers.size === 0) lastText = readLast(connection, 'published');
      start();
      const ofRun = subscribers.get(runId) ?? createListeners<string>();
      subscribers.set(runId, ofRun);
      const unlisten = ofRun.add(listener);
      return onceOnly(() => {
        unlisten();
        if (ofRun.size === 0 && subscribers.get(runId) === ofRun) subscribers.delete(runId);
        stop();
      });
    },
    keepLooking() {
      start();
      return onceOnly(stop);
    },
    tellSent: (runId) => watchers.tell(runId),
    tellPublished: (runId, text) => subscribers.get(runId)?.tell(text),
    stop() {
      watchers.clear();
      subscribers.clear();
      clearInterval(timer);
    },
  };
}

/** Changes when another connection has committed, and only then. */
function readDataVersion(connection: Connection): number {
  return readNumber(connection.get('PRAGMA data_version')?.['data_version']);
}

/** The number of the last row ever added. */
function readLast(connection: Connection, table: 'inbox' | 'published'): number {
  return readNumber(connection.get('SELECT seq FROM sqlite_sequence WHERE name = ?', table)?.['seq'] ?? 0);
}
