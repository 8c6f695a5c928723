import type { AnyStateMachine, EventObject } from 'xstate';

import { advance, createHostCache } from '../../src/engine/advance.ts';
import { decode, encode } from '../../src/engine/codec.ts';
import type { Advanced, Message, RunState } from '../../src/engine/run-state.ts';
import { type AnyWorkflow, defineWorkflow } from '../../src/workflow.ts';
import {
  createNaming,
  type Driver,
  errorSeen,
  pathless,
  type Seen,
  startAt,
  storedChildren,
} from './seen.ts';

export function advanceDriver(restore: boolean): (machine: AnyStateMachine) => Driver {
  return (machine) => {
    const workflow = defineWorkflow({ machine, version: '1' });
    const hosts = restore ? undefined : createHostCache();
    const naming = createNaming();
    let state: RunState | undefined;
    let now = startAt;

    const send = (message: Message): Advanced => {
      const [in_, given]: [AnyWorkflow, RunState | undefined] =
        restore && state ? [{ ...workflow }, decode(encode(state, 'state')) as RunState] : [workflow, state];
      const led = advance(in_, given, message, hosts);
      state = led.state;
      return led;
    };

    const seen = (leds: readonly Advanced[]): Seen => {
      const { snapshot, timers, invocations } = leds.at(-1)?.state ?? (state as RunState);
      const started = leds.flatMap((led) => led.started);
      const stopped = leds.flatMap((led) => led.stopped);
      // Time may pass several timers, and what one started another may stop: that is nothing.
      const brief = new Set(started.map(({ key }) => key).filter((key) => stopped.includes(key)));
      return naming({
        status: snapshot.status,
        value: snapshot.value,
        context: pathless(snapshot.context),
        output: snapshot.output,
        error: errorSeen(snapshot.error),
        tags: snapshot.status === 'active' ? (leds.at(-1)?.tags ?? []) : [],
        children: snapshot.status === 'active' ? storedChildren(snapshot) : {},
        timers: timers.map(({ source, target, event, deadline }) => ({
          source,
          target,
          event,
          in: deadline - now,
        })),
        invocations: invocations.map(({ key }) => key).toSorted(),
        started: started.filter(({ key }) => !brief.has(key)).map(({ key, input }) => ({ key, input })),
        stopped: stopped.filter((key) => !brief.has(key)).toSorted(),
        actions: leds.flatMap(({ actions }) =>
          actions.map(({ path, type, params }) => ({ path, type, params })),
        ),
        emitted: leds.flatMap(({ emitted }) => emitted),
      });
    };

    return {
      stored: () => decode(encode(state, 'state')),
      start: async (input) =>
        seen([send({ type: 'start', at: now, ...(input === undefined ? {} : { input }) })]),
      async step(step) {
        if ('type' in step) return seen([send({ type: 'event', at: now, event: step as EventObject })]);
        if ('cancel' in step) return seen([send({ type: 'cancel', at: now })]);
        if ('settle' in step) {
          const key = naming.raw(step.settle);
          if ('error' in step) return seen([send({ type: 'error', at: now, key, error: step.error })]);
          return seen([send({ type: 'output', at: now, key, output: step.output })]);
        }
        const until = now + step.elapse;
        const leds: Advanced[] = [];
        for (let [due] = timersOf(state); due && due.deadline <= until; [due] = timersOf(state)) {
          now = due.deadline;
          leds.push(send({ type: 'timer', at: now, source: due.source, id: due.id }));
        }
        now = until;
        return seen(
          leds.length > 0 ? leds : [send({ type: 'timer', at: now, source: '', id: 'there is none' })],
        );
      },
    };
  };
}

function timersOf(state: RunState | undefined): RunState['timers'] {
  return state?.timers ?? [];
}
