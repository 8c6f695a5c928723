/** `signalbox why-not`: what keeps a run from taking an event, and the shortest way to where it would. */
import { stateOf, statusOf } from '../../engine/progress.ts';
import { refusalOf } from '../../engine/refusal.ts';
import { EventNotAccepted, RunNotFound } from '../../errors.ts';
import { recordedExample } from '../../graph/why/recorded-example.ts';
import { whyNot as answerOf } from '../../graph/why/why-not.ts';
import type { Cli, CommandResult } from '../cli.ts';
import { readAnswerer, readPayload } from '../event-options.ts';
import { findRun } from '../find-run.ts';
import { runLine } from '../run-line.ts';
import { withSession } from '../session.ts';
import { printWhyNot } from '../why-not-view.ts';

export interface WhyNotCommandOptions {
  readonly data?: string;
  /** `NAME` or `NAME:role,role`. */
  readonly by?: string;
  readonly maxStates?: number;
  readonly full?: boolean;
}

export async function whyNot(
  cli: Cli,
  id: string,
  type: string,
  { data, by, maxStates, full = false }: WhyNotCommandOptions,
): CommandResult {
  const { screen } = cli;
  const event = data === undefined ? type : { ...(await readPayload(data)), type };
  const answerer = by === undefined ? undefined : readAnswerer(by);
  const { stored, workflow, history } = await withSession(cli, { work: 'none' }, async (session) => {
    const { store, engine } = session;
    const found = await findRun(session, id);
    const run = await store.load(id);
    if (!run) throw new RunNotFound(id);
    return { stored: run, workflow: found, history: await engine.run(id).history() };
  });
  const state = stateOf(stored.state);
  const answer = answerOf(workflow, state, event, {
    now: Date.now(),
    examples: [recordedExample(id, history), ...(workflow.examples ?? [])],
    ...(answerer ? { by: answerer } : {}),
    ...(maxStates === undefined ? {} : { maxStates }),
  });
  if (answer.blocks.some((block) => block.type === 'ended')) {
    const details = { runId: id, event: type };
    throw new EventNotAccepted(refusalOf({ id, workflow, state }, { type }), { details });
  }
  const { workflow: name, version } = stored;
  const run = { run: id, workflow: name, version, status: statusOf(state), state: state.snapshot.value };
  screen.document({ ...run, ...answer });
  screen.print(runLine(screen, run));
  printWhyNot(cli, id, answer, { full, given: data !== undefined });
}
