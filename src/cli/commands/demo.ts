/** `signalbox demo`, which `npm start` runs: every sample ticket to its end, or to the person who must decide. */
import { mkdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

import { modelFromEnvironment, standIn } from '../../actors/index.ts';
import { loadCatalog } from '../catalog.ts';
import { assertNoConflict, checkInputs } from '../check-inputs.ts';
import type { Cli, CommandResult } from '../cli.ts';
import { CommandError } from '../command-error.ts';
import { finishRuns } from '../finish-runs.ts';
import { isRedis } from '../open-store.ts';
import { readInputs } from '../read-inputs.ts';
import type { Screen } from '../screen.ts';
import { withSession } from '../session.ts';
import { startRuns } from './run.ts';

const workflowName = 'support-ticket';
/** Where the services of this workflow are, as its tools find them. */
const servicesVariable = 'SUPPORT_SERVICES_URL';
const demoStore = join('.signalbox', 'signalbox.db');

export async function demo(given: Cli, { concurrency }: { readonly concurrency: number }): CommandResult {
  if (given.globals.fixtures !== undefined) {
    throw new CommandError(
      'USAGE',
      `The demo shows what really happens to money and mail; with \`--fixtures\` nothing does. Use \`run ${workflowName}\`.`,
    );
  }
  const cli = onDemoStore(given);
  const { screen, globals } = cli;
  const catalog = await loadCatalog(globals.workflows);
  const ready = catalog.ready.find(({ workflow }) => workflow.name === workflowName);
  if (!ready)
    throw new CommandError(
      'USAGE',
      `The demo runs Signalbox's own \`${workflowName}\`, which \`--workflows\` replaces.`,
    );
  const runs = checkInputs(ready.workflow, await readInputs(ready.samples), undefined);

  screen.print(
    `${screen.paint('bold', `${runs.length} sample tickets`)} through ${ready.workflow.ref}: ${ready.workflow.title ?? ''}`,
  );
  screen.print(`Answers   ${whoAnswers(screen)}`);
  screen.print(
    `Store     ${globals.store}${isRedis(globals.store) ? '' : ' (SQLite), with the ledger of refunds and mails beside it'}`,
  );
  screen.print();

  return withSession(cli, { work: 'own', create: true, catalog, concurrency }, async (session) => {
    await assertNoConflict(session.store, ready.workflow, runs);
    await session.serve([ready.workflow.name]);
    return finishRuns(session, startRuns(session, ready.workflow, runs), {
      mostWaiting: 3,
      between: () => printLedger(screen),
    });
  });
}

/** Its own store, unless one was asked for; hints name it. */
function onDemoStore(cli: Cli): Cli {
  const { globals } = cli;
  if (globals.given.store !== undefined || process.env['SIGNALBOX_STORE']) return cli;
  mkdirSync(dirname(demoStore), { recursive: true });
  return {
    ...cli,
    globals: { ...globals, store: demoStore, given: { ...globals.given, store: relative('.', demoStore) } },
  };
}

function whoAnswers(screen: Screen): string {
  const { name, standIn: isStandIn } = modelFromEnvironment({ standIn: standIn({}) });
  if (!isStandIn) return `${name}, the real API${baseUrl()}`;
  return screen.paint(
    'yellow',
    'STAND-IN: plain rules, no model. Set ANTHROPIC_API_KEY or ANTHROPIC_BASE_URL for the real API.',
  );
}

function baseUrl(): string {
  const url = process.env['ANTHROPIC_BASE_URL'];
  return url ? ` at ${url}` : '';
}

interface Ledger {
  readonly refunds: readonly {
    readonly asked: number;
    readonly answer: { readonly amount: number; readonly currency: string };
  }[];
  readonly mails: readonly { readonly asked: number }[];
}

/** What really happened to money and mail, as the services have it. */
async function printLedger(screen: Screen): Promise<void> {
  const response = await fetch(new URL('/ledger', process.env[servicesVariable]));
  const { refunds, mails } = (await response.json()) as Ledger;
  const hundredths = new Map<string, number>();
  for (const { answer } of refunds) {
    const before = hundredths.get(answer.currency) ?? 0;
    hundredths.set(answer.currency, before + Math.round(answer.amount * 100));
  }
  const sums = [...hundredths].map(([currency, sum]) => [currency, sum / 100] as const);
  const again = [...refunds, ...mails].filter(({ asked }) => asked > 1).length;
  const refunded = Object.fromEntries(sums);
  screen.jsonLine({
    type: 'ledger',
    refunds: refunds.length,
    refunded,
    mails: mails.length,
    askedAgain: again,
  });
  const amounts = sums.map(([currency, sum]) => `${sum.toLocaleString('en')} ${currency}`).join(', ');
  const notice = again > 0 ? ` ${again} were asked for again, and made once.` : '';
  screen.print(
    `Ledger: ${refunds.length} refunds (${amounts || 'nothing'}), ${mails.length} mails.${notice}`,
  );
}
