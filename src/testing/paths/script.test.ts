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
