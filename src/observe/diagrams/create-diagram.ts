/** Reads a workflow's machine, and those that are nested in it, as a diagram. */
import type { AnyStateMachine } from 'xstate';

import { type StateNode, stateNodes } from '../../actor-sources.ts';
import { type MachinePlace, machinesIn } from '../../graph/machines-in.ts';
import { leadsOn, type TransitionSpec, transitionsOf } from '../../graph/transitions.ts';
import type { AnyWorkflow } from '../../workflow.ts';
import { actionName } from './action-name.ts';
import type { Diagram, DiagramState, DiagramTransition, StateType } from './diagram.ts';
import { cut } from './plain-text.ts';
import { createSlugs } from './slugs.ts';
import { factsOf } from './state-facts.ts';
import { waitsFor } from './waits-for.ts';

const longestGuard = 60;

export function createDiagram({ machine: own, ref, title }: AnyWorkflow): Diagram {
  const machine = own as AnyStateMachine;
  const specs = transitionsOf(machine);
  const places = machinesIn(machine);
  const stateSlug = createSlugs();
  const transitionSlug = createSlugs();
  return {
    ref,
    title,
    description: machine.root.description,
    roots: places.map((place) => readState(place.machine.root, place, stateSlug)),
    transitions: places.flatMap((place) =>
      readTransitions(
        place,
        specs.filter((spec) => spec.machine === place.prefix),
        transitionSlug,
      ),
    ),
  };
}

export function stateKey({ id }: StateNode, prefix: string): string {
  return prefix ? `${prefix}/${id}` : id;
}

function readState(node: StateNode, place: MachinePlace, slugOf: (name: string) => string): DiagramState {
  const { prefix } = place;
  const name = node.parent ? node.key : place.prefix ? `${prefix} (${node.id})` : node.id;
  return {
    key: stateKey(node, prefix),
    slug: slugOf([prefix, ...(node.parent ? node.path : [node.id])].join('.')),
    name:
      node.type === 'history' ? `${name} (${node.history === 'deep' ? 'deep history' : 'history'})` : name,
    type: node.type as StateType,
    description: node.description,
    isPerson: node.tags.includes('person'),
    isRegion: node.parent?.type === 'parallel',
    facts: factsOf(node, place.machine),
    children: Object.values(node.states).map((child) => readState(child, place, slugOf)),
    initial: initialOf(node, prefix),
  };
}

function initialOf(node: StateNode, prefix: string): DiagramState['initial'] {
  if (node.type === 'compound') {
    const [target] = node.initial.target ?? [];
    return target && { target: stateKey(target, prefix), actions: node.initial.actions.map(actionName) };
  }
  if (node.type !== 'history') return undefined;
  const target = defaultOfHistory(node);
  return target && { target: stateKey(target, prefix), actions: [] };
}

/** Where a history state leads to while nothing is remembered, if it says so itself. */
function defaultOfHistory(node: StateNode): StateNode | undefined {
  const { target } = node.config as { readonly target?: unknown };
  if (typeof target !== 'string') return undefined;
  const all = stateNodes(node.machine);
  const relative = [...node.path.slice(0, -1), ...target.replace(/^\./, '').split('.')].join('\n');
  return all.find(({ id, path }) => `#${id}` === target || path.join('\n') === relative);
}

function readTransitions(
  { machine, prefix }: MachinePlace,
  specs: readonly TransitionSpec[],
  slugOf: (name: string) => string,
): DiagramTransition[] {
  const raw = stateNodes(machine).flatMap((node) =>
    [...[...node.transitions.values()].flat(), ...(node.always ?? [])]
      .filter(leadsOn)
      .map((transition) => ({ node, transition })),
  );
  return specs.flatMap((spec, index): DiagramTransition[] => {
    const found = raw[index];
    if (!found) return [];
    const { node, transition } = found;
    return [
      {
        id: spec.id,
        slug: slugOf(spec.id),
        source: stateKey(node, prefix),
        targets: (transition.target ?? []).map((target) => stateKey(target, prefix)),
        label: {
          waitsFor: waitsFor(transition.eventType, node, machine),
          guard: spec.guard === undefined ? undefined : cut(spec.guard, longestGuard),
          actions: transition.actions.map(actionName),
        },
      },
    ];
  });
}
