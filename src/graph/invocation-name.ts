/** What people call an invocation: by its id, or by its `src` where it was given none and XState has made one. */
import { invokesOf, type StateNode, type StateNodeConfigLike } from '../actor-sources.ts';

/** `<place in the list>.<id of the state>`. */
const made = /^\d+\./;

/** Of one that is pending: ids of the actors that it is in come before. */
export function invocationName(path: string, src: string): string {
  const ids = path.split('/');
  const isMade = made.test(ids.at(-1) ?? '') && !src.includes('inline:');
  return isMade ? [...ids.slice(0, -1), src.split('/').at(-1)].join('/') : path;
}

/** Of one in a state's config. Two of one actor in one state keep their ids. */
export function invokeName({ invoke, config }: StateNode, index: number): string {
  const id = invoke[index]?.id ?? '';
  const sources = invokesOf(config as StateNodeConfigLike).map(({ src }) => src);
  const src = sources[index];
  const isAlone = sources.filter((other) => other === src).length === 1;
  return made.test(id) && typeof src === 'string' && isAlone ? src : id;
}
