/** All runs that a query finds, newest first, read page by page. */
import type { Engine, ListOptions } from '../engine/engine.ts';

type Page = Awaited<ReturnType<Engine['list']>>;

const pageSize = 200;

export async function* everyRun(
  engine: Engine,
  query: Omit<ListOptions, 'limit' | 'cursor'>,
): AsyncGenerator<Page['runs'][number]> {
  for (let cursor: string | undefined; ;) {
    const page: Page = await engine.list({
      ...query,
      limit: pageSize,
      ...(cursor === undefined ? {} : { cursor }),
    });
    yield* page.runs;
    cursor = page.cursor;
    if (cursor === undefined) return;
  }
}
