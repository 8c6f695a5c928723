/**
 * `person`: marks a state in which a person decides, and says what they are asked.
 *
 * It returns plain XState state configuration (`tags` and `meta`) to spread into the state. The answers are the
 * events that the state accepts; a time limit is the state's own `after`.
 */

export interface PersonQuestion {
  /** What is to be decided, in a line: "Approve a refund of 250 EUR". */
  readonly title: string;
  /** What the person should look at and what each answer does. */
  readonly instructions?: string;
  /** Keys of the machine's context that the person needs to see. The default shows all of it. */
  readonly shows?: readonly string[];
}

export interface PersonState {
  readonly tags: readonly ['person'];
  readonly meta: { readonly person: PersonQuestion };
}

/**
 * @example
 * ```ts
 * awaitingApproval: {
 *   ...person({ title: 'Approve the refund', shows: ['ticket', 'decision'] }),
 *   on: { APPROVE: 'refunding', REJECT: 'drafting' },
 *   after: { approvalTime: 'escalated' },
 * }
 * ```
 */
export function person(question: PersonQuestion): PersonState {
  return { tags: ['person'], meta: { person: question } };
}

/** The question in a state's `meta`, if it has one. */
export function personQuestion(meta: unknown): PersonQuestion | undefined {
  if (typeof meta !== 'object' || meta === null || !('person' in meta)) return undefined;
  return meta.person as PersonQuestion;
}
