/**
 * Passes text that comes in during a run on to those who listen: at once in this process, and through the store, in larger
 * pieces, in others.
 */
import type { Store } from '../../persistence/store.ts';
import type { PartialText } from './held-run.ts';
import type { Invocation } from './run-state.ts';

export interface PartialTextsPorts {
  readonly store: Store;
  /** Names this engine among those that publish. */
  readonly token: string;
  problem(error: Error, runId: string): void;
}

export interface PartialTexts {
  /** A piece came in here. */
  emit(runId: string, piece: PartialText): void;
  subscribe(runId: string, listener: (piece: PartialText) => void): () => void;
  stop(): void;
}

/** As it is published. Inputs may be large, and whoever listens has them on record. */
interface Published {
  readonly from: string;
  readonly pieces: ReadonlyArray<{
    readonly invocation: Omit<Invocation, 'input'>;
    readonly attempt: number;
    readonly part?: string | undefined;
    readonly text: string;
  }>;
}

const collectMs = 50;

export function createPartialTexts({ store, token, problem }: PartialTextsPorts): PartialTexts {
  const listeners = new Map<string, Set<(piece: PartialText) => void>>();
  const collected = new Map<string, PartialText[]>();
  let timer: NodeJS.Timeout | undefined;

  function collect(runId: string, piece: PartialText): void {
    const pieces = collected.get(runId) ?? [];
    collected.set(runId, pieces);
    const last = pieces.at(-1);
    if (last && isSamePart(last, piece))
      pieces[pieces.length - 1] = { ...last, text: last.text + piece.text };
    else pieces.push(piece);
    timer ??= setTimeout(publish, collectMs).unref();
  }

  function publish(): void {
    clearTimeout(timer);
    timer = undefined;
    for (const [runId, pieces] of collected) {
      const published: Published = { from: token, pieces: pieces.map(withoutInput) };
      try {
        store.publish(runId, JSON.stringify(published));
      } catch (error) {
        problem(error as Error, runId);
      }
    }
    collected.clear();
  }

  return {
    emit(runId, piece) {
      for (const listener of listeners.get(runId) ?? []) listener(piece);
      collect(runId, piece);
    },
    subscribe(runId, listener) {
      // A function of its own, so that the same listener can listen twice.
      const own = (piece: PartialText): void => listener(piece);
      const all = listeners.get(runId) ?? new Set();
      listeners.set(runId, all.add(own));
      const unsubscribe = store.subscribe(runId, (text) => {
        const { from, pieces } = JSON.parse(text) as Published;
        if (from === token) return;
        for (const { part, ...piece } of pieces) own({ ...piece, part });
      });
      return () => {
        unsubscribe();
        all.delete(own);
        if (all.size === 0 && listeners.get(runId) === all) listeners.delete(runId);
      };
    },
    stop: publish,
  };
}

function isSamePart(one: PartialText, other: PartialText): boolean {
  return (
    one.invocation.key === other.invocation.key && one.attempt === other.attempt && one.part === other.part
  );
}

function withoutInput({ invocation, ...piece }: PartialText): Published['pieces'][number] {
  const { input: _, ...rest } = invocation;
  return { ...piece, invocation: rest };
}
