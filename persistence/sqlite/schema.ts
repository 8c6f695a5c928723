/**
 * The tables. `runs.due_at` is when a run needs a worker, as `due` asks for it: the end of its lease, its appointment,
 * the time of a message, or null. `listing` has one row for each run and one more for each of its tags; every filter
 * of `list` is a merge over sorted ranges of it, so that a page costs the same among a million runs.
 * `cache` holds answers; no run needs them. Counts of open runs are kept, because counting them would read them all.
 */

/** "Sbox". Says in the file's header whose it is. */
export const applicationId = 0x53626f78;

/** Goes up when a store of the version before could misread the file. */
export const formatVersion = 1;

export const schema = `
  CREATE TABLE runs (
    run INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    workflow TEXT NOT NULL,
    version TEXT NOT NULL,
    kind TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    status TEXT NOT NULL,
    token TEXT,
    until INTEGER,
    due_at INTEGER,
    log_length INTEGER NOT NULL,
    last_message INTEGER NOT NULL DEFAULT 0,
    tags TEXT NOT NULL,
    problem TEXT,
    value TEXT NOT NULL,
    state TEXT NOT NULL,
    input TEXT NOT NULL
  );
  CREATE INDEX runs_due ON runs (kind, due_at, id) WHERE due_at IS NOT NULL;
  CREATE INDEX runs_leased ON runs (run) WHERE token IS NOT NULL;

  CREATE TABLE listing (
    tag TEXT NOT NULL,
    workflow TEXT NOT NULL,
    status TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    id BLOB NOT NULL,
    run INTEGER NOT NULL,
    PRIMARY KEY (tag, workflow, status, created_at, id)
  ) WITHOUT ROWID;

  CREATE TABLE open_runs (kind TEXT PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID;

  CREATE TABLE log (run INTEGER, n INTEGER, entry TEXT NOT NULL, PRIMARY KEY (run, n)) WITHOUT ROWID;

  CREATE TABLE inbox (
    mail INTEGER PRIMARY KEY AUTOINCREMENT,
    run INTEGER NOT NULL,
    id INTEGER NOT NULL,
    at INTEGER NOT NULL,
    body TEXT NOT NULL
  );
  CREATE UNIQUE INDEX inbox_of_run ON inbox (run, id);

  CREATE TABLE message_keys (
    run INTEGER,
    key TEXT,
    message_id INTEGER NOT NULL,
    log_length INTEGER NOT NULL,
    PRIMARY KEY (run, key)
  ) WITHOUT ROWID;

  CREATE TABLE journal (run INTEGER, name TEXT, value TEXT NOT NULL, PRIMARY KEY (run, name)) WITHOUT ROWID;
`;

/**
 * What came later, and a store that does not know it can do without: a file of this format may lack it, and gets it
 * when it is opened.
 */
export const additions = `
  CREATE TABLE IF NOT EXISTS cache (key TEXT NOT NULL PRIMARY KEY, text TEXT NOT NULL, until INTEGER);
  CREATE INDEX IF NOT EXISTS cache_until ON cache (until) WHERE until IS NOT NULL;
`;

export const tables = ['runs', 'listing', 'open_runs', 'log', 'inbox', 'message_keys', 'journal'] as const;

export const addedTables = ['cache'] as const;
