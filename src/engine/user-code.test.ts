/** Errors that the code of a run lets escape fail that run; those of others are the process's, as without an engine. */
import { describe, expect, it } from 'vitest';

import { startChild } from '../../test/fixtures/child.ts';

function letEscape(how: readonly [string, string], options: object = {}) {
  return startChild('escaped-errors.mjs', { how, ...options });
}

describe('an error that the code of a run lets escape', () => {
  it.each([
    ['action', 'self.send from a timer', 'DETACHED_ACTOR'],
    ['action', 'self.getSnapshot from a timer', 'DETACHED_ACTOR'],
    ['action', 'a throw in a timer', 'UNHANDLED_ERROR'],
    ['action', 'a rejection at once', 'UNHANDLED_ERROR'],
    ['settled actor', 'self.send from a timer', 'DETACHED_ACTOR'],
    ['settled actor', 'a rejection in a timer', 'UNHANDLED_ERROR'],
    ['pending actor', 'self.send from a timer', 'DETACHED_ACTOR'],
    ['pending actor', 'a throw in a timer', 'UNHANDLED_ERROR'],
  ])('fails that run alone: %s, %s', async (where, way, code) => {
    const child = letEscape([where, way]);
    const ended = await child.hears('ended');
    expect(ended).toMatchObject({ status: 'failed', code, other: 'done' });
    if (code === 'UNHANDLED_ERROR') expect(ended['cause']).toBe('boom');
    expect(await child.hears('stopped')).toMatchObject({ listeners: 0 });
    expect((await child.ended).code).toBe(0);
  });
});

describe('an error that is no run of the engine', () => {
  it.each(['throw', 'rejection'])('ends the process as Node does: %s', async (way) => {
    const { code, stderr } = await letEscape(['foreign', way]).ended;
    expect(code).toBe(1);
    expect(stderr).toContain('boom');
  });

  it.each(['throw', 'rejection'])('is left to the listeners that the process has: %s', async (way) => {
    const child = letEscape(['foreign', way], { listens: true });
    expect(await child.hears('ended')).toMatchObject({ status: 'waiting', heard: ['boom'], other: 'done' });
    expect((await child.ended).code).toBe(0);
  });
});
