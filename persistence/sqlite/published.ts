/**
 * Published text, on its way to other processes: rows of `published` that are removed again after ten seconds. Texts
 * that are published within a moment go into one transaction; those of a process that dies before it are lost.
 */
import { readNumber, readText } from './checksum.ts';
import { toCell, type Connection } from './connection.ts';

export interface Publisher {
  publish(runId: string, text: string): void;
  /** Resolves once what was published is in the file, or has failed. */
  close(): Promise<void>;
}

export interface PublisherOptions {
  readonly sender: string;
  readonly pauseMs: number;
  now(): number;
  write(operation: () => void): Promise<void>;
}

const keptMs = 10_000;

export function createPublisher(
  connection: Connection,
  { sender, pauseMs, now, write }: PublisherOptions,
): Publisher {
  let pending: Array<readonly [runId: string, text: string]> = [];
  let writing: NodeJS.Timeout | undefined;
  // Texts of processes that ended before they could remove them.
  let sweeping = connection.get('SELECT 1 FROM published LIMIT 1') && startSweep();

  function startSweep(): NodeJS.Timeout {
    return setTimeout(sweep, keptMs).unref();
  }

  async function flush(): Promise<void> {
    clearTimeout(writing);
    writing = undefined;
    const batch = pending.splice(0);
    if (batch.length === 0) return;
    sweeping ??= startSweep();
    await write(() => {
      const at = now();
      for (const [runId, text] of batch) {
        connection.run(
          'INSERT INTO published (sender, at, run_id, text) VALUES (?, ?, ?, ?)',
          sender,
          at,
          toCell(runId),
          toCell(text),
        );
      }
    }).catch(ignore);
  }

  function sweep(): void {
    sweeping = undefined;
    void write(() => {
      removeOld(connection, now());
      // Those that came meanwhile.
      if (connection.get('SELECT 1 FROM published LIMIT 1')) sweeping ??= startSweep();
    }).catch(ignore);
  }

  return {
    publish(runId, text) {
      pending.push([runId, text]);
      writing ??= setTimeout(() => void flush(), pauseMs).unref();
    },
    async close() {
      await flush();
      clearTimeout(sweeping);
    },
  };
}

/** Best effort: what keeps texts from being written is told by the calls that matter. */
function ignore(): void {}

function removeOld(connection: Connection, now: number): void {
  // Texts of one process are in the order of their times; nearly so are those of all.
  let oldest = connection.get('SELECT n, at FROM published ORDER BY n LIMIT 1');
  while (oldest && readNumber(oldest['at']) <= now - keptMs) {
    connection.run('DELETE FROM published WHERE n = ?', readNumber(oldest['n']));
    oldest = connection.get('SELECT n, at FROM published ORDER BY n LIMIT 1');
  }
}

export interface PublishedText {
  readonly sender: string;
  readonly runId: string;
  readonly text: string;
}

/** The texts past number `after`, in order, and the number of the last. */
export function readPublished(
  connection: Connection,
  after: number,
): { readonly last: number; readonly texts: readonly PublishedText[] } {
  const rows = connection.all('SELECT n, sender, run_id, text FROM published WHERE n > ? ORDER BY n', after);
  return {
    last: readNumber(rows.at(-1)?.['n'] ?? after),
    texts: rows.map((row) => ({
      sender: readText(row['sender']),
      runId: readText(row['run_id']),
      text: readText(row['text']),
    })),
  };
}
