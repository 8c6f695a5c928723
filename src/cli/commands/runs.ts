/** `signalbox runs`: lists runs, newest first. */
import type { ListOptions } from '../../engine/engine.ts';
import type { Cli, CommandResult } from '../cli.ts';
import { commandLine } from '../command-line.ts';
import { withSession } from '../session.ts';
import { stateText, statusStyles } from '../state-text.ts';
import { type Cell, renderTable } from '../table.ts';
import { ago, dateTime } from '../times.ts';

const columns = [
  // A UUID stays in one piece, to be copied.
  { title: 'run', flexible: true, least: 36 },
  { title: 'workflow', flexible: true },
  { title: 'status' },
  { title: 'state', flexible: true },
  { title: 'started' },
  { title: 'moved', align: 'right' },
] as const;

export async function runs(cli: Cli, query: ListOptions): CommandResult {
  const { screen, globals } = cli;
  const page = await withSession(cli, { work: 'none' }, ({ engine }) => engine.list(query));
  screen.document({
    runs: page.runs.map(({ value, createdAt, updatedAt, ...run }) => ({
      ...run,
      state: JSON.parse(value) as unknown,
      createdAt: new Date(createdAt),
      updatedAt: new Date(updatedAt),
    })),
    ...(page.cursor === undefined ? {} : { cursor: page.cursor }),
  });
  if (page.runs.length === 0) return screen.print('No runs.');
  const now = Date.now();
  const rows = page.runs.map((run): Cell[] => [
    run.id,
    `${run.workflow}@${run.version}`,
    { text: run.status, style: statusStyles[run.status] },
    run.problem === undefined
      ? stateText(JSON.parse(run.value))
      : { text: `stuck: ${run.problem.message}`, style: 'red' },
    dateTime(run.createdAt),
    ago(run.updatedAt, now),
  ]);
  screen.print(renderTable(screen, columns, rows));
  if (page.cursor === undefined) return;
  const { workflow, status, tag, parent, limit, labels = {}, topLevel, stuck } = query;
  const more = [
    ...Object.entries({ workflow, status, tag, parent, limit, cursor: page.cursor }).flatMap(
      ([name, value]) => (value === undefined ? [] : [`--${name}`, String(value)]),
    ),
    ...Object.entries(labels).flatMap(([name, value]) => ['--label', `${name}=${value}`]),
    ...(topLevel ? ['--top-level'] : []),
    ...(stuck ? ['--stuck'] : []),
  ];
  screen.print();
  screen.print(`More: ${screen.paint('cyan', commandLine(globals, ['runs', ...more]))}`);
}
