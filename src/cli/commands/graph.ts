/** `signalbox graph`: a workflow as a diagram, with a run's way or what paths cover drawn on it. */
import { writeFileSync } from 'node:fs';
import { extname } from 'node:path';

import { type Coverage, paths } from '../../graph/paths/paths.ts';
import { coveredBy } from '../../observe/diagrams/covered-transitions.ts';
import { toDot } from '../../observe/diagrams/dot.ts';
import { toMachineConfig } from '../../observe/diagrams/machine-config.ts';
import { toMermaid } from '../../observe/diagrams/mermaid.ts';
import type { Overlay } from '../../observe/diagrams/overlay.ts';
import { pathOfRun } from '../../observe/diagrams/run-path.ts';
import { toSvg } from '../../observe/diagrams/svg.ts';
import type { AnyWorkflow } from '../../workflow.ts';
import { loadCatalog } from '../catalog.ts';
import type { Cli, CommandResult } from '../cli.ts';
import { CommandError } from '../command-error.ts';
import { findRun } from '../find-run.ts';
import { toJson } from '../plain-value.ts';
import { withSession } from '../session.ts';
import { oneLine } from '../text.ts';

export const graphFormats = ['mermaid', 'svg', 'json', 'dot'] as const;
export type GraphFormat = (typeof graphFormats)[number];

export interface GraphOptions {
  readonly format?: GraphFormat;
  readonly out?: string;
  readonly run?: string;
  readonly coverage?: boolean;
}

interface Drawn {
  readonly workflow: AnyWorkflow;
  readonly overlay?: Overlay;
  readonly coverage?: Coverage & { readonly paths: number };
}

export async function graph(cli: Cli, name: string, options: GraphOptions): CommandResult {
  const { screen } = cli;
  const format = formatOf(options);
  const drawn = await overlaid(cli, name, options);
  const { workflow, overlay, coverage } = drawn;
  const text = await textOf(format, workflow, overlay);
  if (overlay?.kind === 'run' && overlay.misfit !== undefined) {
    cli.warn(
      `From message ${overlay.misfit} on, the history of run \`${options.run}\` does not fit \`${workflow.ref}\` as it is here: transitions are missing.`,
    );
  }
  if (format === 'mermaid' && text.length > longestMermaid) {
    cli.warn(
      `Mermaid draws no more than ${longestMermaid} characters unless \`maxTextSize\` is raised; this has ${text.length}. \`--format svg\` has no such bound.`,
    );
  }
  screen.document({
    workflow: workflow.ref,
    format,
    ...(options.out === undefined ? { diagram: text } : { out: options.out }),
    ...(coverage ? { coverage } : {}),
  });
  if (options.out === undefined) return screen.print(text.trimEnd());
  writeText(options.out, text);
  screen.print(`Wrote ${oneLine(options.out)}.`);
  if (!coverage) return;
  screen.print(`${coverage.covered} of ${coverage.of} transitions are covered by ${coverage.paths} paths.`);
  for (const id of [...coverage.missing, ...coverage.leftOut]) screen.print(`  missing: ${oneLine(id)}`);
}

/** Mermaid's own default. */
const longestMermaid = 50_000;

const byExtension: Readonly<Record<string, GraphFormat>> = {
  '.mmd': 'mermaid',
  '.mermaid': 'mermaid',
  '.svg': 'svg',
  '.json': 'json',
  '.dot': 'dot',
  '.gv': 'dot',
};

function formatOf({ format, out }: GraphOptions): GraphFormat {
  if (format !== undefined) return format;
  if (out === undefined) return 'mermaid';
  const known = byExtension[extname(out).toLowerCase()];
  if (known) return known;
  throw new CommandError(
    'USAGE',
    `The name \`${out}\` does not say which format is wanted: let it end in ${Object.keys(byExtension).join(', ')}, or give \`--format\`.`,
    { details: { out } },
  );
}

/** The workflow, in the version that is drawn, and what is drawn on it. */
async function overlaid(cli: Cli, name: string, { run, coverage }: GraphOptions): Promise<Drawn> {
  const catalog = await loadCatalog(cli.globals.workflows);
  const asked = catalog.find(name);
  if (run !== undefined) {
    return withSession(cli, { work: 'none', catalog }, async (session) => {
      const workflow = await findRun(session, run);
      if (workflow.name !== asked.name || (name === asked.ref && workflow.ref !== asked.ref)) {
        throw new CommandError(
          'USAGE',
          `Run \`${run}\` is a run of \`${workflow.ref}\`, not of \`${name}\`. Give \`graph ${workflow.name}\`.`,
          { details: { runId: run, workflow: workflow.ref } },
        );
      }
      const history = await session.engine.run(run).history();
      return { workflow, overlay: pathOfRun(workflow, history, { runId: run }) };
    });
  }
  if (!coverage) return { workflow: asked };
  const found = paths(asked);
  return {
    workflow: asked,
    overlay: coveredBy(found),
    coverage: { ...found.coverage, paths: found.paths.length },
  };
}

async function textOf(
  format: GraphFormat,
  workflow: AnyWorkflow,
  overlay: Overlay | undefined,
): Promise<string> {
  switch (format) {
    case 'mermaid':
      return toMermaid(workflow, { overlay });
    case 'dot':
      return toDot(workflow, { overlay });
    case 'svg':
      return toSvg(workflow, { overlay });
    case 'json':
      return `${toJson(toMachineConfig(workflow, { overlay }), 2)}\n`;
  }
}

function writeText(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CommandError('FILE_NOT_READABLE', `\`${path}\` cannot be written (--out): ${reason}`, {
      cause,
      details: { path },
    });
  }
}
