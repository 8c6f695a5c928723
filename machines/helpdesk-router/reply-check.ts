/**
 * The one check that every draft passes before it goes out, the agent's too: plain functions over plain data, made of the
 * library's checks. Their reasons are sentences that a person and a model can act on.
 */
import { avoids, type Check, figuresStandIn, judge, lengthWithin, mentions } from 'signalbox';
import { z } from 'zod';

import type { Facts, RequestText } from './schemas.ts';
import { claimsOfAlarm, linksIn, promises, refundPromises, secretForms, secretsIn } from './wordings.ts';
import { isUnspaced, tellingWords, wholeText } from './words.ts';

/** What a reply is judged by. */
export interface Grounds {
  readonly request: RequestText;
  /** The words of the request that say what it is about: the reply has to name one of them. */
  readonly problem: string;
  readonly facts: Facts | null;
}

export interface Faults {
  /** The draft does not go out as it is, whoever says so. */
  readonly barring: readonly string[];
  /** A person may let it go out all the same. */
  readonly doubtful: readonly string[];
}

export const noFaults: Faults = { barring: [], doubtful: [] };

const mostWords = 250;
const mostWordsToName = 12;

/** What is wrong with a reply, in view of what is known. */
export function faultsOfReply(reply: string, grounds: Grounds): Faults {
  const barring = judge([z.string().trim().min(1, 'It is empty.'), ...barringChecks(grounds)], reply).reasons;
  const isEmpty = reply.trim() === '';
  return { barring, doubtful: isEmpty ? [] : judge(doubtfulChecks(grounds), reply).reasons };
}

export function allFaults({ barring, doubtful }: Faults): string[] {
  return [...barring, ...doubtful];
}

/** Why a person's own words may not go out: all but secrets is theirs to say. */
export function faultsOfOwnReply(text: string, request: RequestText): readonly string[] {
  return judge(secretChecks(request), text).reasons;
}

function barringChecks({ request, facts }: Grounds): Check<string>[] {
  return [
    ...secretChecks(request),
    avoids(refundPromises, { why: 'Whether money goes back is not decided here.' }),
    linksStandIn(facts),
    ...(facts?.incident ? [] : [avoids(claimsOfAlarm, { why: 'Nobody was told.' })]),
  ];
}

function doubtfulChecks({ request, problem, facts }: Grounds): Check<string>[] {
  const words = tellingWords(problem, mostWordsToName);
  return [
    lengthWithin({ max: mostWords, unit: 'words' }),
    figuresStandIn([wholeText(request), JSON.stringify(facts)], { except: ['24/7'] }),
    avoids(promises, { why: 'Nobody has agreed to that.' }),
    ...(words.length > 0 ? [namesOneOf(words)] : []),
  ];
}

function secretChecks(request: RequestText): Check<string>[] {
  const secrets = [...secretForms, ...secretsIn(wholeText(request))];
  return [avoids(secrets, { why: 'A secret is not repeated.' })];
}

/** A sender's own link is not passed on either: a reply comes from the desk, and so does what it links to. */
function linksStandIn(facts: Facts | null): Check<string> {
  const known = new Set(linksIn(JSON.stringify(facts)));
  return (reply) =>
    linksIn(reply)
      .filter((link) => !known.has(link))
      .map((link) => `The link ${link} does not stand in the facts.`);
}

/** `charged` is named by `charge` too: it is the beginnings of the words that are looked for. */
function namesOneOf(words: readonly string[]): Check<string> {
  const check = mentions([words.map(beginning)]);
  return (reply) =>
    judge([check], reply).passed || [
      `It does not name the problem in the sender's words, such as: ${words.slice(0, 6).join(', ')}.`,
    ];
}

function beginning(word: string): RegExp {
  const letters = /^[\p{L}\p{N}]{1,5}/u.exec(word)?.[0] ?? word;
  return new RegExp(isUnspaced(word) ? letters : `(?<![\\p{L}\\p{N}])${letters}`, 'iu');
}
