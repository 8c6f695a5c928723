/**
 * The author's own projection of the context, `fold`: states at one place for which it gives the same count as one. What it
 * leaves out could matter all the same, so some of those that it took as one are held against each other.
 */
import { InvalidOption } from '../errors.ts';
import { canonical } from './fold.ts';
import type { UnlikeStates } from './graph.ts';
import type { MoveEvent, Situation, Situations } from './situations.ts';
import { transitionsTaken } from './watch/watched-workflow.ts';

export type Fold = (context: never) => unknown;

export interface Folded {
  /** What `fold` gives for the situation. `apart`: what tells it from others that are folded alike. */
  keyOf(at: Situation, context: unknown, apart: () => string): string;
  /** Of states that were taken as one, those that go on otherwise. */
  unlike(keyOf: (at: Situation) => string): readonly UnlikeStates[];
}

/** As many of one key are held against each other. */
const mostAlike = 16;

export function createFolded(fold: Fold, ref: string, { movesOf, follow }: Situations): Folded {
  const alike = new Map<string, Map<string, Situation>>();

  const folded = (context: unknown, value: unknown): string => {
    try {
      return canonical(fold(context as never));
    } catch (cause) {
      throw new InvalidOption(
        `\`fold\` of \`${ref}\` threw on a context in \`${JSON.stringify(value)}\`: ${cause instanceof Error ? cause.message : String(cause)}`,
        { cause, details: { option: 'fold' } },
      );
    }
  };

  /** The first move on which two states go on otherwise. */
  const difference = (
    one: Situation,
    other: Situation,
    keyOf: (at: Situation) => string,
  ): MoveEvent | undefined => {
    const wayOf = (at: Situation, event: MoveEvent): string => {
      const { to, advanced } = follow(at, event);
      return advanced ? `${transitionsTaken(advanced.actions).join(' ')}\n${keyOf(to)}` : '';
    };
    const others = new Map(movesOf(other).map((event) => [event.name, event]));
    return movesOf(one).find((event) => {
      const same = others.get(event.name);
      return !same || wayOf(one, event) !== wayOf(other, same);
    });
  };

  return {
    keyOf(at, context, apart) {
      const key = `${at.control}\n${folded(context, at.state?.snapshot.value)}`;
      const known = alike.get(key) ?? new Map<string, Situation>();
      alike.set(key, known);
      if (known.size < mostAlike) {
        const name = apart();
        if (!known.has(name)) known.set(name, at);
      }
      return key;
    },
    unlike(keyOf) {
      const found = new Map<string, UnlikeStates>();
      const compared = new Set<Situation>();
      // To compare two is to look one move further, and what is found there may be folded with others in turn.
      for (let before = -1; before < compared.size;) {
        before = compared.size;
        for (const [first, ...others] of [...alike.values()].map((known) => [...known.values()])) {
          for (const other of others) {
            if (!first || found.has(first.control) || compared.has(other)) continue;
            compared.add(other);
            const event = difference(first, other, keyOf);
            if (event) found.set(first.control, { value: first.state?.snapshot.value, move: event.move });
          }
        }
      }
      return [...found.values()];
    },
  };
}
