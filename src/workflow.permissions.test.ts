/** What a workflow allows its actors to touch. */
import { fromPromise, fromTransition, setup } from 'xstate';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';

import { fromMap } from './actors/from-map.ts';
import { fromModel } from './actors/from-model.ts';
import { fromTool } from './actors/from-tool.ts';
import type { Permissions } from './invocation.ts';
import { defineWorkflow } from './workflow.ts';

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
