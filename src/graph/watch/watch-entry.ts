/** What a watched workflow tells of one message. */
import type { Read, Watched } from './reads.ts';

/** What happened, in order. */
export type WatchEntry =
  /** The route depended on this. */
  | { readonly type: 'read'; readonly reads: ReadonlySet<Read> }
  /** Keys of the context were written at once, each from what is told of it. */
  | { readonly type: 'write'; readonly writes: ReadonlyMap<string, Watched> }
  | GuardAnswer;

export interface GuardAnswer {
  readonly type: 'guard';
  readonly use: GuardUse;
  readonly passed: boolean;
  /** The gates that it asked, if these are watched. */
  readonly gates?: GatesAsked;
}

/** Gates that were asked together, and what they looked at. */
export interface GatesAsked {
  readonly names: readonly string[];
  /** Of the context, and of the event. */
  readonly context: ReadonlySet<Read>;
  readonly event: ReadonlySet<Read>;
}

/** A guard at one place. */
export interface GuardUse {
  readonly name: string;
  /** The id of the transition that it guards. */
  readonly transition: string;
}
