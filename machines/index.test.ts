import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { readyWorkflows } from './index.ts';

describe.each(readyWorkflows.map((ready) => [ready.workflow.name, ready] as const))(
  '%s',
  (_, { workflow, samples }) => {
    it('says what it is for and who answers for it', () => {
      expect(workflow.title).toBeTruthy();
      expect(workflow.owner).toBeTruthy();
    });

    it('has a schema for its input and for every event', () => {
      expect(workflow.input).toBeDefined();
      const outside = (workflow.machine.events as string[]).filter((type) => !type.startsWith('xstate.'));
      expect(Object.keys(workflow.events ?? {}).sort()).toEqual(outside.sort());
    });

    it('has samples that its input schema takes', () => {
      const files = readdirSync(samples);
      expect(files.length).toBeGreaterThanOrEqual(24);
      const refused = files.filter((file) => {
        const input: unknown = JSON.parse(readFileSync(join(samples, file), 'utf8'));
        return !workflow.input?.safeParse(input).success;
      });
      expect(refused).toEqual([]);
    });

    it('has a README beside its samples', () => {
      expect(existsSync(join(samples, '..', 'README.md'))).toBe(true);
    });
  },
);
