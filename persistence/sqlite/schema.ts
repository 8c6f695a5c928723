/**
 * The tables. A run is one small row of `runs`, its head, which every call reads; its state and its input are rows of
 * their own, so that a lease or a message rewrites neither. `runs.due_at` is when a run needs a worker, as `due` asks
 * for it: the end of its lease, its appointment, the time of a message, or null.
 *
 * `listing` has one row for each facet of a run: top level or child, parent, tags, labels, stuck. Every filter of `list`
 * is a merge over sorted ranges of it, so that a page costs the same among a million runs. Counts of open runs are
 * kept, because counting them would read them all. `cache`, `published` and `workers` hold nothing that a run needs.
 *
 * Every `sum` is the checksum of what its row says, and of the place that it belongs to (`checksum.ts`).
 */

/** "Sbox". Says in the file's header whose it is. */
export const applicationId = 0x53626f78;

/** Goes up when a store of the version before could misread the file. */
export const formatVersion = 2;

export const schema = `
  CREATE TABLE runs (
    run INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    workflow TEXT NOT NULL,
    version TEXT NOT NULL,
    kind TEXT NOT NULL,
    labels TEXT NOT NULL,
    parent TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    status TEXT NOT NULL,
    token TEXT,
    until INTEGER,
    due_at INTEGER,
    takeovers INTEGER NOT NULL,
    log_length INTEGER NOT NULL,
    last_message INTEGER NOT NULL,
    inbox_size INTEGER NOT NULL,
    journal_size INTEGER NOT NULL,
    tags TEXT NOT NULL,
    problem TEXT,
    value TEXT NOT NULL,
    sum INTEGER NOT NULL
  );
  CREATE INDEX runs_due ON runs (kind, due_at) WHERE due_at IS NOT NULL;
  CREATE INDEX runs_leased ON runs (run) WHERE token IS NOT NULL;
  CREATE INDEX runs_ended ON runs (status, updated_at) WHERE status IN ('done', 'failed', 'cancelled');

  CREATE TABLE states (run INTEGER PRIMARY KEY, state TEXT NOT NULL, sum INTEGER NOT NULL);
  CREATE TABLE inputs (run INTEGER PRIMARY KEY, input TEXT NOT NULL, sum INTEGER NOT NULL);

  CREATE TABLE listing (
    facet TEXT NOT NULL,
    workflow TEXT NOT NULL,
    status TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    id BLOB NOT NULL,
    run INTEGER NOT NULL,
    PRIMARY KEY (facet, workflow, status, created_at, id)
  ) WITHOUT ROWID;

  CREATE TABLE open_runs (kind TEXT PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID;

  CREATE TABLE log (
    run INTEGER,
    n INTEGER,
    entry TEXT NOT NULL,
    sum INTEGER NOT NULL,
    PRIMARY KEY (run, n)
  ) WITHOUT ROWID;

  CREATE TABLE inbox (
    mail INTEGER PRIMARY KEY AUTOINCREMENT,
    run INTEGER NOT NULL,
    id INTEGER NOT NULL,
    at INTEGER NOT NULL,
    key TEXT,
    body TEXT NOT NULL,
    sum INTEGER NOT NULL
  );
  CREATE UNIQUE INDEX inbox_of_run ON inbox (run, id);

  CREATE TABLE message_keys (
    run INTEGER,
    key TEXT,
    message_id INTEGER NOT NULL,
    log_length INTEGER NOT NULL,
    PRIMARY KEY (run, key)
  ) WITHOUT ROWID;

  CREATE TABLE journal (
    run INTEGER,
    name TEXT,
    value TEXT NOT NULL,
    sum INTEGER NOT NULL,
    PRIMARY KEY (run, name)
  ) WITHOUT ROWID;

  CREATE TABLE recordings (run INTEGER, id TEXT, PRIMARY KEY (run, id)) WITHOUT ROWID;

  CREATE TABLE workers (token TEXT PRIMARY KEY, workflows TEXT NOT NULL, until INTEGER NOT NULL) WITHOUT ROWID;

  CREATE TABLE published (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    sender TEXT NOT NULL,
    at INTEGER NOT NULL,
    run_id TEXT NOT NULL,
    text TEXT NOT NULL
  );

  CREATE TABLE clock (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    boot TEXT NOT NULL,
    booted_at INTEGER NOT NULL,
    wall INTEGER NOT NULL,
    monotonic INTEGER NOT NULL,
    leaps INTEGER NOT NULL,
    latest INTEGER NOT NULL
  );

  CREATE TABLE cache (key TEXT NOT NULL PRIMARY KEY, text TEXT NOT NULL, until INTEGER);
  CREATE INDEX cache_until ON cache (until) WHERE until IS NOT NULL;
`;

export const tables = [
  'runs',
  'states',
  'inputs',
  'listing',
  'open_runs',
  'log',
  'inbox',
  'message_keys',
  'journal',
  'recordings',
  'workers',
  'published',
  'clock',
  'cache',
] as const;
