/** What the author gives beside the schemas, held against them: outputs by the actor's `src`, payloads by the event's type. */
import type { ZodType } from 'zod';

import type { AnyWorkflow, WorkflowExample } from '../../workflow.ts';
import { actorOf } from '../actor-of.ts';
import { parsedExample } from './parsed-example.ts';

export type Examples = Pick<WorkflowExample<unknown>, 'name' | 'outputs' | 'events'>;

/** As the schemas give them; the examples of all together. */
export interface GivenExamples {
  readonly outputs: Readonly<Record<string, readonly unknown[]>>;
  readonly events: Readonly<Record<string, readonly unknown[]>>;
}

/** Throws `InvalidOption` for one that a schema refuses. */
export function examplesOf(workflow: AnyWorkflow, given: readonly Examples[]): GivenExamples {
  const outputs: Record<string, unknown[]> = {};
  const events: Record<string, unknown[]> = {};
  for (const { name, outputs: answers = {}, events: sent = {} } of given) {
    const example = `Example \`${name}\` of \`${workflow.ref}\``;
    for (const [src, values] of Object.entries(answers)) {
      const schema = actorOf(workflow, src)?.output;
      const place = {
        example,
        schema: `the output schema of \`${src}\``,
        fix: `Give what \`${src}\` answers, or mend its \`output\`.`,
      };
      const parsed = values.map((value, index) =>
        parsedExample(schema, value, { ...place, field: `outputs.${src}[${index}]` }),
      );
      (outputs[src] ??= []).push(...parsed);
    }
    for (const [type, payloads] of Object.entries(sent)) {
      const place = {
        example,
        schema: 'the schema of the event',
        fix: `Give what \`${type}\` holds beside its type, or mend \`events.${type}\` of the workflow.`,
      };
      const parsed = payloads.map((payload, index) =>
        parsedExample(eventSchemaOf(workflow, type), payload, {
          ...place,
          field: `events.${type}[${index}]`,
        }),
      );
      (events[type] ??= []).push(...parsed);
    }
  }
  return { outputs, events };
}

export function eventSchemaOf({ events }: AnyWorkflow, type: string): ZodType | undefined {
  return (events as Readonly<Record<string, ZodType>> | undefined)?.[type];
}
