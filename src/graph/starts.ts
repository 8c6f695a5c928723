/** How runs may begin: with each example, or with what the input schema gives. */
import type { ZodType } from 'zod';

import { describeIssues, InvalidOption, type Issue } from '../errors.ts';
import type { AnyWorkflow, WorkflowExample } from '../workflow.ts';
import type { Move } from './moves.ts';
import { valuesOf } from './outcomes/values-of.ts';

/** Throws `InvalidOption` for an example that the input schema refuses. */
export function startsOf(
  { input: schema, ref }: AnyWorkflow,
  examples: ReadonlyArray<WorkflowExample<unknown>>,
): Move[] {
  const given =
    examples.length > 0 || !schema
      ? examples
      : valuesOf(schema)
          .values.slice(0, 1)
          .map((input) => ({ name: '', input }));
  if (given.length === 0) {
    return [{ type: 'start', name: 'start', label: '', input: undefined, guessed: true }];
  }
  return given.map(({ name, input }) => ({
    type: 'start',
    name: 'start',
    label: given.length === 1 ? '' : name,
    // What was derived is parsed already, and a schema need not take what it gave.
    input: examples.length > 0 && schema ? parsedExample(schema as ZodType, name, input, ref) : input,
  }));
}

function parsedExample(schema: ZodType, name: string, input: unknown, ref: string): unknown {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues as readonly Issue[];
  throw new InvalidOption(
    `Example \`${name}\` of \`${ref}\` is not as the input schema asks: ${describeIssues(issues)}`,
    { details: { issues } },
  );
}
