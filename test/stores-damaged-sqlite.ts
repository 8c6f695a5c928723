/** Damages a store's file as a disk would: without a word to the checksums and indexes. */
import { openDriver, type Driver } from '../persistence/sqlite/driver.ts';

/** Flips a bit of the run's state. */
export function damageState(path: string, runId: string): void {
  withFile(path, (file) => {
    const row = file.prepare('SELECT run, state FROM states JOIN runs USING (run) WHERE id = ?').get(runId);
    const { run, state } = row as { readonly run: number; readonly state: string };
    const flipped = String.fromCharCode(state.charCodeAt(0) ^ 1) + state.slice(1);
    file.prepare('UPDATE states SET state = ? WHERE run = ?').run(flipped, run);
  });
}

/** Removes the run's head; the index of due runs still has it. */
export function removeBehindIndex(path: string, runId: string): void {
  const index = withFile(path, (file) => {
    const row = file.prepare("SELECT rootpage, sql FROM sqlite_master WHERE name = 'runs_due'").get();
    changeSchema(file, "DELETE FROM sqlite_master WHERE name = 'runs_due'");
    return row as { readonly rootpage: number; readonly sql: string };
  });
  withFile(path, (file) => {
    file.prepare('DELETE FROM runs WHERE id = ?').run(runId);
    changeSchema(
      file,
      `INSERT INTO sqlite_master (type, name, tbl_name, rootpage, sql)
       VALUES ('index', 'runs_due', 'runs', ${index.rootpage}, '${index.sql.replaceAll("'", "''")}')`,
    );
  });
}

/** What SQLite itself refuses to do. Every connection reads the schema anew. */
function changeSchema(file: Driver, sql: string): void {
  (file as Driver & { enableDefensive?(isOn: boolean): void }).enableDefensive?.(false);
  const version = file.prepare('PRAGMA schema_version').get() as { readonly schema_version: number };
  file.exec(
    `PRAGMA writable_schema = ON; BEGIN; ${sql}; PRAGMA schema_version = ${version.schema_version + 1}; COMMIT`,
  );
}

function withFile<T>(path: string, use: (file: Driver) => T): T {
  const file = openDriver(path, 5000);
  try {
    return use(file);
  } finally {
    file.close();
  }
}
