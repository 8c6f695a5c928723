/** Machines that are wrong in one thing, made of one that is right. */
import { type AnyStateMachine, createMachine } from 'xstate';

export interface Mutant {
  /** `dropGuard: drafting onDone 0`. */
  readonly name: string;
  readonly kind: string;
  readonly machine: AnyStateMachine;
}

type Config = Readonly<Record<string, unknown>>;

/** What may be wrong with one transition of a list. */
const mistakes: Readonly<
  Record<string, (all: readonly Config[], index: number) => readonly Config[] | undefined>
> = {
  dropGuard: (all, index) => changed(all, index, 'guard', undefined),
  dropActions: (all, index) => changed(all, index, 'actions', undefined),
  dropTransition: (all, index) => all.filter((_, other) => other !== index),
  swapWithNext(all, index) {
    const [one, next] = [all[index], all[index + 1]];
    if (!one || !next || one['target'] === next['target']) return undefined;
    return all.map((transition, other) => {
      if (other === index) return { ...one, target: next['target'] };
      return other === index + 1 ? { ...next, target: one['target'] } : transition;
    });
  },
};

function changed(all: readonly Config[], at: number, key: string, value: unknown): Config[] | undefined {
  const { [key]: before, ...rest } = all[at] ?? {};
  if (before === undefined) return undefined;
  return all.map((one, index) =>
    index === at ? (value === undefined ? rest : { ...rest, [key]: value }) : one,
  );
}

/** Every mistake in every transition, and every timer, failure and invocation that is not there. */
export function mutantsOf(machine: AnyStateMachine): Mutant[] {
  const config = machine.config as unknown as Config;
  const made: Mutant[] = [];
  const add = (kind: string, where: string, mutated: Config): void => {
    const rebuilt = (): AnyStateMachine =>
      createMachine(mutated as never, machine.implementations as never) as unknown as AnyStateMachine;
    made.push({ name: `${kind}: ${where}`, kind, machine: rebuilt() });
  };
  const states = config['states'] as Readonly<Record<string, Config>>;
  for (const [state, own] of Object.entries(states)) {
    const withState = (changedState: Config): Config => ({
      ...config,
      states: { ...states, [state]: changedState },
    });
    const { after, always, invoke, entry, ...rest } = own;
    if (after) add('dropTimer', state, withState({ ...rest, ...given({ always, invoke, entry }) }));
    if (entry) add('dropEntry', state, withState({ ...rest, ...given({ always, invoke, after }) }));
    const { onError, ...quiet } = (invoke ?? {}) as Config;
    if (onError) add('dropOnError', state, withState({ ...own, invoke: quiet }));

    for (const [place, all, put] of listsOf(own)) {
      for (const [kind, mistake] of Object.entries(mistakes)) {
        for (const index of all.keys()) {
          const mutated = mistake(all, index);
          if (mutated) add(kind, `${state} ${place} ${index}`, withState(put(mutated)));
        }
      }
    }
  }
  return made;
}

type List = readonly [place: string, all: readonly Config[], put: (all: readonly Config[]) => Config];

/** Every list of transitions in a state. */
function listsOf(state: Config): List[] {
  const lists: List[] = [];
  for (const key of ['on', 'after'] as const) {
    const transitions = (state[key] ?? {}) as Config;
    for (const [name, one] of Object.entries(transitions)) {
      lists.push([
        `${key} ${name}`,
        listed(one),
        (all) => ({ ...state, [key]: { ...transitions, [name]: all } }),
      ]);
    }
  }
  if (state['always']) lists.push(['always', listed(state['always']), (all) => ({ ...state, always: all })]);
  const invoke = (state['invoke'] ?? {}) as Config;
  for (const key of ['onDone', 'onError'] as const) {
    if (!invoke[key]) continue;
    lists.push([key, listed(invoke[key]), (all) => ({ ...state, invoke: { ...invoke, [key]: all } })]);
  }
  return lists;
}

function listed(given: unknown): Config[] {
  return (Array.isArray(given) ? given : [given]).map((one: unknown) =>
    typeof one === 'string' ? { target: one } : (one as Config),
  );
}

function given(fields: Config): Config {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
