/** All of it again on the build of XState that Node loads by default; tests otherwise run on its development build. */
import { createActor, createMachine } from 'xstate';
import { expect, it, vi } from 'vitest';

vi.mock('xstate', () => import('../../node_modules/xstate/dist/xstate.esm.js' as string));

await import('./advance.test.ts');
await import('./advance.effects.test.ts');
await import('./advance.endings.test.ts');
await import('./advance.inline-spawn.test.ts');
await import('./advance.invoked.test.ts');
await import('./advance.nested.test.ts');
await import('./advance.observed.test.ts');
await import('./advance.spawned.test.ts');
await import('./advance.states.test.ts');
await import('./advance.timers.test.ts');
await import('./advance.traps.test.ts');
await import('./advance.view.test.ts');

it('is not the development build, which tells of events to actors that have stopped', () => {
  const warn = vi.spyOn(console, 'warn');
  const actor = createActor(createMachine({})).start();
  actor.stop();
  actor.send({ type: 'LATE' });
  expect(warn).not.toHaveBeenCalled();
});
