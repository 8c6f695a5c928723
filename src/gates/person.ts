/**
 * `person`: marks a state in which a person decides, and declares what they are asked.
 *
 * It returns plain XState state configuration (`tags` and `meta`) to spread into the state. The answers stay the state's
 * own `on`, and its times its own `after`: there XState checks their targets, guards and actions, every
 * reader, editor and path search sees them, and they work without Signalbox. What is declared here is what a
 * machine cannot say of them; `defineWorkflow` refuses a declaration that its machine does not bear out.
 */
import type { MachineContext } from 'xstate';
import type { ZodType } from 'zod';

import { InvalidOption } from '../errors.ts';
import { matchesDescriptor } from '../event-descriptor.ts';

export interface PersonQuestion<TContext extends MachineContext = MachineContext> {
  /** What is to be decided, in a line: "Approve a refund of 250 EUR". */
  readonly title: Told<TContext, string>;
  /** What the person should look at and what each answer does. */
  readonly instructions?: Told<TContext, string>;
  /** What the person needs to see: keys of the machine's context, or data made of it. The default shows all of it. */
  readonly shows?:
    | ReadonlyArray<keyof TContext & string>
    | ((args: QuestionArgs<TContext>) => Readonly<Record<string, unknown>>);
  /** The answers, by event type. If they are declared, all are. Default: the events of the state, with nothing said of them. */
  readonly answers?: Readonly<Record<string, PersonAnswer<TContext>>>;
  /** Who may answer. Default: anyone. */
  readonly who?: Told<TContext, Who>;
  /**
   * What a model proposes, in the shape of an answer's fields: `{ amount: 250 }`. It is shown with the question; what
   * becomes of it is on record with the answer. `undefined`: it proposes nothing this time.
   */
  readonly proposes?: (args: QuestionArgs<TContext>) => unknown;
  /** When the answer is due: the key in `after`, of this state or one above it, of the transition that then goes on without one. */
  readonly due?: string | number;
  /** When the person is reminded: the key in `after`, of this state or one in it, of the transition that does so. */
  readonly remind?: string | number;
}

export interface PersonAnswer<TContext extends MachineContext = MachineContext> {
  /** What a button says. */
  readonly label?: string;
  /** The fields: it checks the event without its `type`, like a schema in `defineWorkflow({ events })`, and in its place. */
  readonly schema?: ZodType;
  /** Who may give this answer, instead of who may answer the question. */
  readonly who?: Told<TContext, Who>;
  /** What becomes of the proposal: `accepted` as it is, `edited` to what the event's fields say, or `rejected`. */
  readonly proposal?: ProposalFate;
}

export type ProposalFate = 'accepted' | 'edited' | 'rejected';

/** Text or data as it is, or made of the context: pure, and at once. */
export type Told<TContext extends MachineContext, T> = T | ((args: QuestionArgs<TContext>) => T);

export interface QuestionArgs<TContext extends MachineContext> {
  readonly context: TContext;
}

/** People by their ids or by their roles; any one of them will do. */
export interface Who {
  readonly ids?: readonly string[];
  readonly roles?: readonly string[];
}

/** Who answers. It is for the application to know that they are who they say. */
export interface Answerer {
  readonly id: string;
  readonly roles?: readonly string[];
}

export interface PersonState {
  readonly tags: readonly ['person'];
  readonly meta: { readonly person: PersonQuestion };
}

/**
 * Throws `InvalidOption` if what is declared makes no sense by itself.
 *
 * @example
 * ```ts
 * awaitingApproval: {
 *   ...person<Context>({
 *     title: ({ context }) => `Approve a refund of ${context.amount} EUR`,
 *     shows: ['ticket', 'decision'],
 *     who: { roles: ['approver'] },
 *     proposes: ({ context }) => ({ amount: context.amount }),
 *     answers: {
 *       APPROVE: { label: 'Approve', proposal: 'accepted' },
 *       EDIT: { label: 'Change', schema: z.object({ amount: z.number() }), proposal: 'edited' },
 *       REJECT: { label: 'Reject', schema: z.object({ reason: z.string() }), proposal: 'rejected' },
 *     },
 *     due: 'approvalTime',
 *   }),
 *   on: { APPROVE: 'refunding', EDIT: { target: 'refunding', actions: 'edit' }, REJECT: 'drafting' },
 *   after: { approvalTime: 'escalated' },
 * }
 * ```
 *
 * Reminders that repeat without moving the due time are the `after` of a state inside, which enters itself again:
 *
 * @example
 * ```ts
 * awaitingApproval: {
 *   ...person({ title: 'Approve the refund', due: 'approvalTime', remind: 'reminderTime' }),
 *   on: { APPROVE: 'refunding' },
 *   after: { approvalTime: 'escalated' },
 *   initial: 'waiting',
 *   states: { waiting: { after: { reminderTime: { target: 'waiting', reenter: true, actions: 'remind' } } } },
 * }
 * ```
 *
 * An action is performed at most once; a reminder that must go out is sent by an actor that a state beside `waiting`
 * invokes, with `onDone: 'waiting'`.
 */
export function person<TContext extends MachineContext = MachineContext>(
  question: PersonQuestion<TContext>,
): PersonState {
  const { title, who, answers = {}, proposes } = question;
  if (typeof title !== 'function' && (typeof title !== 'string' || title.trim() === '')) {
    throw new InvalidOption(
      `Expected \`title\` of a question to be text or a function, got \`${String(title)}\`.`,
    );
  }
  const name = typeof title === 'string' ? `Question "${title}"` : 'A question';
  const [noOne] = [who, ...Object.values(answers).map((answer) => answer.who)].filter(
    (one) =>
      one !== undefined &&
      typeof one !== 'function' &&
      (one.ids ?? []).length + (one.roles ?? []).length === 0,
  );
  if (noOne) {
    throw new InvalidOption(`${name} may be answered by nobody: give \`who\` some \`ids\` or \`roles\`.`);
  }
  const hasFate = Object.values(answers).some(({ proposal }) => proposal !== undefined);
  if ((proposes !== undefined) !== hasFate) {
    throw new InvalidOption(
      hasFate
        ? `${name} has answers with \`proposal\`, but no \`proposes\` that says what is proposed.`
        : `${name} has \`proposes\`, but no answer that says with \`proposal\` what becomes of it.`,
    );
  }
  return { tags: ['person'], meta: { person: question as unknown as PersonQuestion } };
}

/** The question in a state's `meta`, if it has one. */
export function personQuestion(meta: unknown): PersonQuestion | undefined {
  if (typeof meta !== 'object' || meta === null || !('person' in meta)) return undefined;
  return meta.person as PersonQuestion;
}

// --- as it is asked ---------------------------------------------------------------------------------------------------

/** What people are asked in a state at one moment: plain data. */
export interface StateQuestion {
  /** Id of the state that asks. */
  readonly state: string;
  readonly title: string;
  readonly instructions?: string;
  /** What the person needs to see. Left out: the whole context. */
  readonly shows?: Readonly<Record<string, unknown>>;
  readonly answers: readonly StateAnswer[];
  /** Who may answer. Left out: anyone. */
  readonly who?: Who;
  /** What is proposed. */
  readonly proposed?: unknown;
  /** When the machine goes on without an answer, in milliseconds since the epoch. */
  readonly dueAt?: number;
  /** When the person is next reminded. */
  readonly remindAt?: number;
  /** What of the question could not be made of the context, and why. */
  readonly problem?: string;
}

export interface StateAnswer {
  /** Its type; may be a descriptor such as `user.*`. */
  readonly event: string;
  readonly label?: string;
  /** Who may give this answer. Left out: anyone. */
  readonly who?: Who;
  readonly proposal?: ProposalFate;
}

export interface AskedWhere {
  /** Id of the state. */
  readonly state: string;
  readonly context: MachineContext;
  /** Types of the events of the state, which are its answers if it declares none. */
  readonly events: readonly string[];
  readonly dueAt?: number | undefined;
  readonly remindAt?: number | undefined;
}

/** A question as it is asked now. What of it throws does not keep the rest from being asked; nobody may answer if `who` does. */
export function askedQuestion(question: PersonQuestion, where: AskedWhere): StateQuestion {
  const { context, state } = where;
  const problems: string[] = [];
  const tell = <T>(key: string, told: Told<MachineContext, T> | undefined, failing: T): T | undefined => {
    if (typeof told !== 'function') return told;
    try {
      return (told as (args: QuestionArgs<MachineContext>) => T)({ context });
    } catch (error) {
      problems.push(`\`${key}\` threw: ${error instanceof Error ? error.message : String(error)}`);
      return failing;
    }
  };
  const { shows, answers } = question;
  const title = tell('title', question.title, `(question of ${state})`);
  const instructions = tell('instructions', question.instructions, '');
  const who = tell('who', question.who, nobody);
  const proposed = tell<unknown>('proposes', question.proposes, undefined);
  const shown =
    typeof shows === 'function'
      ? tell<Readonly<Record<string, unknown>>>('shows', shows, {})
      : shows && Object.fromEntries(Object.entries(context).filter(([key]) => shows.includes(key)));
  const stateAnswers = answers
    ? Object.entries(answers).map(([event, { label, who: own, proposal }]) => ({
        event,
        ...given('label', label),
        ...given('who', tell(`answers.${event}.who`, own, nobody) ?? who),
        ...given('proposal', proposal),
      }))
    : where.events.map((event) => ({ event, ...given('who', who) }));
  return {
    state,
    title: title ?? '',
    ...given('instructions', instructions),
    ...given('shows', shown),
    answers: stateAnswers,
    ...given('who', who),
    ...given('proposed', proposed),
    ...given('dueAt', where.dueAt),
    ...given('remindAt', where.remindAt),
    ...(problems.length > 0 ? { problem: problems.join('; ') } : {}),
  };
}

const nobody: Who = { ids: [], roles: [] };

function given<TKey extends string, T>(key: TKey, value: T | undefined): { readonly [K in TKey]?: T } {
  return (value === undefined ? {} : { [key]: value }) as { readonly [K in TKey]?: T };
}

// --- as it is answered ------------------------------------------------------------------------------------------------

/** The question's answer that an event of this type is, if it is one. */
export function answerTo(question: StateQuestion, type: string): StateAnswer | undefined {
  const { answers } = question;
  return (
    answers.find(({ event }) => event === type) ?? answers.find(({ event }) => matchesDescriptor(type, event))
  );
}

/** Whether they may answer the question with an event of this type. What is no answer to it, anyone may send. */
export function mayAnswer(question: StateQuestion, type: string, by: Answerer | undefined): boolean {
  const who = answerTo(question, type)?.who;
  if (!who) return true;
  if (!by) return false;
  const { ids = [], roles = [] } = who;
  return ids.includes(by.id) || (by.roles ?? []).some((role) => roles.includes(role));
}

/** `dana, role approver or role lead`. */
export function describeWho({ ids = [], roles = [] }: Who): string {
  const names = [...ids, ...roles.map((role) => `role ${role}`)];
  const last = names.pop();
  if (last === undefined) return 'nobody';
  return names.length === 0 ? last : `${names.join(', ')} or ${last}`;
}

/** Throws `InvalidOption` if it does not say who answers. */
export function assertAnswerer(by: unknown): asserts by is Answerer {
  const { id, roles = [] } = (typeof by === 'object' && by !== null ? by : {}) as Partial<Answerer>;
  const isFit =
    typeof id === 'string' &&
    id.trim() !== '' &&
    Array.isArray(roles) &&
    roles.every((role) => typeof role === 'string');
  if (!isFit) {
    throw new InvalidOption(
      'Expected `by` to say who answers, such as `{ id: "dana", roles: ["approver"] }`, with an id that is not empty.',
    );
  }
}
