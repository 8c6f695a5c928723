/** Events as callers send them, checked against their workflow. */
import type { EventObject } from 'xstate';
import type { ZodType } from 'zod';

import { describeIssues, EventInvalid, type Issue } from '../../errors.ts';
import { isFromOutside, matchesDescriptor, outsideEvents } from '../../event-descriptor.ts';
import type { AnyWorkflow } from '../../workflow.ts';

/** Check an event against the workflow's events and its schema, and give it as it is stored. */
export function parseEvent(workflow: AnyWorkflow, event: EventObject): EventObject {
  if (typeof event !== 'object' || event === null || typeof event.type !== 'string') {
    throw new EventInvalid('Expected an event to be an object with a `type`, such as `{ type: "APPROVE" }`.');
  }
  const known = [...new Set([...outsideEvents(workflow.machine), ...Object.keys(workflow.events ?? {})])];
  if (!isFromOutside(event.type) || !known.some((descriptor) => matchesDescriptor(event.type, descriptor))) {
    throw new EventInvalid(
      `Workflow \`${workflow.ref}\` has no event \`${event.type}\`. It has: ${known.join(', ') || 'none'}.`,
      {
        details: { event: event.type, known },
      },
    );
  }
  const schema = (workflow.events as Record<string, ZodType> | undefined)?.[event.type];
  if (!schema) return event;
  const { type, ...payload } = event;
  const parsed = schema.safeParse(payload);
  if (parsed.success) return { ...(parsed.data as object), type };
  const issues = parsed.error.issues as readonly Issue[];
  throw new EventInvalid(`Event \`${type}\` is not valid: ${describeIssues(issues)}`, {
    details: { event: type, issues },
  });
}
