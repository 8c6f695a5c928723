/** `signalbox send`: an event for a run, which is then gone on with until it is at rest. */
import { buffer } from 'node:stream/consumers';

import { parseEvent } from '../../engine/run-handle.ts';
import type { Cli, CommandResult } from '../cli.ts';
import { CommandError } from '../command-error.ts';
import { findRun } from '../find-run.ts';
import { finishRuns } from '../finish-runs.ts';
import { decodeText, parseJson } from '../parse-json.ts';
import { readText } from '../read-inputs.ts';
import { withSession } from '../session.ts';

export interface SendOptions {
  readonly data?: string;
  readonly key?: string;
  readonly hold?: true;
}

export async function send(
  cli: Cli,
  id: string,
  type: string,
  { data, key, hold }: SendOptions,
): CommandResult {
  const payload = data === undefined ? {} : await readPayload(data);
  const event = { ...payload, type };
  return withSession(cli, { work: 'own' }, async (session) => {
    const { engine } = session;
    const workflow = await findRun(session, id);
    // Before its services are started: a bad event starts nothing.
    parseEvent(workflow, event);
    await session.serve([workflow.name]);
    const sending = { hold: hold === true, ...(key === undefined ? {} : { key }) };
    await engine.run(id).send(event, sending);
    return finishRuns(session, [{ id }]);
  });
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
