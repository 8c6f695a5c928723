/** `signalbox workflows`: what can be run. */
import { toJSONSchema } from 'zod';

import { outsideEvents } from '../../event-descriptor.ts';
import type { AnyWorkflow } from '../../workflow.ts';
import { loadCatalog } from '../catalog.ts';
import type { Cli, CommandResult } from '../cli.ts';
import { renderTable } from '../table.ts';

const columns = [
  { title: 'workflow' },
  { title: 'version' },
  { title: 'title', flexible: true },
  { title: 'owner' },
  { title: 'events', flexible: true },
] as const;

export async function workflows({ screen, globals }: Cli): CommandResult {
  const { workflows: all } = await loadCatalog(globals.workflows);
  screen.document({
    workflows: all.map((workflow) => ({
      name: workflow.name,
      version: workflow.version,
      title: workflow.title,
      owner: workflow.owner,
      input: schemaOf(workflow.input),
      events: eventsOf(workflow).map((type) => ({ type, schema: schemaOf(eventSchemas(workflow)[type]) })),
    })),
  });
  const rows = all.map((workflow) => [
    workflow.name,
    workflow.version,
    workflow.title ?? '',
    workflow.owner ?? '',
    eventsOf(workflow).join(', '),
  ]);
  screen.print(renderTable(screen, columns, rows));
}

function eventsOf({ machine }: AnyWorkflow): readonly string[] {
  return outsideEvents(machine);
}

type Schema = NonNullable<AnyWorkflow['input']>;

function eventSchemas({ events = {} }: AnyWorkflow): Readonly<Record<string, Schema | undefined>> {
  return events as Readonly<Record<string, Schema | undefined>>;
}

function schemaOf(schema: Schema | undefined): unknown {
  return schema && toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
}
