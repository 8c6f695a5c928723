/** What must hold when a soak is over, asked of the store, of the ledger and of what the client was told. */

/** The kinds of violations; each counts the runs, or the calls, that it was found in. */
const kinds = {
  lost: 'an acknowledged start is gone',
  unreadable: 'a run cannot be read',
  stuck: 'a run has not ended',
  wrongEnd: 'a run ended where it should not',
  twice: 'an effect was made more than once, or under two keys',
  missing: 'an effect that a run went on from was never made',
  overlapping: 'two live workers were in the same call at the same time',
  events: 'an acknowledged event did not count once, or a refused one counted',
  history: 'the sequence of a history has a gap or a repeat',
  kept: 'a value was kept twice',
  unanswered: 'a start or a send had no answer when every run was over, or none took a step any more',
};

export async function verify({ runs, acknowledged, notes, calls, fates, unanswered, engine, store }) {
  const found = [];
  const add = (kind, run, what) => found.push({ kind, run, what });
  const byRun = groupBy(calls, ({ run }) => run);
  let unknown = 0;

  const started = runs.filter(({ run }) => acknowledged.has(run));
  await Promise.all(started.map(verifyRun));

  async function verifyRun(input) {
    const { run } = input;
    try {
      const stored = await store.load(run);
      if (!stored) return void add('lost', run, 'its start was acknowledged');
      const { context } = await engine.run(run).snapshot();
      const entries = await engine.run(run).history();
      const isDone = stored.status === 'done' && stored.value === '"finished"';
      if (!['done', 'failed', 'cancelled'].includes(stored.status))
        add(
          'stuck',
          run,
          `${stored.status} at ${stored.value}, lease ${JSON.stringify(stored.lease ?? null)}`,
        );
      else if (!isDone) add('wrongEnd', run, `${stored.status} at ${stored.value}`);
      unknown += context.unknown;
      for (const what of effectFaults(input, context, byRun.get(run) ?? [], isDone)) add(...what);
      for (const what of eventFaults(context, notes.get(run), isDone)) add('events', run, what);
      for (const what of historyFaults(entries, stored.seq)) add('history', run, what);
      const kept = entries.filter(({ type }) => type === 'kept').map(({ key, name }) => `${key} ${name}`);
      if (new Set(kept).size < kept.length) add('kept', run, 'see its history');
    } catch (error) {
      add('unreadable', run, `${error.code ?? error.name}: ${error.message}`);
    }
  }
  for (let n = 0; n < unanswered; n++) add('unanswered', 'client', `${unanswered} in all`);
  for (const { key, first, second } of overlaps(calls, fates))
    add('overlapping', first.run, `${key} by ${first.pid} and ${second.pid}`);

  const counts = Object.fromEntries(
    Object.keys(kinds).map((kind) => [kind, found.filter((one) => one.kind === kind).length]),
  );
  return { counts, found, outcomeUnknown: unknown, repeated: repeated(calls) };
}

/** Describes a kind of violation. */
export function meaningOf(kind) {
  return kinds[kind];
}

function* effectFaults({ run, items }, { unknown }, calls, isDone) {
  const keysOf = (kind) => new Set(calls.filter((call) => call.kind === kind).map(({ key }) => key)).size;
  for (const [kind, most] of [
    ['item', items],
    ['lookUp', 1],
    ['charge', 1],
  ]) {
    const made = keysOf(kind);
    if (made > most) yield ['twice', run, `${made} keys of ${kind}, ${most} expected`];
    if (isDone && made < most) yield ['missing', run, `${made} of ${most} ${kind}`];
  }
  const mails = calls.filter(({ kind }) => kind === 'mail').length;
  if (mails > 1) yield ['twice', run, `${mails} mails`];
  if (isDone && mails === 0 && unknown === 0) yield ['missing', run, 'no mail'];
}

function* eventFaults(context, { taken, refused }, isDone) {
  if (context.approvals > 1 || (isDone && context.approvals === 0)) yield `${context.approvals} approvals`;
  for (const n of new Set([...taken, ...context.notes])) {
    const times = context.notes.filter((one) => one === n).length;
    if (times > 1 || (taken.has(n) && times === 0)) yield `note ${n} counted ${times} times`;
    if (refused.has(n) && times > 0) yield `note ${n} was refused and counted`;
  }
}

/** Each message and each refused event is one step. */
function* historyFaults(entries, seq) {
  let step = 0;
  for (const entry of entries) {
    if (entry.type === 'refused') step += 1;
    if (entry.type !== 'message') continue;
    step += 1;
    if (entry.seq !== step) {
      yield `step ${entry.seq} where ${step} was expected`;
      step = entry.seq;
    }
  }
  if (step !== seq) yield `it ends at step ${step}, the run is at ${seq}`;
}

/** Calls with one key of two processes at one time, neither of which was dead or frozen. */
function* overlaps(calls, fates) {
  for (const [key, same] of groupBy(
    calls.filter((call) => call.key !== undefined),
    (call) => call.key,
  )) {
    for (const [n, first] of same.entries()) {
      for (const second of same.slice(n + 1)) {
        if (first.pid === second.pid || second.begin >= endOf(first) || first.begin >= endOf(second))
          continue;
        if (!wasFrozen(first) && !wasFrozen(second)) yield { key, first, second };
      }
    }
  }

  function endOf({ end, pid }) {
    return Math.min(end ?? Infinity, fates.get(pid)?.killedAt ?? Infinity);
  }
  function wasFrozen(call) {
    return (fates.get(call.pid)?.frozen ?? []).some(({ from, to }) => from < endOf(call) && call.begin < to);
  }
}

/** Calls beyond the first of their key. */
function repeated(calls) {
  const keys = calls.flatMap(({ key }) => (key === undefined ? [] : [key]));
  return keys.length - new Set(keys).size;
}

function groupBy(items, nameOf) {
  const groups = new Map();
  for (const item of items) groups.set(nameOf(item), [...(groups.get(nameOf(item)) ?? []), item]);
  return groups;
}
