/** One soak on one store: sets everything up, lets it run until all is over, and asks what must hold. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import { createEngine } from 'signalbox';
import { readyWorkflows } from 'signalbox/machines';

import { openStore } from '../../fixtures/open-store.mjs';
import { startModelEndpoint } from './model-endpoint.mjs';
import { keepPeople } from './person.mjs';
import { createRandom } from './random.mjs';
import { soakTickets } from './tickets.mjs';
import { isOver, readRun, verify } from './verify.mjs';
import { keepWorkers } from './workers.mjs';
import { workflows } from './workflows.mjs';

const leaseMs = 3_000;
/** Between the starts of two tickets. */
const paceMs = 100;

/** `lifeMs`: how long a worker lives, at least and at most. `minutes`: after that it is stopped and what is left is a violation. */
export async function runSoak({
  spec,
  folder,
  count,
  seed,
  minutes,
  lifeMs = [100, 1_400],
  tell = () => {},
}) {
  mkdirSync(folder, { recursive: true });
  const random = createRandom(seed);
  const tickets = soakTickets(count, random);
  const plan = join(folder, 'plan.json');
  const startedFile = join(folder, 'started.txt');
  writeFileSync(plan, JSON.stringify(tickets));
  writeFileSync(startedFile, '');

  const closing = [];
  try {
    const model = await startModelEndpoint(createRandom(seed + 1));
    closing.push(model.close);
    const { startServices } = readyWorkflows.find(({ workflow }) => workflow.name === 'support-ticket');
    const services = await startServices({ dataFolder: folder });
    closing.push(() => services.close());
    const store = openStore(spec);
    closing.push(() => store.close());
    const engine = createEngine({ workflows, check: false, store, work: 'none' });
    closing.push(() => engine.stop());

    const startedAt = Date.now();
    const workers = keepWorkers({
      options: { store: spec, plan, started: startedFile, leaseMs, paceMs },
      env: { ...services.env, ...model.env },
      random: createRandom(seed + 2),
      lifeMs,
    });
    const people = keepPeople({ engine, tickets, services, random: createRandom(seed + 3) });
    const trouble = causeTrouble(services, createRandom(seed + 4));

    const read = () =>
      Promise.all(tickets.map(async (ticket) => ({ ticket, stored: await store.load(ticket.input.id) })));
    const giveUpAt = startedAt + minutes * 60_000;
    for (let left = count; left > 0 && Date.now() < giveUpAt;) {
      await Promise.race([pause(500), people.working]);
      left = (await read()).filter((run) => !isOver(run)).length;
      tell({ left, kills: workers.kills, seconds: Math.round((Date.now() - startedAt) / 1_000) });
    }
    const seconds = (Date.now() - startedAt) / 1_000;
    const faults = await trouble.stop();
    await people.stop();
    await workers.stop();

    const ledger = await (await fetch(`${services.url}/ledger`)).json();
    const runs = [];
    for (const ticket of tickets) runs.push(await readRun({ ticket, store, engine, workflows }));
    const { violations, evidence, counts } = verify({
      runs,
      ledger,
      calls: model.calls,
      sent: people.sent,
      shifts: workers.shifts,
      started: readFileSync(startedFile, 'utf8').split('\n').filter(Boolean),
    });
    if (evidence.length > 0) {
      const shifts = workers.shifts;
      writeFileSync(
        join(folder, 'evidence.json'),
        JSON.stringify({ startedAt, shifts, runs: evidence }, undefined, 2),
      );
    }
    return {
      figures: {
        runs: count,
        kills: workers.kills,
        seconds: Math.round(seconds),
        'faults of the services': faults,
        ...counts,
      },
      violations: [...violations, ...model.unexpected.map((what) => `the model endpoint: ${what}`)],
      problems: workers.problems,
    };
  } finally {
    for (const close of closing.toReversed()) await close();
  }
}

const faultKinds = ['fail', 'fail', 'hang', 'die-after', 'hang-after'];

/** Tell the services now and then to fail, to hang, or to die when they have charged. */
function causeTrouble({ url }, random) {
  let stopping = false;
  let faults = 0;
  async function cause() {
    while (!stopping) {
      await pause(random.between(100, 900));
      const body = JSON.stringify({
        target: random.pick(['refunds', 'mails']),
        kind: random.pick(faultKinds),
        times: random.pick([1, 1, 2]),
      });
      const headers = { 'content-type': 'application/json' };
      // They may be dead at the moment.
      const ordered = await fetch(`${url}/faults`, { method: 'POST', headers, body }).catch(() => undefined);
      if (ordered?.ok) faults += 1;
    }
  }
  const causing = cause();
  return {
    async stop() {
      stopping = true;
      await causing;
      return faults;
    },
  };
}
