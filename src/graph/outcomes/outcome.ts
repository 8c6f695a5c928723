/** One way in which an invocation may end. */
export type Outcome =
  /** `guessed`: nothing is known of what it answers, so this is nothing. */
  | { readonly label: string; readonly output: unknown; readonly guessed?: true }
  | { readonly label: string; readonly error: unknown };
