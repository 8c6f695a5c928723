import { afterEach, describe, expect, it } from 'vitest';
import { assign, setup } from 'xstate';

import { memoryStore } from '../../persistence/memory.ts';
import { defineWorkflow } from '../workflow.ts';
import { createEngine, type Engine } from './engine.ts';

const engines: Engine[] = [];

afterEach(async () => {
  await Promise.all(engines.splice(0).map((engine) => engine.stop()));
});

const notes = defineWorkflow({
  version: '1',
  machine: setup({
    types: {
      context: {} as { title: string; text: string },
      input: {} as { text: string },
      events: {} as { type: 'ADD'; text: string } | { type: 'END' },
    },
  }).createMachine({
    id: 'notes',
    context: ({ input }) => ({ title: 'mine', text: input.text }),
    initial: 'open',
    states: {
      open: {
        on: {
          ADD: { actions: assign({ text: ({ context, event }) => context.text + event.text }) },
          END: 'closed',
        },
      },
      closed: { type: 'final' },
    },
  }),
});

function engineWith(maxStateBytes: number): Engine {
  const engine = createEngine({ workflows: [notes], store: memoryStore(), maxStateBytes });
  engines.push(engine);
  return engine;
}

describe('a state larger than `maxStateBytes`', () => {
  it('fails the run that an event leads there, with the field that is to blame; the state before is kept', async () => {
    const engine = engineWith(2_000);
    const run = await engine.start(notes, { id: 'r', input: { text: 'a' } });
    await run.send({ type: 'ADD', text: 'b'.repeat(500) });
    await run.send({ type: 'ADD', text: 'c'.repeat(2_000) });
    expect((await run.snapshot()).status).toBe('failed');
    await expect(run.result()).rejects.toMatchObject({
      code: 'RUN_FAILED',
      cause: { code: 'STATE_TOO_LARGE', details: { runId: 'r', maxBytes: 2_000, field: 'text' } },
    });
    expect((await run.snapshot()).context).toEqual({ title: 'mine', text: `a${'b'.repeat(500)}` });
    const last = (await run.history()).at(-1);
    expect(last).toMatchObject({ type: 'message', message: { type: 'fail' }, status: 'failed' });
  });

  it('is refused as a first state, and its id stays free', async () => {
    const engine = engineWith(2_000);
    await expect(engine.start(notes, { id: 'r', input: { text: 'x'.repeat(2_000) } })).rejects.toMatchObject({
      code: 'STATE_TOO_LARGE',
      details: { field: 'text' },
    });
    const run = await engine.start(notes, { id: 'r', input: { text: 'short' } });
    await run.send({ type: 'END' });
    await run.result();
  });

  it.each([0, -1, 1.5, Number.NaN])('is not decided by %s', (bytes) => {
    expect(() => engineWith(bytes)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }));
  });
});
