/** `signalbox send`: an event for a run, which is then gone on with until it is at rest. */
import { buffer } from 'node:stream/consumers';

import type { Answerer } from '../../gates/person.ts';
import { parseEvent } from '../../engine/run-handle.ts';
import type { Cli, CommandResult } from '../cli.ts';
import { CommandError } from '../command-error.ts';
import { findRun } from '../find-run.ts';
import { finishRuns } from '../finish-runs.ts';
import { decodeText, parseJson } from '../parse-json.ts';
import { readText } from '../read-inputs.ts';
import { withSession } from '../session.ts';
import { userName } from '../waiting.ts';

export interface SendOptions {
  readonly data?: string;
  readonly key?: string;
  readonly hold?: true;
  /** `NAME` or `NAME:role,role`. */
  readonly by?: string;
}

export async function send(
  cli: Cli,
  id: string,
  type: string,
  { data, key, hold, by }: SendOptions,
): CommandResult {
  const payload = data === undefined ? {} : await readPayload(data);
  const event = { ...payload, type };
  const answerer = answererOf(by, payload);
  return withSession(cli, { work: 'own' }, async (session) => {
    const { engine } = session;
    const workflow = await findRun(session, id);
    // Before its services are started: a bad event starts nothing.
    parseEvent(workflow, event);
    await session.serve([workflow.name]);
    const sending = { by: answerer, hold: hold === true, ...(key === undefined ? {} : { key }) };
    await engine.run(id).send(event, sending);
    return finishRuns(session, [{ id }]);
  });
}

/** As `--by` says, else as the event itself does, else whoever is at the terminal. */
function answererOf(by: string | undefined, payload: object): Answerer {
  if (by === undefined) {
    const own = 'by' in payload && typeof payload.by === 'string' ? payload.by.trim() : '';
    return { id: own || userName() };
  }
  const [, id = '', roles = ''] = /^([^:]*)(?::(.*))?$/s.exec(by) ?? [];
  if (id.trim() === '') {
    throw new CommandError('USAGE', `Expected \`--by\` to be NAME or NAME:role,role, got \`${by}\`.`);
  }
  const named = roles.split(',').map((role) => role.trim());
  return { id: id.trim(), roles: named.filter(Boolean) };
}

/** `-` is standard input, `@` comes before a file's name, anything else is the JSON itself. */
async function readPayload(data: string): Promise<object> {
  const payload = await readData(data);
  if (typeof payload === 'object' && payload !== null && !Array.isArray(payload)) return payload;
  throw new CommandError(
    'JSON_INVALID',
    `Expected \`--data\` to be a JSON object, got ${JSON.stringify(payload).slice(0, 80)}.`,
  );
}

async function readData(data: string): Promise<unknown> {
  if (data === '-')
    return parseJson(decodeText(await buffer(process.stdin), 'Standard input'), 'Standard input');
  if (data.startsWith('@')) return parseJson(await readText(data.slice(1)), data.slice(1));
  return parseJson(data, '`--data`');
}
