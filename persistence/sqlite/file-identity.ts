/**
 * Whether the path still leads to the file that is open. A file that was deleted or replaced goes on to be written
 * without an error, and nobody finds again what was written; so it is looked at after each transaction, before anything
 * is acknowledged. The write-ahead log beside it is looked at as well: without it the last writes are lost.
 *
 * A file that is back under its path, moved away and back, is taken for what it is.
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
