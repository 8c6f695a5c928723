/**
 * What actors and workflows touch, and the refusal of what goes beyond what a workflow allows.
 *
 * I1. Who does not say what it touches counts as touching anything; pure logic touches nothing.
 * I2. A workflow that others start runs of counts as what it declares, or else as all of its actors together.
 */
import type { AnyStateMachine } from 'xstate';

import { actorSources, isStateMachine, sourceKind } from './actor-sources.ts';
import { WorkflowInvalid } from './errors.ts';
import { durableActor, type DurableActor, type Permissions, type WorkflowRef } from './invocation.ts';

/** What a workflow allows its actors. */
export type AllowedPermissions = 'read-only' | Permissions;

interface Touching {
  readonly machine: AnyStateMachine;
  readonly permissions?: AllowedPermissions;
}

/** What several touch together; `undefined` if one does not say. */
export function allPermissions(all: readonly Pick<DurableActor, 'permissions'>[]): Permissions | undefined {
  const reads = new Set<string>();
  const writes = new Set<string>();
  for (const { permissions } of all) {
    if (!permissions) return undefined;
    for (const name of permissions.reads) reads.add(name);
    for (const name of permissions.writes) writes.add(name);
  }
  return { reads: [...reads], writes: [...writes] };
}

/** What runs of a workflow touch; `undefined` if one of its actors does not say. */
export function workflowPermissions({ machine, permissions }: Touching): Permissions | undefined {
  // What a read-only workflow reads, its actors say; that they write nothing was seen to where it was defined.
  if (permissions !== undefined && permissions !== 'read-only') return permissions;
  return allPermissions(performedIn(machine).map(({ actor }) => ({ permissions: actor?.permissions })));
}

/** Every actor must say what it touches, and touch no more than is allowed. */
export function refuseUnpermitted(machine: AnyStateMachine, name: string, allowed: AllowedPermissions): void {
  for (const { src, place, actor } of performedIn(machine)) {
    const problem =
      unpermittedChild(actor, name, allowed) ?? unpermitted(actor?.permissions, 'the workflow', allowed);
    if (problem === undefined) continue;
    throw new WorkflowInvalid(`Actor \`${src}\` of workflow \`${name}\` (${place}) ${problem}`, {
      details: { src, place },
    });
  }
}

interface Performed {
  readonly src: string;
  readonly place: string;
  /** `undefined`: logic that declares nothing. */
  readonly actor: DurableActor | undefined;
}

/** The actors of a machine, and of those nested in it, that are performed outside of it. */
function performedIn(machine: AnyStateMachine, seen = new Set<AnyStateMachine>()): Performed[] {
  if (seen.has(machine)) return [];
  seen.add(machine);
  return actorSources(machine).flatMap(({ src, logic, place }) => {
    if (!logic) return [];
    if (isStateMachine(logic)) return performedIn(logic, seen);
    return sourceKind(logic) === 'transition' ? [] : [{ src, place, actor: durableActor(logic) }];
  });
}

/** What is wrong, in words that go on from the actor; `whose` are the permissions. */
function unpermitted(
  touched: Permissions | undefined,
  whose: string,
  allowed: AllowedPermissions,
): string | undefined {
  if (!touched) {
    return `does not say what it reads and writes, and ${whose} has \`permissions\`. Give it \`reads\` and \`writes\` (\`fromTool\`), or take \`permissions\` away.`;
  }
  const write = touched.writes.find((one) => allowed === 'read-only' || !allowed.writes.includes(one));
  if (write !== undefined) {
    return allowed === 'read-only'
      ? `writes \`${write}\`, and ${whose} is read-only.`
      : `writes \`${write}\`, which \`permissions.writes\` of ${whose} does not allow.`;
  }
  const read = touched.reads.find((one) => allowed !== 'read-only' && !allowed.reads.includes(one));
  return read && `reads \`${read}\`, which \`permissions.reads\` of ${whose} does not allow.`;
}

/** What is wrong with the runs that an actor starts, down to the actor in them with which it is. */
function unpermittedChild(
  actor: DurableActor | undefined,
  parent: string,
  allowed: AllowedPermissions,
): string | undefined {
  for (const child of actor?.workflows ?? []) {
    const problem = problemIn(child, parent, allowed);
    if (problem === undefined) continue;
    return `starts runs of \`${child.name}@${child.version}\`, ${problem}`;
  }
  return undefined;
}

function problemIn(child: WorkflowRef, parent: string, allowed: AllowedPermissions): string | undefined {
  if (!isTouching(child)) return undefined;
  const whose = `workflow \`${parent}\``;
  const { permissions, machine } = child;
  if (permissions !== undefined && permissions !== 'read-only') {
    const problem = unpermitted(permissions, whose, allowed);
    return (
      problem &&
      `whose own \`permissions\` say that it ${problem} Narrow these, or start no such runs from it.`
    );
  }
  for (const { src, place, actor } of performedIn(machine)) {
    const deeper = unpermittedChild(actor, parent, allowed);
    const problem = deeper ?? unpermitted(actor?.permissions, whose, allowed);
    if (problem === undefined) continue;
    const remedy = !deeper && actor?.permissions ? ' Allow it there, or start no such runs from it.' : '';
    return `whose actor \`${src}\` (${place}) ${problem}${remedy}`;
  }
  return undefined;
}

function isTouching(workflow: WorkflowRef): workflow is WorkflowRef & Touching {
  return 'machine' in workflow;
}
