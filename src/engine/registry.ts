/** The workflows that an engine has, several versions of one side by side. */
import type { AnyStateMachine } from 'xstate';

import { actorSources, isStateMachine } from '../actor-sources.ts';
import { InvalidOption, WorkflowNotFound } from '../errors.ts';
import { durableActor } from '../invocation.ts';
import type { AnyWorkflow } from '../workflow.ts';

export interface Registry {
  /** By `name@version`. */
  readonly byRef: ReadonlyMap<string, AnyWorkflow>;
  /** The highest version of that name. Throws `WorkflowNotFound`. */
  latest(name: string): AnyWorkflow;
  /** The workflow itself, if it is one of these. Throws `WorkflowNotFound`. */
  known(workflow: AnyWorkflow): AnyWorkflow;
}

export function createRegistry(workflows: readonly AnyWorkflow[]): Registry {
  if (!Array.isArray(workflows)) {
    throw new InvalidOption('Expected `workflows` to be a list of what `defineWorkflow` returned.');
  }
  const byRef = new Map<string, AnyWorkflow>();
  for (const workflow of workflows as readonly AnyWorkflow[]) {
    if (byRef.has(workflow.ref)) {
      throw new InvalidOption(`\`workflows\` has \`${workflow.ref}\` twice. Give each its own \`version\`.`);
    }
    byRef.set(workflow.ref, workflow);
  }
  for (const workflow of workflows as readonly AnyWorkflow[]) addChildren(byRef, workflow);
  return {
    byRef,
    latest(name) {
      const versions = [...byRef.values()].filter((workflow) => workflow.name === name);
      const latest = versions.sort((one, other) =>
        other.version.localeCompare(one.version, 'en', { numeric: true }),
      )[0];
      if (latest) return latest;
      const names = [...new Set([...byRef.values()].map((workflow) => workflow.name))];
      throw new WorkflowNotFound(`No workflow \`${name}\`. This engine has: ${names.join(', ') || 'none'}.`);
    },
    known(workflow) {
      if (byRef.get(workflow.ref) === workflow) return workflow;
      throw new WorkflowNotFound(
        `Workflow \`${workflow.ref}\` is not among those of this engine. Pass it to \`createEngine({ workflows })\`.`,
      );
    },
  };
}

/** Workflows that others start runs of need not be named again. */
function addChildren(byRef: Map<string, AnyWorkflow>, parent: AnyWorkflow): void {
  for (const child of startedBy(parent.machine as AnyStateMachine, new Set())) {
    const known = byRef.get(child.ref);
    if (known === child) continue;
    if (known) {
      throw new InvalidOption(
        `\`${parent.ref}\` starts runs of another \`${child.ref}\` than the one in \`workflows\`. Give each its own \`version\`.`,
      );
    }
    byRef.set(child.ref, child);
    addChildren(byRef, child);
  }
}

/** Workflows that actors of the machine, and of those nested in it, start runs of. */
function startedBy(machine: AnyStateMachine, seen: Set<AnyStateMachine>): AnyWorkflow[] {
  if (seen.has(machine)) return [];
  seen.add(machine);
  return actorSources(machine).flatMap(({ logic }) => {
    if (!logic) return [];
    if (isStateMachine(logic)) return startedBy(logic, seen);
    return (durableActor(logic)?.workflows ?? []) as readonly AnyWorkflow[];
  });
}
