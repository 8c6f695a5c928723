/** The workflows that the command line knows: those that come with Signalbox, and the user's own. */
import { existsSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type ReadyWorkflow, readyWorkflows } from 'signalbox/machines';

import { SignalboxError, WorkflowNotFound } from '../errors.ts';
import type { AnyWorkflow } from '../workflow.ts';
import { CommandError } from './command-error.ts';
import { oneLine } from './text.ts';

export interface Catalog {
  readonly workflows: readonly AnyWorkflow[];
  readonly ready: readonly ReadyWorkflow[];
  /** By name, the latest version, or by `name@version`. Throws `WorkflowNotFound`. */
  find(name: string): AnyWorkflow;
  has(ref: string): boolean;
}

export async function loadCatalog(modulePath: string | undefined): Promise<Catalog> {
  const own = modulePath === undefined ? [] : await loadModule(modulePath);
  const ready = readyWorkflows.filter(({ workflow }) => own.every(({ ref }) => ref !== workflow.ref));
  const workflows = [...own, ...ready.map(({ workflow }) => workflow)];
  return {
    workflows,
    ready,
    find(name) {
      const versions = workflows.filter((workflow) => workflow.ref === name || workflow.name === name);
      versions.sort((one, other) => other.version.localeCompare(one.version, 'en', { numeric: true }));
      if (versions[0]) return versions[0];
      const names = [...new Set(workflows.map((workflow) => workflow.name))].join(', ');
      throw new WorkflowNotFound(
        `No workflow \`${name}\`. There is: ${names}. \`--workflows <module>\` adds your own.`,
        { details: { workflow: name } },
      );
    },
    has: (ref) => workflows.some((workflow) => workflow.ref === ref),
  };
}

async function loadModule(path: string): Promise<readonly AnyWorkflow[]> {
  const file = resolve(path);
  if (!existsSync(file)) {
    throw new CommandError('FILE_NOT_READABLE', `There is no module \`${path}\` (--workflows).`, {
      details: { path },
    });
  }
  assertSameCopy(path, file);
  const module = await importModule(path, file);
  const exported = module['workflows'] ?? module['default'];
  const list: unknown[] = Array.isArray(exported) ? exported : [exported];
  if (list.length > 0 && list.every(isWorkflow)) return list;
  throw new CommandError(
    'MODULE_NOT_USABLE',
    `Expected \`${path}\` to export what \`defineWorkflow\` returned, one or a list, as \`default\` or \`workflows\`.`,
    { details: { path } },
  );
}

async function importModule(path: string, file: string): Promise<Record<string, unknown>> {
  try {
    return (await import(pathToFileURL(file).href)) as Record<string, unknown>;
  } catch (cause) {
    const code = cause instanceof SignalboxError ? `${cause.code}: ` : '';
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new CommandError(
      'MODULE_NOT_USABLE',
      `The module \`${path}\` cannot be loaded: ${code}${oneLine(message)}`,
      { cause, details: { path } },
    );
  }
}

/** With two copies of Signalbox in one process, gates would leave their verdicts where nobody looks. */
function assertSameCopy(path: string, file: string): void {
  const theirs = resolveSignalbox(file);
  const ours = resolveSignalbox(import.meta.url);
  if (theirs === undefined || theirs === ours) return;
  throw new CommandError(
    'MODULE_NOT_USABLE',
    `The module \`${path}\` uses another copy of Signalbox (${theirs}) than this command (${ours}). Run the command from the module's own project.`,
    { details: { path, theirs, ours } },
  );
}

function resolveSignalbox(from: string): string | undefined {
  try {
    return realpathSync(createRequire(from).resolve('signalbox'));
  } catch {
    return undefined;
  }
}

function isWorkflow(value: unknown): value is AnyWorkflow {
  return (
    typeof value === 'object' &&
    value !== null &&
    'machine' in value &&
    'ref' in value &&
    typeof value.ref === 'string'
  );
}
