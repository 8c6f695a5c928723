/** Ghosts: entries of an index for runs that are not stored. They leave the index when they are met, and are told. */
import { StoreForeign } from '../../../src/errors.ts';
import { defineScript, type Connection } from '../connection.ts';
import { toIndexKey, toRunKeys } from '../layout.ts';

const script = defineScript(`
-- KEYS    1 index, 2 run
-- ARGV    entries
-- Returns 1 the entries are gone, 0 there is such a run
if redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
redis.call('ZREM', KEYS[1], unpack(ARGV))
return 1
`);

export async function dropGhosts(
  { layout, run, report }: Connection,
  base: string,
  runIds: readonly string[],
  toEntries: (runId: string) => readonly string[],
): Promise<void> {
  await Promise.all(
    runIds.map(async (runId) => {
      const isGone = await run(script, [toIndexKey(base), toRunKeys(layout, runId).run], toEntries(runId));
      if (isGone === 1) report(`missing ${runId}`, missingRun(runId));
    }),
  );
}

export function missingRun(runId: string): StoreForeign {
  return new StoreForeign(
    `The index in Redis had an entry for a run \`${runId}\` that is not stored: it was evicted, or deleted by another ` +
      'program. The entry was removed; if the run should be there, restore it from a backup.',
    { details: { runId } },
  );
}
