/**
 * The people at the desk: look at what waits for them, and answer it, each in their own time. What they cannot know they look
 * up in the ledger first. They send twice at times, and sometimes what is not asked.
 */
import { setTimeout as pause } from 'node:timers/promises';

const lookMs = 60;

export function keepPeople({ engine, tickets, services, random }) {
  const plans = new Map(tickets.map((ticket) => [ticket.input.id, ticket]));
  /** Every event that was sent: to whom, when, and what was said to it. `by` names it in the run's history. */
  const sent = [];
  const underWay = new Set();
  let stopping = false;

  function send(runId, { type, ...payload }, options) {
    const by = `person ${sent.length + 1}`;
    const note = {
      runId,
      type,
      by,
      key: options.key && `${runId} ${options.key}`,
      sentBefore: Date.now(),
      fate: 'unknown',
    };
    sent.push(note);
    const sending = engine
      .run(runId)
      .send({ type, by, ...payload }, options)
      .then(
        () => (note.fate = 'accepted'),
        (error) => (note.fate = error.code ?? String(error)),
      )
      .finally(() => underWay.delete(sending));
    underWay.add(sending);
    return sending;
  }

  async function answer({ id }, asked) {
    const { people } = plans.get(id);
    if (people === 'absent') return;
    const run = engine.run(id);
    const snapshot = await run.snapshot();
    if (!snapshot.tags.includes('person')) return;
    const isEscalated = snapshot.value.endsWith('Escalated');
    if (people === 'late' && !isEscalated) return;
    const question = `${id} ${snapshot.seq}`;
    if (asked.has(question)) return;
    await pause(random.between(0, 400));
    const event = await answerTo(snapshot);
    asked.add(question);
    const options = { key: `answer to ${snapshot.seq}` };
    if (random.chance(0.1)) void send(id, { type: 'CONFIRM', reference: 'nobody asked' }, {});
    if (random.chance(0.15)) void send(id, event, options);
    const fate = await send(id, event, options);
    // What was refused by a guard is answered otherwise, when it is looked at again.
    if (fate !== 'accepted') asked.delete(question);
  }

  async function answerTo({ value, context, accepts }) {
    const types = accepts.map(({ type }) => type);
    const reason = 'It was looked at.';
    if (types.includes('CLASSIFY')) {
      if (random.chance(0.25)) return { type: 'CLOSE', reason };
      return { type: 'CLASSIFY', categories: [random.pick(['billing', 'technical', 'general'])] };
    }
    if (types.includes('REPLY')) {
      if (random.chance(0.15)) return { type: 'CLOSE', reason };
      return context.draft && random.chance(0.4)
        ? { type: 'APPROVE_REPLY' }
        : { type: 'REPLY', text: 'We looked into it.' };
    }
    if (types.includes('APPROVE')) {
      const { refundable = 0 } = context.facts?.record ?? {};
      const choice = random.next();
      if (choice < 0.6) return { type: 'APPROVE' };
      if (choice < 0.8 && refundable > 0) return { type: 'EDIT', amount: Math.ceil(refundable * 50) / 100 };
      return { type: 'REJECT', reason };
    }
    return lookedUp(
      value.startsWith('payment') || value === 'awaitingPaymentCheck' ? 'refunds' : 'mails',
      context,
    );
  }

  /** What the ledger says of the payment or mail in question; if it says nothing, one more try, or none. */
  async function lookedUp(kind, { ticket, parts, partIndex }) {
    const ledger = await (await fetch(`${services.url}/ledger`)).json();
    const { category } = parts[partIndex];
    const made = ledger[kind].find(
      ({ body }) => body.ticketId === ticket.id && (kind === 'refunds' || body.category === category),
    );
    if (made) return { type: 'CONFIRM', reference: made.answer.reference ?? made.answer.id };
    return random.chance(0.5) ? { type: 'RETRY' } : { type: 'ABANDON', reason: 'It was not made.' };
  }

  async function work() {
    const asked = new Set();
    const early = new Set(tickets.filter((ticket) => ticket.early).map(({ input }) => input.id));
    const busy = new Map();
    while (!stopping) {
      for (const { id } of await waitingRuns(engine)) {
        if (busy.has(id)) continue;
        const answering = answer({ id }, asked)
          // The services are away at times; the next look asks them again.
          .catch((error) => {
            if (!(error instanceof TypeError)) throw error;
          })
          .finally(() => busy.delete(id));
        busy.set(id, answering);
      }
      for (const id of early) {
        const isStarted = await engine
          .run(id)
          .snapshot()
          .then(Boolean, () => false);
        if (!isStarted) continue;
        early.delete(id);
        void send(id, { type: 'APPROVE' }, { hold: true, key: 'early' });
      }
      await pause(lookMs);
    }
    await Promise.all(busy.values());
  }

  const working = work();
  return {
    sent,
    /** Rejects if it went wrong. */
    working,
    async stop() {
      stopping = true;
      await working;
      await Promise.race([Promise.all(underWay), pause(2_000)]);
    },
  };
}

async function waitingRuns(engine) {
  const runs = [];
  for (let cursor; ;) {
    const page = await engine.list({
      tag: 'person',
      status: 'waiting',
      limit: 200,
      ...(cursor && { cursor }),
    });
    runs.push(...page.runs);
    cursor = page.cursor;
    if (!cursor) return runs;
  }
}
