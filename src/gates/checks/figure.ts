/** A figure as it stands in text, with every reading of it. */
export interface Figure {
  /** As it is written, with its unit. */
  readonly text: string;
  /** Where it begins. */
  readonly at: number;
  /** Decimals that it may mean: `1.234` is two. */
  readonly numbers: readonly string[];
  /** What it is a figure of, where that is said: `%`, or the currencies that its sign may stand for. */
  readonly units: readonly string[];
  /** What it may be a figure of, by what stands near. */
  readonly nearby?: readonly string[];
  /** The numbers that it has if it is a list without spaces: `120,495`. */
  readonly parts?: ReadonlyArray<readonly string[]>;
  /** It may be no count at all: "one of them". */
  readonly isVague?: boolean;
  readonly dates?: readonly CalendarDate[];
  readonly time?: string;
}

/** A day or a month, as far as it is said. */
export interface CalendarDate {
  readonly year?: number;
  readonly month: number;
  readonly day?: number;
}
