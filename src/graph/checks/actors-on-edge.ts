/** What became of actors on one edge: which have ended, and how, and which were started after that. */
import type { PersistedActor } from '../../engine/run-state.ts';
import type { GraphEdge } from '../graph.ts';

export interface ActorsOnEdge {
  readonly ended: readonly EndedActor[];
  readonly started: readonly RunningActor[];
}

export interface RunningActor {
  /** Where it is at work; no two do so at one place at a time. */
  readonly path: string;
  /** After those of the machines that it is nested in: `paying/charge`. */
  readonly src: string;
}

export type EndedActor = RunningActor &
  (
    | { readonly how: 'output' | 'stopped' }
    /** A nested machine does not tell its error. */
    | { readonly how: 'error'; readonly error?: unknown }
  );

export function actorsOnEdge(edge: GraphEdge): ActorsOnEdge {
  const { from, to, advanced } = edge;
  const machines = nestedMachines(from.state?.snapshot);
  const after = nestedMachines(to.state?.snapshot);
  return {
    ended: [
      ...endedInvocations(edge),
      ...machines.filter((one) => !isIn(one, after)).map((one) => ({ ...one, how: howEnded(one, edge) })),
    ],
    started: [...advanced.started, ...after.filter((one) => !isIn(one, machines))],
  };
}

function endedInvocations({ from, move, advanced }: GraphEdge): EndedActor[] {
  return (from.state?.invocations ?? []).flatMap(({ path, src, key }): EndedActor[] => {
    if (move.type === 'answer' && move.path === path) {
      return [{ path, src, ...('error' in move ? { how: 'error', error: move.error } : { how: 'output' }) }];
    }
    return advanced.stopped.includes(key) ? [{ path, src, how: 'stopped' }] : [];
  });
}

/** Machines at work below the root. */
function nestedMachines(snapshot: PersistedActor | undefined, above = '', within = ''): RunningActor[] {
  if (snapshot?.status !== 'active') return [];
  return Object.entries(snapshot.children ?? {}).flatMap(([id, child]) => {
    if (child.snapshot.status !== 'active' || child.snapshot.value === undefined) return [];
    const one = { path: above + id, src: within + child.src };
    return [one, ...nestedMachines(child.snapshot, `${one.path}/`, `${one.src}/`)];
  });
}

function isIn({ path }: RunningActor, all: readonly RunningActor[]): boolean {
  return all.some((one) => one.path === path);
}

/** By the transition that took it: an actor that was stopped has none. */
function howEnded({ path }: RunningActor, { transitions }: GraphEdge): 'output' | 'error' | 'stopped' {
  const id = path.slice(path.lastIndexOf('/') + 1);
  const isTaken = (end: string): boolean => transitions.some((taken) => taken.includes(` ${id}.${end} `));
  return isTaken('done') ? 'output' : isTaken('error') ? 'error' : 'stopped';
}
