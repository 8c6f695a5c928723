import { describe, expect, it } from 'vitest';
import { z } from 'zod';

import type { DurableActor, InvocationScope } from '../../invocation.ts';
import { createScript, type Script } from './script.ts';

const pay: DurableActor = {
  kind: 'tool',
  name: 'pay',
  input: z.number(),
  irreversible: true,
  idempotent: false,
  perform: async () => {},
};

function scopeOf(key: string): InvocationScope {
  return { runId: 'run', key: `run/${key}`, signal: AbortSignal.abort() } as InvocationScope;
}

function scriptWaitingFor(...pending: readonly string[]): { script: Script; problems: string[] } {
  const problems: string[] = [];
  const script = createScript({
    isPending: (key) => pending.includes(key),
    fail: (problem) => problems.push(problem),
    changed: () => {},
  });
  return { script, problems };
}

describe('the script of a run', () => {
  it('ends a performance as it is told', async () => {
    const { script, problems } = scriptWaitingFor('pay#1', 'pay#2');
    const first = script.answer(pay, 1, scopeOf('pay#1'));
    const second = script.answer(pay, 1, scopeOf('pay#2'));
    expect(script.isOpen('pay#1')).toBe(true);
    script.settle('pay#1', { output: 'paid' });
    script.settle('pay#2', { error: new Error('No money.') });
    expect(script.isOpen('pay#1')).toBe(false);
    await expect(first).resolves.toBe('paid');
    await expect(second).rejects.toThrow('No money.');
    expect(problems).toEqual([]);
  });

  it('tells of what is performed though the machine does not wait for it', () => {
    const { script, problems } = scriptWaitingFor();
    void script.answer(pay, 1, scopeOf('pay#1'));
    expect(problems).toEqual(['`pay` was performed for `pay#1`, which the machine does not wait for.']);
  });

  it('tells of what one process performs twice, whatever it is', () => {
    const { script, problems } = scriptWaitingFor('look#1');
    const look = { ...pay, name: 'look', irreversible: false };
    void script.answer(look, 1, scopeOf('look#1'));
    script.settle('look#1', { output: 'seen' });
    void script.answer(look, 1, scopeOf('look#1'));
    expect(problems).toEqual(['`look` was performed twice for `look#1` by one process.']);
  });

  it('tells what goes on though it is left, unless it was told by its signal', () => {
    const { script } = scriptWaitingFor('pay#1', 'pay#2', 'pay#3');
    const { signal } = new AbortController();
    for (const key of ['pay#1', 'pay#2']) {
      script.answer({ ...pay, name: key }, 1, { ...scopeOf(key), signal }).catch(() => {});
    }
    void script.answer(pay, 1, scopeOf('pay#3'));
    expect(script.goingOn((key) => key === 'pay#1')).toEqual(['pay#2']);
  });

  it('lets the next process repeat what may be repeated', () => {
    const { script, problems } = scriptWaitingFor('look#1', 'pay#1');
    for (const actor of [
      { ...pay, irreversible: false },
      { ...pay, idempotent: true },
    ]) {
      const key = actor.idempotent ? 'pay#1' : 'look#1';
      void script.answer(actor, 1, scopeOf(key));
      script.endLife();
      expect(script.isOpen(key)).toBe(false);
      void script.answer(actor, 1, scopeOf(key));
    }
    expect(problems).toEqual([]);
  });

  it('tells of an effect that the next process repeats', () => {
    const { script, problems } = scriptWaitingFor('pay#1');
    void script.answer(pay, 1, scopeOf('pay#1'));
    script.endLife();
    void script.answer(pay, 1, scopeOf('pay#1'));
    expect(problems).toEqual([expect.stringMatching(/^`pay` had a second effect for `pay#1`/)]);
  });

  it('tells of what the next process repeats with another input', () => {
    const { script, problems } = scriptWaitingFor('look#1');
    const look = { ...pay, name: 'look', idempotent: true };
    void script.answer(look, 1, scopeOf('look#1'));
    script.endLife();
    void script.answer(look, 2, scopeOf('look#1'));
    expect(problems).toEqual([
      '`look` was performed again for `look#1` with another input, so it may have had a second effect.',
    ]);
  });

  it('tells of an input that the schema refuses, if the actor is to give an output', () => {
    const { script, problems } = scriptWaitingFor('pay#1', 'pay#2');
    script.answer(pay, 'all', scopeOf('pay#1')).catch(() => {});
    script.settle('pay#1', { error: new Error('No.') });
    expect(problems).toEqual([]);
    void script.answer(pay, 'all', scopeOf('pay#2'));
    script.settle('pay#2', { output: 'paid' });
    expect(problems).toEqual([expect.stringMatching(/^The machine gave `pay` an input/)]);
  });
});

describe('effects, by their idempotency keys', () => {
  const Ticket = z.object({ id: z.number(), cents: z.number() });
  const refund = (idempotencyKey: NonNullable<DurableActor['idempotencyKey']>): DurableActor => ({
    ...pay,
    name: 'refund',
    input: Ticket,
    idempotent: true,
    idempotencyKey,
  });
  const byTicket = refund((ticket) => `refund:${(ticket as z.infer<typeof Ticket>).id}`);
  const seven = { id: 7, cents: 500 };

  function performed(script: Script, actor: DurableActor, key: string, input: unknown): void {
    void script.answer(actor, input, scopeOf(key));
    script.settle(key, { output: 'refunded' });
  }

  it('are one if they are performed again under the same key', () => {
    const { script, problems } = scriptWaitingFor('refund#1');
    void script.answer(byTicket, seven, scopeOf('refund#1'));
    script.endLife();
    performed(script, byTicket, 'refund#1', seven);
    expect(problems).toEqual([]);
  });

  it('are one if another invocation asks for the same under the same key', () => {
    const { script, problems } = scriptWaitingFor('refund#1', 'refund#2');
    performed(script, byTicket, 'refund#1', seven);
    performed(script, byTicket, 'refund#2', { ...seven });
    expect(problems).toEqual([]);
  });

  it('are two if what is performed again gives another key', () => {
    let asked = 0;
    const random = refund(() => `refund ${++asked}`);
    const { script, problems } = scriptWaitingFor('refund#1');
    void script.answer(random, seven, scopeOf('refund#1'));
    script.endLife();
    void script.answer(random, seven, scopeOf('refund#1'));
    expect(problems).toEqual([
      "`refund` had a second effect for `refund#1`: it was performed again with the idempotency key `refund 2`, and before with `refund 1`. Make the key of the input and the invocation's own key alone.",
    ]);
  });

  it('are lost if another is asked for under the key of one that was done', () => {
    const { script, problems } = scriptWaitingFor('refund#1', 'refund#2');
    performed(script, byTicket, 'refund#1', seven);
    performed(script, byTicket, 'refund#2', { id: 7, cents: 900 });
    expect(problems).toEqual([
      '`refund` was asked for another effect under the idempotency key `refund:7`: for `refund#1` it was done, and for `refund#2` it has another input, so it will not be. Make the key of all that makes it another effect.',
    ]);
  });

  it('are not lost if the one before was not done, nor by the key of another actor', () => {
    const { script, problems } = scriptWaitingFor('refund#1', 'refund#2', 'mail#1');
    script.answer(byTicket, seven, scopeOf('refund#1')).catch(() => {});
    script.settle('refund#1', { error: new Error('No.') });
    performed(script, byTicket, 'refund#2', { id: 7, cents: 900 });
    performed(script, { ...byTicket, name: 'mail' }, 'mail#1', { id: 7, cents: 1 });
    expect(problems).toEqual([]);
  });

  it('have a key for every input that their actor takes, and need none for another', () => {
    const picky = refund((ticket) => {
      if ((ticket as { cents: number }).cents < 0) throw new Error('Less than nothing.');
      return String((ticket as z.infer<typeof Ticket>).id.toFixed());
    });
    const { script, problems } = scriptWaitingFor('refund#1', 'refund#2');
    void script.answer(picky, 'no ticket', scopeOf('refund#1'));
    expect(problems).toEqual([]);
    void script.answer(picky, { id: 7, cents: -1 }, scopeOf('refund#2'));
    expect(problems).toEqual(['`idempotencyKey` of `refund` throws for `refund#2`: Less than nothing.']);
  });
});
