/**
 * What a vote gives, and its schema, made of those of its voters. It takes each outcome as it is, and makes one of what the
 * voters say, so that in what is derived from it the ballots bear the outcome out.
 */
import { z, type ZodType } from 'zod';

import type { DurableActor } from '../invocation.ts';
import type { PlainError } from '../plain-error.ts';
import { eitherOf } from './either-of.ts';
import { plainErrorOf } from './plain-error-of.ts';

export type VoteOutcome<TAnswer> =
  | {
      readonly decided: true;
      readonly answer: TAnswer;
      /** For the answer. */
      readonly votes: number;
      readonly of: number;
      readonly ballots: ReadonlyArray<Ballot<TAnswer>>;
    }
  | {
      readonly decided: false;
      readonly of: number;
      readonly ballots: ReadonlyArray<Ballot<TAnswer>>;
    };

/** What one voter said, or why it said nothing. */
export type Ballot<TAnswer> =
  | { readonly voter: string; readonly answer: TAnswer }
  | { readonly voter: string; readonly error: PlainError };

export interface VoteParts {
  readonly voters: readonly DurableActor[];
  /** How many votes an answer may have that was decided on, the likeliest first. */
  readonly votes: readonly number[];
  /** A judge hears all voters; else it is over once enough agree. */
  readonly isJudged: boolean;
  /** What comes of ballots that do not agree. */
  readonly count: (ballots: ReadonlyArray<Ballot<unknown>>) => VoteOutcome<unknown>;
}

/** Undefined if one of the voters does not say what it gives. */
export function voteOutput({ voters, votes, isJudged, count }: VoteParts): ZodType | undefined {
  const Answer = eitherOf(voters);
  if (!Answer) return undefined;
  const of = voters.length;
  /** Those who are left have failed. */
  const ballotsOf = (answers: readonly unknown[]): Array<Ballot<unknown>> =>
    voters.map(({ name }, index) =>
      index < answers.length ? { voter: name, answer: answers[index] } : { voter: name, error: noAnswer },
    );

  const Agreed = z
    .object({ agreed: Answer, votes: z.literal([...votes]) })
    .transform(({ agreed: answer, votes: cast }): VoteOutcome<unknown> => {
      const answers = Array.from({ length: cast }, () => answer);
      return {
        decided: true,
        answer,
        votes: cast,
        of,
        ballots: ballotsOf(answers).slice(0, isJudged ? of : cast),
      };
    });
  const Split = z
    .object({ split: z.array(Answer).max(of) })
    .transform(({ split }): VoteOutcome<unknown> => count(ballotsOf(split)));
  return z.union([Agreed, Split, outcomeAsItIs(Answer, { decided: false, of, ballots: ballotsOf([]) })]);
}

const noAnswer: PlainError = { name: 'Error', message: 'It failed.' };

function outcomeAsItIs(answer: ZodType, example: VoteOutcome<unknown>): ZodType {
  const Cast = z.union([
    z.strictObject({ voter: z.string(), answer }),
    z.strictObject({ voter: z.string(), error: plainErrorOf(noAnswer) }),
  ]);
  const of = z.literal(example.of);
  const Outcome = z.discriminatedUnion('decided', [
    z.object({ decided: z.literal(true), answer, votes: z.int().min(1), of, ballots: z.array(Cast) }),
    z.object({ decided: z.literal(false), of, ballots: z.array(Cast) }),
  ]);
  return z
    .custom<VoteOutcome<unknown>>(
      (given) => Outcome.safeParse(given).success,
      'Expected the outcome of a vote.',
    )
    .meta({ examples: [example] });
}
