/** `signalbox check`: what is wrong with workflows, before anything of them runs. */
import { check as checkWorkflow, type CheckReport } from '../../graph/checks/check.ts';
import type { Figures } from '../../graph/worst/figures.ts';
import { loadCatalog } from '../catalog.ts';
import { printReport } from '../check-view.ts';
import type { Cli, CommandResult } from '../cli.ts';
import { CommandError } from '../command-error.ts';

export interface CheckOptions {
  readonly variants?: number;
  readonly maxNodes?: number;
  /** Warnings count like errors. */
  readonly strict?: boolean;
  /** What a run can take at most from each state on, too. */
  readonly worst?: boolean;
  readonly maxUsd?: number;
  readonly maxTokens?: number;
  readonly maxCalls?: number;
  readonly maxSeconds?: number;
  readonly stepReliability?: number;
}

/** Without names, all of the user's own, or those that come with Signalbox if there are none. */
export async function check(cli: Cli, names: readonly string[], options: CheckOptions): CommandResult {
  const { screen, globals } = cli;
  const { workflows, ready, find } = await loadCatalog(globals.workflows);
  const own = workflows.filter(({ ref }) => !ready.some(({ workflow }) => workflow.ref === ref));
  const chosen = names.length > 0 ? names.map(find) : own.length > 0 ? own : workflows;
  const { variants, maxNodes, stepReliability } = options;
  const reports: CheckReport[] = [];
  for (const workflow of chosen) {
    const report = checkWorkflow(workflow, {
      ...(variants === undefined ? {} : { variants }),
      ...(maxNodes === undefined ? {} : { maxNodes }),
      ...(stepReliability === undefined ? {} : { stepReliability }),
      within: boundsOf(options),
    });
    reports.push(report);
    if (reports.length > 1) screen.print();
    printReport(screen, report, options);
  }
  screen.document({ reports });
  const counting = options.strict ? ['error', 'warning'] : ['error'];
  const failing = reports.filter(({ findings }) =>
    findings.some(({ severity }) => counting.includes(severity)),
  );
  if (failing.length > 0) {
    const refs = failing.map(({ workflow }) => workflow).join(', ');
    throw new CommandError('CHECK_FAILED', `Not ready to run: ${refs}.`, {
      details: { workflows: failing.map(({ workflow }) => workflow) },
    });
  }
}

function boundsOf({ maxUsd, maxTokens, maxCalls, maxSeconds }: CheckOptions): Partial<Figures> {
  return {
    ...(maxUsd === undefined ? {} : { usd: maxUsd }),
    ...(maxTokens === undefined ? {} : { tokens: maxTokens }),
    ...(maxCalls === undefined ? {} : { modelCalls: maxCalls }),
    ...(maxSeconds === undefined ? {} : { timeMs: maxSeconds * 1_000 }),
  };
}
