/**
 * The conversation of an agent, turn by turn, until it has an answer, hands over or reaches a limit.
 *
 * I1. What is said next follows from the input and the journal alone, so that after a crash it is said again as it was.
 * I2. What the agent has itself (`answer`, `hand_off`) counts only by itself: whoever calls a tool at the same time has not
 *     seen its result, and what it says of it may not be so.
 */
import type { InvocationScope } from '../../invocation.ts';
import { judgingFailures, refusalOf } from '../answer-checks.ts';
import { issuesOf } from '../check-value.ts';
import { distinctFailures } from '../distinct-failures.ts';
import { answerInvalid, incompleteAnswers } from '../model-answer.ts';
import { openingOf } from '../opening.ts';
import { callFailures } from '../providers/call-failed.ts';
import type { ModelMessage, ToolCallBlock } from '../providers/provider.ts';
import { shown } from './agent-options.ts';
import { type Agent, type AgentOutcome, ANSWER, HAND_OFF } from './agent.ts';
import { callTools, cut, failed, inLines } from './call-tools.ts';
import { createMeter, type Meter } from './meter.ts';
import { takeTurn, textOf, type Turn } from './take-turn.ts';
import { type Fence, LimitReached, withinFence } from './within-fence.ts';

export async function converse(
  agent: Agent,
  input: unknown,
  scope: InvocationScope,
): Promise<AgentOutcome<unknown>> {
  const meter = createMeter(agent, scope);
  const ended = await withinFence(agent.limits, scope, (fence) => talk(agent, input, meter, fence));
  if (ended instanceof LimitReached) return { outcome: 'limit', limit: ended.limit, ...meter.use };
  return { ...ended, ...meter.use };
}

/** One of each kind of error that a conversation may end with. All else is told to the model. */
export function conversationFailures(agent: Agent): readonly Error[] {
  const { name, model, accept } = agent;
  const silent = { content: [], stopReason: 'end_turn', model, requestId: 'req_1' };
  return distinctFailures([
    ...callFailures(),
    ...incompleteAnswers(name),
    withoutAnswer(agent, silent),
    ...judgingFailures(accept),
  ]);
}

/** How a conversation ends by itself. */
type Ending =
  | { readonly outcome: 'answered'; readonly answer: unknown }
  | { readonly outcome: 'handed-off'; readonly reason: string };

/** What comes of a turn: its end, or what the model is told next. Nothing, if it was only paused. */
type Next = Ending | { readonly told: ModelMessage['content'] | undefined };

async function talk(agent: Agent, input: unknown, meter: Meter, fence: Fence): Promise<Ending> {
  let messages = openingOf(agent.prompt, input, shown(agent.name));
  let reminded = false;
  for (let number = 1; ; number++) {
    if (number > agent.limits.turns) fence.stop('turns');
    const turn = await takeTurn(agent, number, { messages, input }, meter, fence);
    const calls = turn.content.filter((block): block is ToolCallBlock => block.type === 'tool-call');
    // A turn without anything in it is refused in a conversation.
    if (turn.content.length > 0) messages = [...messages, { role: 'assistant', content: turn.content }];

    const isIdle = calls.length === 0 && turn.stopReason !== 'pause_turn' && !isAnswer(agent, turn);
    if (isIdle && reminded) throw withoutAnswer(agent, turn);
    const next: Next = isIdle
      ? { told: reminderOf(agent) }
      : calls.length > 0
        ? await afterCalls(agent, number, calls, input, meter, fence)
        : await afterText(agent, number, turn, input, fence.scope);
    reminded = isIdle;
    if ('outcome' in next) return next;
    if (next.told !== undefined) messages = [...messages, { role: 'user', content: next.told }];
  }
}

function isAnswer({ answersInText }: Agent, turn: Turn): boolean {
  return answersInText && textOf(turn).trim() !== '';
}

function reminderOf({ answersInText }: Agent): string {
  return answersInText
    ? 'You gave no answer. Write it now, or call one of your tools.'
    : `You gave no answer. Call \`${ANSWER}\` with it, or another of your tools.`;
}

function withoutAnswer({ name, answersInText }: Agent, turn: Turn): Error {
  const what = answersInText ? 'is empty' : `does not come as a call of \`${ANSWER}\``;
  return answerInvalid(name, { ...turn, text: textOf(turn) }, `${what}, though it was reminded`);
}

async function afterText(
  agent: Agent,
  number: number,
  turn: Turn,
  input: unknown,
  scope: InvocationScope,
): Promise<Next> {
  if (turn.stopReason === 'pause_turn') return { told: undefined };
  const judged = await judgedAnswer(agent, number, textOf(turn), input, scope);
  return 'wrong' in judged ? { told: judged.wrong } : judged;
}

async function afterCalls(
  agent: Agent,
  number: number,
  calls: readonly ToolCallBlock[],
  input: unknown,
  meter: Meter,
  fence: Fence,
): Promise<Next> {
  const isOwn = ({ name }: ToolCallBlock): boolean => !agent.actors.has(name) && isOffered(agent, name);
  const others = calls.filter((call) => !isOwn(call));
  if (others.length === 0) {
    const handOff = calls.find(({ name }) => name === HAND_OFF);
    if (handOff) return { outcome: 'handed-off', reason: reasonOf(handOff.input) };
    const [answer] = calls;
    if (answer && calls.length === 1) {
      const judged = await judgedAnswer(agent, number, givenIn(answer.input), input, fence.scope);
      return 'wrong' in judged ? { told: [failed(answer, judged.wrong)] } : judged;
    }
  }

  const { toolCalls: most = Infinity } = agent.limits;
  if (meter.use.toolCalls + others.length > most) fence.stop('toolCalls');
  meter.addToolCalls(others.length);
  const results = (await callTools(agent, number, others, fence.scope)).values();
  // One result for each call, in their order.
  const told = calls.map((call) =>
    isOwn(call)
      ? failed(call, `Not taken. Call \`${call.name}\` once, by itself, when you have seen all results.`)
      : (results.next().value ?? failed(call, 'It gave no result.')),
  );
  return { told };
}

function isOffered({ modelTools }: Agent, name: string): boolean {
  return modelTools.some((tool) => tool.name === name);
}

function givenIn(input: unknown): unknown {
  return typeof input === 'object' && input !== null && 'answer' in input ? input.answer : undefined;
}

function reasonOf(input: unknown): string {
  const reason = typeof input === 'object' && input !== null && 'reason' in input ? input.reason : undefined;
  return typeof reason === 'string' && reason.trim() !== '' ? reason : 'It gave no reason.';
}

/** The answer as its schema gives it back, or what is wrong with it, in words for the model. */
async function judgedAnswer(
  { output, accept, maxResultLength }: Agent,
  number: number,
  given: unknown,
  input: unknown,
  scope: InvocationScope,
): Promise<Ending | { readonly wrong: string }> {
  const part = `answer ${number}`;
  const refused = `${part} refused`;
  const before = scope.kept<string>(refused);
  if (before !== undefined) return { wrong: before };

  const checked = await output.safeParseAsync(given);
  let wrong: string;
  if (checked.success) {
    const reasons =
      accept === undefined ? undefined : await refusalOf(accept, checked.data, input, scope.within(part));
    if (!reasons) return { outcome: 'answered', answer: checked.data };
    wrong = `That answer was not accepted:\n${reasons.map((reason) => `- ${reason}`).join('\n')}`;
  } else {
    wrong = `That answer is not valid:\n${inLines(issuesOf(checked.error))}`;
  }
  const told = cut(wrong, maxResultLength);
  return { wrong: await scope.once(refused, async () => told) };
}
