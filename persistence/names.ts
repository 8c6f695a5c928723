/**
 * Which names a store takes: ids, keys, tags, labels and the like, by which things are found again. A string that is not
 * well-formed Unicode (half of a surrogate pair) has no bytes of its own: databases would take two such names for one.
 */
import { InvalidOption } from '../src/errors.ts';
import type { Commit, Labels, Store } from './store.ts';

/** @throws InvalidOption `INVALID_OPTION` if one of the names is not well-formed Unicode. `details` has `field` and `value`. */
export function assertNames(names: Readonly<Record<string, string | undefined>>): void {
  for (const [field, value] of Object.entries(names)) if (value !== undefined) assertName(field, value);
}

function assertName(field: string, value: string): void {
  if (isWellFormed(value)) return;
  throw new InvalidOption(
    `Expected \`${field}\` to be well-formed Unicode, got ${JSON.stringify(value)}, which has half of a character. ` +
      'Use `toWellFormed()` on text that was cut.',
    { details: { field, value } },
  );
}

/** Standard since ECMAScript 2024, and in every Node that Signalbox runs on. */
function isWellFormed(text: string): boolean {
  return (text as string & { isWellFormed(): boolean }).isWellFormed();
}

function assertEach(field: string, values: readonly string[]): void {
  for (const value of values) assertName(field, value);
}

function assertLabels(labels: Labels): void {
  for (const [name, value] of Object.entries(labels)) {
    assertName('labels', name);
    assertName(`labels.${name}`, value);
  }
}

function assertRunId(runId: string): void {
  assertName('runId', runId);
}

function assertCommit(runId: string, { token, tags, freeKeys, forget }: Commit): void {
  assertName('runId', runId);
  assertName('token', token);
  if (tags.length > 0) assertEach('tags', tags);
  if (freeKeys.length > 0) assertEach('freeKeys', freeKeys);
  if (forget.length > 0) assertEach('forget', forget);
}

/** The call, which rejects if `check` throws. */
function checked<A extends readonly unknown[], R>(
  call: (...args: A) => Promise<R>,
  check: (...args: A) => void,
): (...args: A) => Promise<R> {
  return (...args) => {
    try {
      check(...args);
    } catch (error) {
      return Promise.reject(error as Error);
    }
    return call(...args);
  };
}

/** The store, with each call refused that has an ill-formed name. */
export function guardNames(store: Store): Store {
  return {
    ...store,
    create: checked(store.create, ({ id, workflow, version, parent, lease, tags, labels }) => {
      assertNames({ id, workflow, version, parent, token: lease?.token });
      assertEach('tags', tags);
      assertLabels(labels);
    }),
    load: checked(store.load, assertRunId),
    acquire: checked(store.acquire, (runId, { token }) => assertNames({ runId, token })),
    commit(runId, commit) {
      try {
        assertCommit(runId, commit);
      } catch (error) {
        return Promise.reject(error as Error);
      }
      return store.commit(runId, commit);
    },
    record: checked(store.record, (runId, { token, id, journal = {} }) => {
      assertNames({ runId, token, id });
      assertEach('journal', Object.keys(journal));
    }),
    renew: checked(store.renew, ({ token, runs }) => {
      assertName('token', token);
      for (const { id } of runs) assertName('runs.id', id);
    }),
    release: checked(store.release, (runId, { token }) => assertNames({ runId, token })),
    send: checked(store.send, (runId, { key }) => assertNames({ runId, key })),
    inbox: checked(store.inbox, assertRunId),
    list: checked(store.list, ({ workflow, tag, labels = {}, parent }) => {
      assertNames({ workflow, tag, parent: parent ?? undefined });
      assertLabels(labels);
    }),
    delete: checked(store.delete, assertRunId),
    history: checked(store.history, assertRunId),
    publish(runId, text) {
      assertRunId(runId);
      store.publish(runId, text);
    },
    subscribe(runId, listener) {
      assertRunId(runId);
      return store.subscribe(runId, listener);
    },
    announce: checked(store.announce, (token) => assertName('token', token)),
  };
}
