import fc from 'fast-check';
import { defineWorkflow } from 'signalbox';
import { readyWorkflows } from 'signalbox/machines';
import { paths } from 'signalbox/graph';
import { describe, expect, test } from 'vitest';
import { type AnyStateMachine, createMachine } from 'xstate';

import { hostile, zoo } from '../../../test/fixtures/zoo.ts';
import { readMermaid } from '../../../test/support/mermaid.ts';
import { elementsIn, parseXml, type XmlElement } from '../../../test/support/xml.ts';
import { stateNodes } from '../../actor-sources.ts';
import { transitionsOf } from '../../graph/transitions.ts';
import type { AnyWorkflow } from '../../workflow.ts';
import { coveredBy } from './covered-transitions.ts';
import { createDiagram } from './create-diagram.ts';
import { statesWithin } from './diagram.ts';
import { toDot } from './dot.ts';
import { layOut } from './layout.ts';
import { toMachineConfig } from './machine-config.ts';
import { toMermaid } from './mermaid.ts';
import { toSvg } from './svg.ts';

const workflows: AnyWorkflow[] = [...readyWorkflows.map(({ workflow }) => workflow), zoo];
const supportTicket = workflows[0] as AnyWorkflow;

describe.each(workflows.map((workflow) => [workflow.name, workflow] as const))('%s', (_, workflow) => {
  const specs = transitionsOf(workflow.machine as AnyStateMachine);
  const diagram = createDiagram(workflow);
  const states = diagram.roots.flatMap(statesWithin);
  const arrows = specs.reduce((sum, { targets }) => sum + targets.length, 0);

  test('has the transitions that paths are counted in', () => {
    expect(diagram.transitions.map(({ id }) => id)).toEqual(specs.map(({ id }) => id));
    const names = new Map(states.map((state) => [state.key, state]));
    for (const { source, targets } of diagram.transitions) {
      expect([source, ...targets].filter((key) => !names.has(key))).toEqual([]);
    }
  });

  test('is Mermaid with every state and every arrow', () => {
    const { states: declared, arrows: drawn } = readMermaid(toMermaid(workflow));
    const hasFrame = declared.has(diagram.roots[0]?.slug ?? '');
    expect([...declared.keys()].toSorted()).toEqual(
      states
        .slice(hasFrame ? 0 : 1)
        .map(({ slug }) => slug)
        .toSorted(),
    );
    const transitions = drawn.filter(
      ({ from, to, label }) => ![from, to].includes('[*]') && label !== 'default',
    );
    expect(transitions).toHaveLength(arrows);
    // Elsewhere Mermaid would move the states that it leads between.
    expect(transitions.every(({ within }) => within === '')).toBe(true);
  });

  test('is a well-formed picture with every state and every arrow, the same whenever it is drawn', async () => {
    const text = await toSvg(workflow);
    const elements = elementsIn(parseXml(text));
    const ids = elements.flatMap(({ attributes: { id } }) => (id === undefined ? [] : [id]));
    expect(new Set(ids).size).toBe(ids.length);
    expect(valuesOf(elements, 'data-state').toSorted()).toEqual(states.map(({ key }) => key).toSorted());
    expect(valuesOf(elements, 'data-transition')).toHaveLength(arrows);
    expect(await toSvg(workflow)).toBe(text);
  });

  test('is JSON that XState takes, with the same states and transitions', () => {
    const config = JSON.parse(JSON.stringify(toMachineConfig(workflow))) as Parameters<
      typeof createMachine
    >[0];
    const again = createMachine(config);
    const own = specs.filter(({ machine }) => machine === '');
    expect(transitionsOf(again)).toEqual(own);
    const described = (machine: AnyStateMachine) =>
      stateNodes(machine).map(({ id, description, tags, type, invoke }) => ({
        id,
        description,
        tags,
        type,
        invoked: invoke.map((actor) => [actor.id, actor.src]),
      }));
    expect(described(again)).toEqual(described(workflow.machine as AnyStateMachine));
  });
});

describe('what a state and a transition say', () => {
  const { states, arrows } = readMermaid(toMermaid(zoo));
  const labelsFrom = (slug: string) => arrows.filter(({ from }) => from === slug).map(({ label }) => label);

  test('actors with their kind, irreversible ones marked, people with their question, tags and actions', () => {
    expect(states.get('working')?.lines).toEqual([
      '⚠ pay (tool), irreversible',
      '▸ reviewing: review (machine)',
      '▸ ponder (promise)',
      'entry / note, assign count',
      'exit / raise LEFT',
      '#busy',
      'PING is ignored',
    ]);
    expect(states.get('asking')?.lines).toEqual(['person · Say "yes" <now>']);
  });

  test('gates by name, answers by actor, times for people, parameters where they are short', () => {
    expect(labelsFrom('both_right_on')).toEqual([
      'after 250 ms',
      'after 1 h 30 min (patience)',
      'after asLongAsItTakes',
    ]);
    expect(labelsFrom('working')).toEqual(['BOTH', 'BOTH', 'HISTORY', 'pay done', 'pay error [guard]']);
    expect(labelsFrom('asking')).toEqual(['YES [isFine({"hard":1})] / note(hello)', 'NO']);
    expect(labelsFrom('review_reading')).toEqual(['after 1 min 30 s']);
  });

  test('regions, history, nested machines and what a root says stand where they belong', () => {
    expect(states.get('zoo')?.label).toBe('zoo<br>PING / note');
    expect(states.get('both_right')?.within).toBe('both');
    expect(states.get('both_left_before')?.label).toBe('before (deep history)');
    expect(states.get('review_review')).toMatchObject({ label: 'review (review)', within: '' });
    expect(arrows).toContainEqual({
      from: 'both_left_before',
      to: 'both_left_start_',
      label: 'default',
      within: '',
    });
    // What Mermaid would take for the beginning of a region is called otherwise.
    expect(states.has('both_left_start')).toBe(false);
  });
});

describe('what a machine may be called', () => {
  const markup = [
    'svg',
    'title',
    'desc',
    'style',
    'rect',
    'g',
    'path',
    'polygon',
    'polyline',
    'ellipse',
    'text',
  ];

  test('no name or text becomes markup, an attribute, a link or a script of a picture', async () => {
    const elements = elementsIn(parseXml(await toSvg(zoo)));
    expect(elements.filter(({ name }) => !markup.includes(name))).toEqual([]);
    const attributes = new Set(elements.flatMap((element) => Object.keys(element.attributes)));
    expect([...attributes].filter((name) => /^on|href|^style$/i.test(name))).toEqual([]);
    const styles = elements.filter(({ name }) => name === 'style');
    expect(styles).toHaveLength(1);
    expect(styles[0]?.text).not.toMatch(/url|@import|zoo/);
  });

  test('it is shown as it is', async () => {
    const elements = elementsIn(parseXml(await toSvg(zoo)));
    const texts = elements.filter(({ name }) => name === 'text').map(({ text }) => text);
    for (const name of [hostile.image, hostile.click, hostile.spaced, hostile.unicode, hostile.dot]) {
      expect(texts.join(' ')).toContain(name);
    }
    expect(titleOfState(elements, 'odd')).toBe(hostile.script);
    expect(titleOfState(elements, `zoo.${hostile.unicode}`)).toBe('a\ufffdb\ufffdc\ufffdd\ufffd');
  });

  test('in Mermaid it stays a label', () => {
    const { states, arrows, title } = readMermaid(toMermaid(zoo));
    const labels = [...states.values()].map(({ label }) => label);
    expect(labels).toEqual(
      expect.arrayContaining([hostile.image, hostile.directive, hostile.spaced, hostile.unicode]),
    );
    expect(arrows.map(({ label }) => label)).toContain(hostile.mermaid.replace('\n', ' '));
    expect(title).toBe('zoo@1 · Zoo" onload="alert(1)');
  });

  test('whatever it is called, each notation can be read', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.string({ unit: 'binary', minLength: 1 }).filter(isKey), {
          minLength: 2,
          maxLength: 6,
        }),
        fc.string({ unit: 'binary' }),
        async (names, text) => {
          const states = Object.fromEntries(
            names.map((name, index) => [
              name,
              {
                id: `s${index}`,
                description: text,
                on: { [text || 'E']: `#s${(index + 1) % names.length}` },
              },
            ]),
          );
          const machine = createMachine({ id: 'any', initial: names[0] as string, states });
          const workflow = defineWorkflow({ machine, version: '1', title: text });
          expect(readMermaid(toMermaid(workflow)).states.size).toBe(names.length);
          const elements = elementsIn(parseXml(await toSvg(workflow)));
          expect(valuesOf(elements, 'data-state')).toHaveLength(names.length + 1);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('Graphviz finds its own words and figures in no name', async () => {
    const { objects, edges } = await layOut(toDot(zoo));
    expect(objects.map(({ id }) => id)).toEqual(
      expect.arrayContaining(['state-graph', 'state-1a', 'state-state_']),
    );
    expect(edges.length).toBeGreaterThan(20);
  });

  test('a thousand states are drawn', async () => {
    const states = Object.fromEntries(
      Array.from({ length: 1_000 }, (_, index) => [`s${index}`, { on: { NEXT: `s${(index + 1) % 1_000}` } }]),
    );
    const workflow = defineWorkflow({
      machine: createMachine({ id: 'ring', initial: 's0', states }),
      version: '1',
    });
    expect(readMermaid(toMermaid(workflow)).states.size).toBe(1_000);
    expect(valuesOf(elementsIn(parseXml(await toSvg(workflow))), 'data-state')).toHaveLength(1_001);
  });
});

describe('coverage', () => {
  const stuck = defineWorkflow({
    machine: createMachine(
      {
        id: 'stuck',
        initial: 'a',
        states: {
          a: { on: { GO: 'b', NEVER: { guard: 'never', target: 'c' } } },
          b: { type: 'final' },
          c: { type: 'final' },
        },
      },
      { guards: { never: () => false } },
    ),
    version: '1',
  });
  const overlay = coveredBy(paths(stuck));

  test('is a list and marks in Mermaid', () => {
    const { comments, arrows, classes } = readMermaid(toMermaid(stuck, { overlay }));
    expect(comments).toEqual(['1 of 2 transitions are covered', 'missing: a NEVER 0']);
    expect(arrows.filter(({ from }) => from === 'a').map(({ label }) => label)).toEqual([
      'GO',
      '✗ NEVER [never]',
    ]);
    expect(Object.fromEntries(classes)).toEqual({ a: 'covered', b: 'covered', c: 'missing' });
  });

  test('is colour and dashes in a picture', async () => {
    const root = parseXml(await toSvg(stuck, { overlay }));
    expect(classOf(root, 'transition-a_GO_0')).toBe('transition covered');
    expect(classOf(root, 'transition-a_NEVER_0')).toBe('transition missing');
    expect(classOf(root, 'state-c')).toBe('state final missing');
    expect(toDot(stuck, { overlay })).toMatch(/id="transition-a_NEVER_0".*style="dashed"/);
  });

  test('is in the `meta` of JSON, which is still a machine', () => {
    const config = toMachineConfig(stuck, { overlay }) as Parameters<typeof createMachine>[0];
    expect(config).toMatchObject({
      states: {
        a: { on: { NEVER: { meta: { signalbox: { mark: 'missing' } } } } },
        c: { meta: { signalbox: { mark: 'missing' } } },
      },
    });
    expect(transitionsOf(createMachine(config))).toHaveLength(2);
  });
});

test('a person’s question is kept in JSON, but for its functions', () => {
  const config = JSON.stringify(toMachineConfig(supportTicket));
  expect(config).toContain('"title":"Sort the ticket"');
  expect(config).not.toContain('=>');
});

function valuesOf(elements: readonly XmlElement[], name: string): string[] {
  return elements.flatMap(({ attributes }) => attributes[name] ?? []);
}

function titleOfState(elements: readonly XmlElement[], key: string): string | undefined {
  const state = elements.find(({ attributes }) => attributes['data-state'] === key);
  return state?.children.find(({ name }) => name === 'title')?.text;
}

function classOf(root: XmlElement, id: string): string | undefined {
  return elementsIn(root).find(({ attributes }) => attributes['id'] === id)?.attributes['class'];
}

/** XState resolves targets by dots, and JavaScript orders and inherits keys of its own. */
function isKey(name: string): boolean {
  return !name.includes('.') && !(name in {});
}
