/**
 * What can be wrong with a machine's config by itself. XState finds some of it when the machine is made, some only when a run
 * gets there, and takes some in silence; here all of it is found before anything runs.
 */
import type { AnyStateMachine } from 'xstate';

import { invokesOf, type StateNode, stateNodes } from './actor-sources.ts';
import { WorkflowInvalid } from './errors.ts';

/** A field of a state's config, and what is wrong with it. */
interface Fault {
  readonly field: string;
  readonly problem: string;
}

/** Throws `WorkflowInvalid` with the state (`details.place`) and the field (`details.field`) of the first fault. */
export function refuseBrokenConfig(machine: AnyStateMachine, name: string): void {
  const seen = new Set<string>();
  for (const node of stateNodes(machine)) {
    const fault = seen.has(node.id) ? duplicate(node) : faultOf(node, machine);
    if (fault) {
      const { field, problem } = fault;
      throw new WorkflowInvalid(`\`${field}\` of state \`${node.id}\` of workflow \`${name}\` ${problem}`, {
        details: { place: node.id, field },
      });
    }
    seen.add(node.id);
  }
}

function duplicate({ path }: StateNode): Fault {
  return {
    field: 'id',
    problem: `is that of another state, so that one of them (\`${path.join('.')}\`) cannot be found. Give it an id of its own.`,
  };
}

function faultOf(node: StateNode, machine: AnyStateMachine): Fault | undefined {
  return (
    typeFault(node) ??
    initialFault(node) ??
    historyFault(node, machine) ??
    invokeFault(node) ??
    routeFault(node) ??
    actionsFault(node)
  );
}

const types = ['atomic', 'compound', 'parallel', 'final', 'history'];

function typeFault({ type }: StateNode): Fault | undefined {
  if (types.includes(type)) return undefined;
  return { field: 'type', problem: `is \`${String(type)}\`. Expected one of: ${types.join(', ')}.` };
}

function initialFault({ config, states }: StateNode): Fault | undefined {
  const initial = config.initial as string | { readonly target?: unknown } | undefined;
  if (initial === undefined) return undefined;
  const target = typeof initial === 'object' ? initial.target : initial;
  const state = Object.hasOwn(states, target as string) ? states[target as string] : undefined;
  if (!state) {
    const known = Object.keys(states).join(', ') || '(it has none)';
    return {
      field: 'initial',
      problem: `names \`${String(target)}\`, which is not among its states. Name one of: ${known}.`,
    };
  }
  if (state.type !== 'history' || state.config.target !== undefined) return undefined;
  return {
    field: 'initial',
    problem: `names the history state \`${String(target)}\`, which has no \`target\` to enter when there is nothing to remember. Give it one.`,
  };
}

function historyFault(node: StateNode, machine: AnyStateMachine): Fault | undefined {
  const { config, parent, type } = node;
  if (type !== 'history') return undefined;
  if (![undefined, true, false, 'shallow', 'deep'].includes(config.history)) {
    return {
      field: 'history',
      problem: `is \`${String(config.history)}\`. Expected \`shallow\` or \`deep\`.`,
    };
  }
  const { target } = config as { readonly target?: unknown };
  if (target === undefined) return undefined;
  const targets: unknown[] = Array.isArray(target) ? target : [target];
  const missing = targets.find((each) => !(parent && isStateIn(parent, each, machine)));
  if (missing === undefined) return undefined;
  return {
    field: 'target',
    problem: `names \`${typeof missing === 'string' ? missing : typeof missing}\`, which there is not. Name a state beside it, or any as \`#id\`.`,
  };
}

/** Whether there is the state that XState would look for from a history state. */
function isStateIn(parent: StateNode, target: unknown, machine: AnyStateMachine): boolean {
  if (typeof target !== 'string' || target === '' || target.startsWith('.')) return false;
  const path = target.startsWith('#')
    ? target
    : `#${parent.id.replaceAll(/[\\.]/g, String.raw`\$&`)}.${target}`;
  try {
    return machine.getStateNodeById(path) !== undefined;
  } catch {
    return false;
  }
}

function invokeFault({ config, invoke }: StateNode): Fault | undefined {
  const given = invokesOf(config as Parameters<typeof invokesOf>[0]);
  for (const [index, { id }] of invoke.entries()) {
    const field = given.length > 1 ? `invoke[${index}]` : 'invoke';
    const { src } = given[index] ?? {};
    if ((typeof src !== 'string' && typeof src !== 'object') || src === null || src === '') {
      return {
        field: `${field}.src`,
        problem: `is \`${String(src)}\`. Name an actor of \`setup({ actors })\`, or give the actor's logic; an import may be missing.`,
      };
    }
    if (invoke.findIndex((other) => other.id === id) < index) {
      return { field: `${field}.id`, problem: `is \`${id}\`, as that of another \`invoke\` of the state.` };
    }
  }
  return undefined;
}

function routeFault({ config }: StateNode): Fault | undefined {
  if (!config.route || config.id !== undefined) return undefined;
  return {
    field: 'route',
    problem: 'leads nowhere, because the state has no `id` to be named by. Give it one.',
  };
}

function actionsFault({ entry, exit, transitions, always = [] }: StateNode): Fault | undefined {
  const isMissing = (action: unknown): boolean => action === undefined || action === null;
  const problem = 'holds an action that is undefined; an import may be missing.';
  if (entry.some(isMissing)) return { field: 'entry', problem };
  if (exit.some(isMissing)) return { field: 'exit', problem };
  if (always.some(({ actions }) => actions.some(isMissing))) return { field: 'always.actions', problem };
  for (const [type, list] of transitions) {
    if (list.some(({ actions }) => actions.some(isMissing))) return { field: `on.${type}.actions`, problem };
  }
  return undefined;
}
