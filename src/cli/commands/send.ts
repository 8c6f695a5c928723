/** `signalbox send`: an event for a run, which is then gone on with until it is at rest. */
import type { Answerer } from '../../gates/person.ts';
import { parseEvent } from '../../engine/handle/parse-event.ts';
import type { Cli, CommandResult } from '../cli.ts';
import { readAnswerer, readPayload } from '../event-options.ts';
import { findRun } from '../find-run.ts';
import { finishRuns } from '../finish-runs.ts';
import { withSession } from '../session.ts';
import { userName } from '../waiting.ts';

export interface SendOptions {
  readonly data?: string;
  readonly key?: string;
  readonly hold?: true;
  /** `NAME` or `NAME:role,role`. */
  readonly by?: string;
  /** In milliseconds. */
  readonly timeout?: number;
}

export async function send(
  cli: Cli,
  id: string,
  type: string,
  { data, key, hold, by, timeout }: SendOptions,
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
    const sending = { by: answerer, hold: hold === true, key, timeoutMs: timeout };
    await engine.run(id).send(event, sending);
    return finishRuns(session, [{ id }], { timeoutMs: timeout });
  });
}

/** As `--by` says, else as the event itself does, else whoever is at the terminal. */
function answererOf(by: string | undefined, payload: object): Answerer {
  if (by === undefined) {
    const own = 'by' in payload && typeof payload.by === 'string' ? payload.by.trim() : '';
    return { id: own || userName() };
  }
  return readAnswerer(by);
}
