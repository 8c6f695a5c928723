/**
 * What must hold when a soak is over, asked of what is left: the runs with their histories, the ledger of the services, the
 * requests that the model got, and what people sent. Each check gives its violations in words.
 */
import { isDeepStrictEqual } from 'node:util';

import { advance } from 'signalbox';

import { decode } from '../../../dist/src/engine/codec.js';

/**
 * While a worker was there, no timer may have waited for longer. Generous, as a machine may be slow: one that is forgotten
 * waits longer than any bound.
 */
const longestLateMs = 30_000;

/** What was recorded of a run, and what it should be. */
export async function readRun({ ticket, store, engine, workflows }) {
  const { id } = ticket.input;
  const stored = await store.load(id);
  if (!stored) return { id, ticket };
  const entries = await engine.run(id).history();
  const state = decode(stored.state);
  return {
    id,
    ticket,
    stored,
    state,
    entries,
    messages: entries.filter(({ type }) => type === 'message'),
    inbox: await store.inbox(id, 0),
    workflow: workflows.find(({ version }) => version === stored.version),
    hasEnded: state.snapshot.status !== 'active',
  };
}

export function isOver({ ticket, stored }) {
  return stored?.status === 'done' || isAtRest(ticket, stored);
}

/** With a supervisor who has a day, and no mind to answer. */
function isAtRest({ people, version }, stored) {
  const rests =
    stored?.status === 'waiting' && stored.tags.includes('person') && stored.value.endsWith('Escalated"');
  return rests && people === 'absent' && version === 'patient';
}

export function verify({ runs, ledger, calls, sent, shifts, started }) {
  const context = {
    ledger,
    sent: groupBy(sent, ({ runId }) => runId),
    calls: groupBy(calls, ({ key }) => key.slice(0, key.indexOf('/'))),
    lateness: [],
    shifts,
  };
  const violations = [
    ...started
      .filter((id) => !runs.some((run) => run.id === id && run.stored))
      .map((id) => `${id}: its start was acknowledged, and it is gone`),
    ...strangersIn(ledger, runs),
  ];
  const present = runs.filter((run) => {
    if (!run.stored) violations.push(`${run.id}: it was never started`);
    return run.stored;
  });
  const violating = new Set();
  for (const run of present) {
    for (const check of [
      endOf,
      refundsOf,
      mailsOf,
      outcomesOf,
      modelCallsOf,
      timersOf,
      eventsOf,
      resultsOf,
      foldOf,
    ]) {
      const found = [...check(run, context)];
      if (found.length > 0) violating.add(run);
      violations.push(...found.map((violation) => `${run.id}: ${violation}`));
    }
  }
  /** What there is to see of the runs that broke a rule. */
  const evidence = [...violating].map(({ id, ticket, stored, entries }) => ({
    id,
    ticket,
    stored,
    calls: context.calls.get(id),
    sent: context.sent.get(id),
    entries,
  }));
  return { violations, evidence, counts: countsOf(present, calls, sent, ledger, context.lateness) };
}

// --- the end --------------------------------------------------------------------------------------------------------

function* endOf({ ticket, stored, inbox, hasEnded }) {
  if (!isOver({ ticket, stored }))
    yield `it is ${stored.status} at ${stored.value}, and should have ended or rest with a person`;
  if (stored.problem !== undefined) yield `nobody can go on with it: ${stored.problem}`;
  if (hasEnded && inbox.length > 0) yield `it has ended with ${inbox.length} messages in its inbox`;
}

// --- the ledger -----------------------------------------------------------------------------------------------------

function strangersIn(ledger, runs) {
  const ids = new Set(runs.map(({ id }) => id));
  return Object.entries(ledger).flatMap(([kind, made]) =>
    made
      .filter(({ body }) => !ids.has(body.ticketId))
      .map(({ body }) => `${kind} has an entry for ${body.ticketId}, which is no ticket`),
  );
}

/** What is known of the parts of the ticket, the one in hand included. */
function partsOf({ state, hasEnded }) {
  const { context, output } = state.snapshot;
  if (hasEnded) return output?.parts ?? [];
  const inHand = context.parts[context.partIndex];
  return inHand
    ? [...context.results, { ...context, category: inHand.category, isInHand: true }]
    : context.results;
}

function* refundsOf(run, { ledger }) {
  const made = ledger.refunds.filter(({ body }) => body.ticketId === run.id);
  const { refund } = partsOf(run).find(({ category }) => category === 'billing') ?? {
    refund: { status: 'none' },
  };
  if (made.length > 1) yield `it was refunded ${made.length} times`;
  switch (refund.status) {
    case 'refunded': {
      const [{ answer } = {}] = made;
      if (!answer) yield `its refund of ${refund.amount} ${refund.currency} is not in the ledger`;
      else if (
        answer.reference !== refund.reference ||
        answer.amount !== refund.amount ||
        answer.currency !== refund.currency
      ) {
        yield `it says ${JSON.stringify(refund)}, the ledger ${JSON.stringify(answer)}`;
      }
      break;
    }
    case 'unknown':
      break;
    default:
      if (made.length > 0) yield `the ledger has a refund, its own status is ${refund.status}`;
  }
}

function* mailsOf(run, { ledger }) {
  const parts = partsOf(run);
  const made = ledger.mails.filter(({ body }) => body.ticketId === run.id);
  const neverLookedUp = run.messages.some(
    ({ value, message }) => message.type === 'timer' && value === 'recordingOutcome',
  );
  for (const category of ['billing', 'technical', 'general']) {
    const sent = made.filter(({ body }) => body.category === category);
    const part = parts.find((one) => one.category === category);
    if (sent.length > 1) yield `its mail on ${category} went out ${sent.length} times`;
    if (part?.mail && sent[0]?.answer.id !== part.mail.id) {
      yield `its mail on ${category} is ${part.mail.id}, the ledger has ${sent[0]?.answer.id ?? 'none'}`;
    }
    const mayBeUnknown = part && part.reply !== null && (part.isInHand || neverLookedUp);
    if (!part?.mail && sent.length > 0 && !mayBeUnknown)
      yield `a mail on ${category} went out that it does not know of`;
  }
}

function* outcomesOf(run, { ledger }) {
  const made = ledger.outcomes.filter(({ body }) => body.ticketId === run.id);
  const parts = partsOf(run).filter(({ recorded }) => recorded);
  if (new Set(made.map(({ body }) => body.subject)).size !== made.length)
    yield 'an outcome is on record twice';
  for (const { category } of parts) {
    if (!made.some(({ body }) => body.subject === category)) yield `its outcome on ${category} is missing`;
  }
}

// --- the model ------------------------------------------------------------------------------------------------------

const modelActors = ['classifyTicket', 'splitTicket', 'draftReply', 'decideRefund'];

/** What was asked, and by which invocation. */
function questionOf({ key, stage }) {
  return `${key} ${stage}`;
}

/** A decision, once it is kept, is one for the whole run. */
function decisionOf({ key }) {
  return `${key.slice(0, key.indexOf('/'))} decideRefund`;
}

/** The answers on record, each with the key of the invocation that it was recorded for. */
function exchangesOf({ entries }) {
  return entries.flatMap((entry) =>
    (entry.exchanges ?? []).map((exchange) => ({
      ...exchange,
      key: entry.key ?? entry.message.key,
      isKept: entry.type === 'kept',
    })),
  );
}

function* modelCallsOf(run, { calls, shifts }) {
  const answered = exchangesOf(run).filter(
    ({ kind, response }) => kind === 'model' && response !== undefined,
  );
  const asked = calls.get(run.id) ?? [];
  const byQuestion = groupBy(asked, questionOf);
  const decisions = asked.filter(({ actor }) => actor === 'decideRefund');

  for (const { requestId, isKept } of answered) {
    const call = asked.find((one) => one.requestId === requestId);
    if (!call) {
      yield `the answer to ${requestId} is on record, but was never asked for by this run`;
      continue;
    }
    const [name, same] =
      isKept && call.actor === 'decideRefund'
        ? [decisionOf(call), decisions]
        : [questionOf(call), byQuestion.get(questionOf(call))];
    const again = same.slice(same.indexOf(call) + 1);
    if (again.length > 0)
      yield `${name} was asked again (${again.map((one) => one.requestId)}) when ${requestId} was on record`;
  }

  for (const [name, same] of byQuestion) {
    for (const [n, { pid, at }] of same.slice(1).entries()) {
      const before = shifts.findLast((shift) => shift.pid === same[n].pid && shift.startedAt <= same[n].at);
      if (before.killedAt > at)
        yield `${name} was asked by ${pid} while ${same[n].pid}, who had asked it, was alive`;
    }
  }

  for (const { message } of run.messages) {
    if (message.type !== 'output') continue;
    const actor = modelActors.find((name) => message.key.startsWith(`${name}#`));
    const isOnRecord = answered.some(
      ({ key }) => key === message.key || (actor === 'decideRefund' && key.startsWith(`${actor}#`)),
    );
    if (actor && !isOnRecord) yield `${message.key} has an output, but its exchange is not on record`;
  }
}

// --- timers and events ----------------------------------------------------------------------------------------------

function* timersOf({ messages, state, stored }, { shifts, lateness, sent }) {
  const notes = sent.get(stored.id) ?? [];
  let armed = [];
  for (const { at, message, timers = [] } of messages) {
    const { type } = message;
    if (type === 'timer') {
      const timer = armed.find(({ id, source }) => id === message.id && source === message.source);
      if (!timer) yield `timer ${message.id} fired, but was not armed`;
      else {
        if (at < timer.deadline)
          yield `timer ${timer.id} fired ${timer.deadline - at} ms before its deadline`;
        const late = workedBetween(shifts, timer.deadline, at);
        lateness.push(late);
        if (late > longestLateMs)
          yield `timer ${timer.id} fired when somebody had been there for ${late} ms after its deadline`;
      }
    }
    const cameAt =
      type === 'event'
        ? notes.find(({ by }) => by === message.event.by)?.sentBefore
        : type === 'timer'
          ? undefined
          : at;
    const passedOver = armed.find(({ deadline }) => cameAt !== undefined && deadline < cameAt);
    if (passedOver)
      yield `${type} came ${cameAt - passedOver.deadline} ms after the deadline of ${passedOver.id}, and was taken first`;
    armed = timers;
  }
  const [next] = state.timers;
  if (next && workedBetween(shifts, next.deadline, Date.now()) > longestLateMs)
    yield `timer ${next.id} was due, and has not fired`;
}

/** For how many milliseconds of that time there was a worker. */
function workedBetween(shifts, from, to) {
  let worked = 0;
  let reached = from;
  for (const shift of shifts.toSorted((one, other) => one.from - other.from)) {
    const start = Math.max(shift.from, reached);
    const end = Math.min(shift.to, to);
    if (end <= start) continue;
    worked += end - start;
    reached = end;
  }
  return worked;
}

function* eventsOf({ entries, hasEnded, inbox, stored }, { sent }) {
  const notes = sent.get(stored.id) ?? [];
  for (const same of groupBy(notes, ({ key, by }) => key ?? by).values()) {
    const names = same.map(({ by }) => by);
    const [{ type, key }] = same;
    const taken = entries.filter(
      (entry) => entry.type === 'message' && names.includes(entry.message.event?.by),
    );
    const refused = entries.filter((entry) => entry.type === 'refused' && names.includes(entry.event.by));
    const fates = new Set(same.map(({ fate }) => fate));
    if (taken.length + refused.length > 1)
      yield `${type} of ${names} was taken ${taken.length} times and refused ${refused.length} times`;
    if (key?.endsWith(' early')) {
      if (fates.has('accepted') && hasEnded && taken.length + refused.length === 0)
        yield `${type} of ${names} was acknowledged, and is gone`;
    } else if (fates.has('accepted') && taken.length !== 1)
      yield `${type} of ${names} was accepted, and is not on record`;
    else if (fates.has('EVENT_NOT_ACCEPTED') && taken.length > 0)
      yield `${type} of ${names} was refused, and taken all the same`;
  }
  const strangers = entries.filter(
    (entry) =>
      entry.type === 'message' &&
      entry.message.event &&
      !notes.some(({ by }) => by === entry.message.event.by),
  );
  if (strangers.length > 0) yield `it took ${strangers.length} events that nobody sent`;
  if (!hasEnded && inbox.some(({ body }) => !decode(body).hold)) yield 'an event waits in its inbox';
}

// --- the history ----------------------------------------------------------------------------------------------------

function* resultsOf({ messages, entries, stored }) {
  const results = messages.flatMap(({ message }) =>
    message.type === 'output' || message.type === 'error' ? [message.key] : [],
  );
  for (const key of new Set(results)) {
    const count = results.filter((one) => one === key).length;
    if (count > 1) yield `${key} has ${count} results`;
  }
  const steps = entries.filter(({ type }) => type === 'message' || type === 'refused').length;
  if (steps !== stored.seq) yield `it is at step ${stored.seq}, its history has ${steps}`;
  if (messages.some(({ seq }, n) => n > 0 && seq <= messages[n - 1].seq)) yield 'its history is not in order';
}

function* foldOf({ messages, workflow, state }) {
  let folded;
  for (const { message, seq } of messages) {
    const led = advance(workflow, folded, message);
    if (!led.accepted) return yield `replayed, message ${seq} is not accepted`;
    folded = led.state;
  }
  if (!isDeepStrictEqual(folded, state)) yield 'replayed, its history does not give its state';
}

// --- the figures ----------------------------------------------------------------------------------------------------

function countsOf(runs, calls, sent, ledger, lateness) {
  const entries = runs.flatMap((run) => run.entries);
  const recorded = runs.flatMap(exchangesOf).filter(({ kind }) => kind === 'model');
  const late = lateness.toSorted((one, other) => one - other);
  const of = (type) => entries.filter((entry) => entry.type === type).length;
  return {
    ended: runs.filter(({ hasEnded }) => hasEnded).length,
    'at rest with a person': runs.filter(({ hasEnded }) => !hasEnded).length,
    'messages applied': of('message'),
    'runs that a kill cut short': runs.filter((run) => run.entries.some(({ why }) => why === 'taken over'))
      .length,
    'invocations taken over': entries.filter(({ why }) => why === 'taken over').length,
    refunds: ledger.refunds.length,
    mails: ledger.mails.length,
    'asked of the ledger again': Object.values(ledger)
      .flat()
      .reduce((sum, { asked }) => sum + asked - 1, 0),
    'model requests': calls.length,
    'of them on record': recorded.length,
    'events sent': sent.length,
    'events refused': of('refused'),
    'timers fired': late.length,
    'late by, median ms': late[Math.floor(late.length / 2)] ?? 0,
    'late by, at most ms': late.at(-1) ?? 0,
  };
}

function groupBy(items, nameOf) {
  const groups = new Map();
  for (const item of items) groups.set(nameOf(item), [...(groups.get(nameOf(item)) ?? []), item]);
  return groups;
}
