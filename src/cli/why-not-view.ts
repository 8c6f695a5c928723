/** What keeps a run from taking an event, and what would have to happen first, for a person to read. */
import { describeIssues } from '../errors.ts';
import { describeWho, type Who } from '../gates/person.ts';
import type { Acceptance } from '../graph/why/acceptance.ts';
import type { Block } from '../graph/why/blocks.ts';
import type { Mover, Way, WayStep } from '../graph/why/find-way.ts';
import type { WhyNot } from '../graph/why/why-not.ts';
import type { Cli } from './cli.ts';
import { commandLine } from './command-line.ts';
import { type BlockOptions, labelWidthOf, printField } from './field-block.ts';
import { toJson } from './plain-value.ts';
import { readable } from './readable.ts';
import type { Screen } from './screen.ts';
import { stateText } from './state-text.ts';
import { oneLine } from './text.ts';
import { dateTime, until } from './times.ts';
import { printVerdict } from './verdict-view.ts';
import { userName } from './waiting.ts';

export interface WhyNotViewOptions {
  readonly full: boolean;
  /** Whether the event's data was given, and is not made up. */
  readonly given: boolean;
}

/** Of what is refused alike but for its payload, so many are shown. */
const mostBlocks = 3;

export function printWhyNot(cli: Cli, run: string, answer: WhyNot, { full, given }: WhyNotViewOptions): void {
  const { screen } = cli;
  const { event, accepted, instead, blocks, way, search } = answer;
  const options: BlockOptions = { indent: 2, mostLines: full ? Infinity : 6, labelWidth };
  if (accepted) {
    screen.print(`${event} is accepted now.`);
    printAcceptance(screen, accepted, options);
    return printCommand(cli, sending(run, event, accepted), given);
  }
  screen.print(`${event} is not accepted now:`);
  const shown = full ? blocks : blocks.slice(0, mostBlocks);
  for (const block of shown) printBlock(screen, event, block, options);
  if (blocks.length > shown.length) {
    const left = blocks.length - shown.length;
    screen.print(screen.paint('dim', `  … ${left} more, with other data; --full shows them`));
  }
  if (instead) {
    screen.print();
    screen.print('It would be accepted now with other data:');
    printAcceptance(screen, instead, options);
    printCommand(cli, sending(run, event, instead));
  }
  if (!search) return;
  screen.print();
  if (way) return printWay(cli, run, event, way, options);
  const { states, whole } = search;
  const count = states === 1 ? 'one state' : `${states} states`;
  const there = instead ? 'where it is accepted with this data' : 'where it is accepted';
  const none = whole
    ? `Nothing that was tried leads to ${there}; what can still come, ${count}, was looked through.`
    : `No way was found to ${there} within ${count}; there are more (--max-states).`;
  screen.print(screen.paint('yellow', none));
}

/** Wide enough for every label here, so that all stand below each other. */
const labelWidth = labelWidthOf(['accepted in', 'forbidden by']);

function printBlock(screen: Screen, event: string, block: Block, options: BlockOptions): void {
  const field = (label: string, value: unknown): void => printField(screen, label, value, options);
  switch (block.type) {
    case 'ended':
      return field('ended', `The run has ended (${block.status}).`);
    case 'schema':
      return printField(screen, 'data', describeIssues(block.issues), { ...options, style: 'red' });
    case 'payload': {
      const places = block.lacking.filter(Boolean).join(', ');
      return field(
        'data',
        `None was found that its schema takes${places && ` (${places})`}; give it: --data`,
      );
    }
    case 'state': {
      const { value, accepts, acceptedIn, forbiddenBy } = block;
      field('state', `${stateText(value)} accepts ${accepts.join(', ') || 'no event'}`);
      if (forbiddenBy.length > 0) field('forbidden by', forbiddenBy.join(', '));
      return field('accepted in', acceptedIn.join(', ') || 'no state');
    }
    case 'person': {
      const { title, who, by } = block;
      field('question', title);
      return field('for', `${describeWho(who)}, not ${describeWho({ ids: [by.id], ...rolesOf(by) })}`);
    }
    case 'guard':
      return printGuard(screen, event, block, options);
  }
}

function rolesOf({ roles }: Who): Who {
  return roles && roles.length > 0 ? { roles } : {};
}

function printGuard(
  screen: Screen,
  event: string,
  { guard, transition, passed, gates, read, payload }: Extract<Block, { readonly type: 'guard' }>,
  options: BlockOptions,
): void {
  const said = passed ? 'passes, which forbids the event' : 'refuses it';
  const place = transition.slice(0, transition.lastIndexOf(` ${event} `));
  printField(screen, 'guard', `${guard} ${said}, in ${place || transition}`, { ...options, style: 'red' });
  if (Object.keys(payload).length > 0) printField(screen, 'with', payload, options);
  for (const verdict of gates) printVerdict(screen, verdict, options);
  if (!read) return;
  const values = Object.entries(read).map(([path, value]) => `${path}: ${readable(value ?? 'nothing')}`);
  printField(screen, 'read', values.join('\n'), options);
}

function printAcceptance(screen: Screen, acceptance: Acceptance, options: BlockOptions): void {
  const { payload, who, to, status } = acceptance;
  if (Object.keys(payload).length > 0) printField(screen, 'with', payload, options);
  if (who) printField(screen, 'for', describeWho(who), options);
  const ends = status === 'active' ? '' : ` (${status === 'error' ? 'failed' : status})`;
  printField(screen, 'goes to', `${stateText(to)}${ends}`, options);
}

function printWay(
  { screen, ...cli }: Cli,
  run: string,
  event: string,
  way: Way,
  options: BlockOptions,
): void {
  const { steps, accepted } = way;
  const count = steps.length === 1 ? 'One step' : `${steps.length} steps`;
  screen.print(`${count} to where it is accepted, the fewest that were found:`);
  const now = Date.now();
  for (const [index, step] of steps.entries()) {
    const { name, mover, value } = step;
    screen.print(`${String(index + 1).padStart(3)}  ${screen.paint('bold', oneLine(name))}`);
    printField(screen, 'by', moverText(mover, now), { ...options, indent: 5 });
    printField(screen, 'goes to', stateText(value), { ...options, indent: 5 });
  }
  screen.print(`     ${screen.paint('bold', oneLine(event))}`);
  printAcceptance(screen, accepted, { ...options, indent: 5 });
  const [first] = steps;
  const command = first && firstCommand(run, first);
  if (command) {
    screen.print('The first of them:');
    printCommand({ screen, ...cli }, command);
  }
}

function moverText(mover: Mover, now: number): string {
  switch (mover.type) {
    case 'person':
      return `${mover.who ? describeWho(mover.who) : 'a person'}: ${mover.question}`;
    case 'sender':
      return 'whoever sends it';
    case 'timer':
      return `the timer, ${dateTime(mover.firesAt)} (${until(mover.firesAt, now)})`;
    case 'actor': {
      const { path, src, notBefore = now } = mover;
      const which = path === src ? '' : ` (${src})`;
      const when = notBefore > now ? `, not before ${dateTime(notBefore)} (${until(notBefore, now)})` : '';
      return `the answer of the actor${which}${when}`;
    }
  }
}

function firstCommand(run: string, { move, mover }: WayStep): readonly string[] | undefined {
  if (move.type !== 'event') return undefined;
  const { type, ...payload } = move.event;
  const who = mover.type === 'person' && mover.who ? { who: mover.who } : {};
  return sending(run, type, { payload, ...who });
}

function sending(
  run: string,
  event: string,
  { payload, who }: Pick<Acceptance, 'payload' | 'who'>,
): readonly string[] {
  const data = Object.keys(payload).length > 0 ? ['--data', toJson(payload)] : [];
  return ['send', run, event, ...(who ? ['--by', answererText(who)] : []), ...data];
}

/** As `--by` takes it: somebody in a role that may, or one of those who may. */
function answererText({ ids = [], roles = [] }: Who): string {
  const [role] = roles;
  return role === undefined ? (ids[0] ?? userName()) : `${userName()}:${role}`;
}

/** Never wrapped: it is there to be copied. */
function printCommand({ screen, globals }: Cli, words: readonly string[], given = false): void {
  screen.print(`    ${screen.paint('cyan', oneLine(commandLine(globals, words)))}`);
  if (!given && words.includes('--data')) screen.print(screen.paint('dim', '    (its data is an example)'));
}
