/** What a workflow allows its actors to touch. */
import { fromPromise, fromTransition, setup } from 'xstate';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';

import { fromMap } from './actors/from-map.ts';
import { fromModel } from './actors/from-model.ts';
import { fromTool } from './actors/from-tool.ts';
import { fromWorkflow } from './actors/from-workflow.ts';
import type { Permissions } from './invocation.ts';
import { type AnyWorkflow, defineWorkflow } from './workflow.ts';

const Anything = z.unknown();

function tool(touches: { reads?: string[]; writes?: string[] }) {
  return fromTool({
    name: 'work',
    input: Anything,
    output: Anything,
    run: () => Promise.resolve(1),
    ...touches,
  });
}

function define(work: ReturnType<typeof tool>, permissions?: 'read-only' | Permissions) {
  const machine = setup({ actors: { work } }).createMachine({ id: 'w', invoke: { src: 'work', input: 1 } });
  return defineWorkflow({ machine, version: '1', ...(permissions && { permissions }) });
}

describe('a read-only workflow', () => {
  it('has tools that read, models and pure logic', () => {
    expect(() => define(tool({ reads: ['crm'] }), 'read-only')).not.toThrow();
    const machine = setup({
      actors: {
        ask: fromModel({ name: 'ask', model: 'claude-haiku-5-5', output: z.string(), prompt: () => 'Hi' }),
        count: fromTransition((count: number) => count + 1, 0),
      },
    }).createMachine({ id: 'w', invoke: [{ src: 'ask' }, { src: 'count' }] });
    expect(() => defineWorkflow({ machine, version: '1', permissions: 'read-only' })).not.toThrow();
  });

  it('refuses a tool that writes, wherever it stands', () => {
    const writer = tool({ reads: ['crm'], writes: ['crm'] });
    const refusal =
      'Actor `work` of workflow `w` (setup({ actors })) writes `crm`, and the workflow is read-only.';
    expect(() => define(writer, 'read-only')).toThrow(refusal);
    const each = fromMap({ name: 'all', input: z.array(Anything), items: (items) => items, each: writer });
    expect(() => define(each as never, 'read-only')).toThrow(refusal);
    const reader = fromTool({
      name: 'work',
      input: Anything,
      output: Anything,
      reads: ['crm'],
      run: () => Promise.resolve(1),
      fallback: [writer],
    });
    expect(() => define(reader, 'read-only')).toThrow(refusal);
    const child = setup({ actors: { work: writer } }).createMachine({ invoke: { src: 'work' } });
    const machine = setup({ actors: { child } }).createMachine({ id: 'w', invoke: { src: 'child' } });
    expect(() => defineWorkflow({ machine, version: '1', permissions: 'read-only' })).toThrow('writes `crm`');
  });

  it('refuses a tool that does not say, and plain promises', () => {
    expect(() => define(tool({}), 'read-only')).toThrow('does not say what it reads and writes');
    const machine = setup({ actors: { work: fromPromise(() => Promise.resolve(1)) } }).createMachine({
      id: 'w',
      invoke: { src: 'work' },
    });
    expect(() => defineWorkflow({ machine, version: '1', permissions: 'read-only' })).toThrow('does not say');
    expect(() => defineWorkflow({ machine, version: '1' })).not.toThrow();
  });
});

describe('a workflow with permissions', () => {
  it('refuses what goes beyond them', () => {
    const permissions = { reads: ['crm'], writes: ['mail'] };
    expect(() => define(tool({ reads: ['crm'], writes: ['mail'] }), permissions)).not.toThrow();
    expect(() => define(tool({ reads: ['payroll'] }), permissions)).toThrow(
      'reads `payroll`, which `permissions.reads` of the workflow does not allow.',
    );
    expect(() => define(tool({ writes: ['crm'] }), permissions)).toThrow(
      'writes `crm`, which `permissions.writes` of the workflow does not allow.',
    );
  });
});

describe('a workflow that another starts runs of', () => {
  const reader = tool({ reads: ['crm'] });
  const writer = tool({ reads: ['crm'], writes: ['crm'] });
  const silent = tool({});

  function child(id: string, work: ReturnType<typeof tool>, permissions?: 'read-only' | Permissions) {
    const machine = setup({ actors: { work } }).createMachine({ id, invoke: { src: 'work', input: 1 } });
    return defineWorkflow({ machine, version: '1', ...(permissions && { permissions }) });
  }
  const starting = (workflow: AnyWorkflow) =>
    fromWorkflow({ workflow }) as unknown as ReturnType<typeof tool>;

  it('counts as its actors together', () => {
    const { permissions } = starting(child('looksUp', reader)).signalbox;
    expect(permissions).toEqual({ reads: ['crm'], writes: [] });
    expect(starting(child('updates', writer)).signalbox.permissions).toEqual({
      reads: ['crm'],
      writes: ['crm'],
    });
    expect(starting(child('doesNotSay', silent)).signalbox.permissions).toBeUndefined();
    const nested = setup({ actors: { inner: child('inner', writer).machine } }).createMachine({
      id: 'outer',
      invoke: { src: 'inner' },
    });
    const outer = defineWorkflow({ machine: nested, version: '1' });
    expect(starting(outer).signalbox.permissions).toEqual({ reads: ['crm'], writes: ['crm'] });
  });

  it('counts as what it declares', () => {
    const declared = { reads: ['crm', 'mail'], writes: [] };
    expect(starting(child('declares', reader, declared)).signalbox.permissions).toEqual(declared);
    expect(starting(child('readsOnly', reader, 'read-only')).signalbox.permissions).toEqual({
      reads: ['crm'],
      writes: [],
    });
  });

  it('may be started from a read-only one if it only reads, at any depth', () => {
    const looksUp = child('looksUp', reader);
    expect(() => define(starting(looksUp), 'read-only')).not.toThrow();
    const between = child('between', starting(looksUp));
    expect(() => define(starting(between), 'read-only')).not.toThrow();
    expect(() => define(starting(between), { reads: ['crm'], writes: [] })).not.toThrow();
    const pure = defineWorkflow({
      machine: setup({ actors: { count: fromTransition((count: number) => count, 0) } }).createMachine({
        id: 'pure',
        invoke: { src: 'count' },
      }),
      version: '1',
    });
    expect(() => define(starting(pure), 'read-only')).not.toThrow();
  });

  it('is refused by name, with the actor in it that goes beyond, and what to do', () => {
    const place = '(setup({ actors }))';
    const updates = child('updates', writer);
    const start = `Actor \`work\` of workflow \`w\` ${place} starts runs of`;
    expect(() => define(starting(updates), 'read-only')).toThrow(
      `${start} \`updates@1\`, whose actor \`work\` ${place} writes \`crm\`, and workflow \`w\` is read-only. Allow it there, or start no such runs from it.`,
    );
    expect(() => define(starting(child('looksUp', reader)), { reads: ['mail'], writes: [] })).toThrow(
      `\`looksUp@1\`, whose actor \`work\` ${place} reads \`crm\`, which \`permissions.reads\` of workflow \`w\` does not allow. Allow it there,`,
    );
    expect(() => define(starting(child('doesNotSay', silent)), 'read-only')).toThrow(
      `${start} \`doesNotSay@1\`, whose actor \`work\` ${place} does not say what it reads and writes, and workflow \`w\` has \`permissions\`. Give it \`reads\` and \`writes\``,
    );
    expect(() => define(starting(child('between', starting(updates))), 'read-only')).toThrow(
      `${start} \`between@1\`, whose actor \`work\` ${place} starts runs of \`updates@1\`, whose actor \`work\` ${place} writes \`crm\``,
    );
  });

  it('is held to what it declares, even if it does less', () => {
    const declares = child('declares', reader, { reads: ['crm'], writes: ['crm'] });
    expect(() => define(starting(declares), 'read-only')).toThrow(
      'starts runs of `declares@1`, whose own `permissions` say that it writes `crm`, and workflow `w` is read-only. Narrow these, or start no such runs from it.',
    );
    expect(() => define(starting(declares), { reads: ['crm'], writes: ['crm'] })).not.toThrow();
  });

  it('counts wherever it is started from', () => {
    const updates = starting(child('updates', writer));
    const each = fromMap({ name: 'all', input: z.array(Anything), items: (items) => items, each: updates });
    expect(() => define(each as never, 'read-only')).toThrow('starts runs of `updates@1`');
    const reading = fromTool({
      name: 'work',
      input: Anything,
      output: Anything,
      reads: ['crm'],
      run: () => Promise.resolve(1),
      fallback: [updates],
    });
    expect(() => define(reading, 'read-only')).toThrow('starts runs of `updates@1`');
    const inner = setup({ actors: { updates } }).createMachine({ invoke: { src: 'updates', input: 1 } });
    const machine = setup({ actors: { inner } }).createMachine({ id: 'w', invoke: { src: 'inner' } });
    expect(() => defineWorkflow({ machine, version: '1', permissions: 'read-only' })).toThrow(
      'starts runs of `updates@1`',
    );
  });
});
