/**
 * Checks that the path still refers to the open file. SQLite keeps writing to a deleted or replaced file without an error,
 * and those writes are lost; so the file is checked after each transaction, before its writes are acknowledged. The
 * write-ahead log is checked too, because it holds the latest writes.
 *
 * A file that was moved away and back passes the check.
 */
import { statSync } from 'node:fs';

import { StoreUnavailable } from '../../src/errors.ts';

export interface FileIdentity {
  /** @throws StoreUnavailable `STORE_UNAVAILABLE` if the path leads elsewhere, or nowhere. */
  assertSame(): void;
}

/** The files must be open already. */
export function createFileIdentity(path: string): FileIdentity {
  const files = [path, `${path}-wal`].map((each) => ({ path: each, identity: identify(each) }));

  return {
    assertSame() {
      for (const file of files) {
        const now = identify(file.path);
        if (now === file.identity) continue;
        const happened = now === undefined ? 'deleted or moved away' : 'replaced by another';
        throw new StoreUnavailable(
          `The file \`${file.path}\` was ${happened} while it was open; what is written now would not be found ` +
            'again, so nothing more is acknowledged. Put the file back, or stop this process and start it again.',
          { details: { path, file: file.path, happened: now === undefined ? 'deleted' : 'replaced' } },
        );
      }
    },
  };
}

function identify(path: string): string | undefined {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats && `${stats.dev}:${stats.ino}`;
}
