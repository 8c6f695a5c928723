/** What the gates make of what a vote, an agent and a service said. */
import { describe, expect, it } from 'vitest';

import { faultsOfAgent, faultsOfVote } from './gates.ts';
import type { Classification, Route } from './schemas.ts';

const use = { turns: 3, toolCalls: 2, tokens: 900 };
const said = (route: Route): Classification => ({ route, others: [], quotes: ['x'] });

describe('a vote', () => {
  it('is decided if it says so', () => {
    const answer = said('billing');
    expect(faultsOfVote({ decided: true, answer, votes: 3, of: 5, ballots: [] })).toEqual([]);
  });

  it('that is not says how it stood, with those who gave no usable answer', () => {
    const ballots = [
      { voter: 'a', answer: said('billing') },
      { voter: 'b', error: { name: 'Error', message: 'no' } },
      { voter: 'c', answer: said('urgent') },
      { voter: 'd', answer: said('billing') },
    ];
    expect(faultsOfVote({ decided: false, of: 5, ballots })).toEqual([
      'The vote was split: billing 2, no usable answer 1, urgent 1.',
    ]);
  });
});

it('an agent has answered, or says why it has not', () => {
  const answer = { reply: 'x', sources: [] };
  expect(faultsOfAgent({ outcome: 'answered', answer, ...use })).toEqual([]);
  expect(faultsOfAgent({ outcome: 'handed-off', reason: 'It needs a signature.', ...use })).toEqual([
    'The agent handed it over: It needs a signature.',
  ]);
  expect(faultsOfAgent({ outcome: 'limit', limit: 'usd', ...use })).toEqual([
    'The agent came to its limit of usd after 3 turns.',
  ]);
});
