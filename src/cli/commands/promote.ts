/** `signalbox promote`: the promotion check of a workflow, filled from its machine and the runs on record. */
import { existsSync } from 'node:fs';

import { promotion, type Promotion } from '../../graph/promotion/promotion.ts';
import type { RecordedRun } from '../../graph/promotion/recorded-runs.ts';
import { type Catalog, loadCatalog } from '../catalog.ts';
import type { Cli, CommandResult } from '../cli.ts';
import { CommandError } from '../command-error.ts';
import { everyRun } from '../every-run.ts';
import { defaultStore } from '../open-store.ts';
import { promotionMarkdown } from '../promotion-markdown.ts';
import { printPromotion } from '../promotion-view.ts';
import { withSession } from '../session.ts';

export interface PromoteOptions {
  readonly countStandIns?: boolean;
  readonly markdown?: boolean;
  readonly full?: boolean;
  readonly variants?: number;
  readonly maxNodes?: number;
}

export async function promote(cli: Cli, name: string, options: PromoteOptions): CommandResult {
  const { screen, globals } = cli;
  const catalog = await loadCatalog(globals.workflows);
  const workflow = catalog.find(name);
  const runs = await recordedRuns(cli, catalog, workflow.name);
  const { countStandIns = false, variants, maxNodes } = options;
  const filled = promotion(workflow, runs, {
    countStandIns,
    ...(variants === undefined ? {} : { variants }),
    ...(maxNodes === undefined ? {} : { maxNodes }),
  });
  screen.document(filled);
  if (options.markdown) screen.print(promotionMarkdown(filled, Date.now()).trimEnd());
  else printPromotion(cli, workflow.name, filled, { full: options.full === true });
  if (filled.verdict === 'fails') throw promotionFailed(filled);
}

/** All of the workflow, in every version. A store that nobody has named, and that nothing was run on yet, has none. */
async function recordedRuns(cli: Cli, catalog: Catalog, workflow: string): Promise<RecordedRun[]> {
  const { store } = cli.globals;
  if (store === defaultStore && cli.globals.given.store === undefined && !existsSync(store)) return [];
  return withSession(cli, { work: 'none', catalog }, async ({ engine }) => {
    const runs: RecordedRun[] = [];
    for await (const { id, version, status } of everyRun(engine, { workflow })) {
      runs.push({ id, workflow, version, status, history: await engine.run(id).history() });
    }
    // From the oldest, as they came.
    return runs.reverse();
  });
}

function promotionFailed({ workflow, lines }: Promotion): CommandError {
  const failing = lines.filter(({ verdict }) => verdict === 'fails').map(({ id }) => id);
  const count = `${failing.length} of ${lines.length} lines`;
  return new CommandError('PROMOTION_FAILED', `${workflow} fails ${count}: ${failing.join(', ')}.`, {
    details: { workflow, lines: failing },
  });
}
