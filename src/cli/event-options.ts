/** What the options of a command say of an event: what it holds, and who sends it. */
import { buffer } from 'node:stream/consumers';

import type { Answerer } from '../gates/person.ts';
import { CommandError } from './command-error.ts';
import { decodeText, parseJson } from './parse-json.ts';
import { readText } from './read-inputs.ts';

/** `--data`: `-` is standard input, `@` comes before a file's name, anything else is the JSON itself. */
export async function readPayload(data: string): Promise<object> {
  const payload = await readData(data);
  if (typeof payload === 'object' && payload !== null && !Array.isArray(payload)) return payload;
  throw new CommandError(
    'JSON_INVALID',
    `Expected \`--data\` to be a JSON object, got ${JSON.stringify(payload).slice(0, 80)}.`,
  );
}

/** `--by`: `NAME`, or `NAME:role,role`. */
export function readAnswerer(by: string): Answerer {
  const [, id = '', roles = ''] = /^([^:]*)(?::(.*))?$/s.exec(by) ?? [];
  if (id.trim() === '') {
    throw new CommandError('USAGE', `Expected \`--by\` to be NAME or NAME:role,role, got \`${by}\`.`);
  }
  const named = roles.split(',').map((role) => role.trim());
  return { id: id.trim(), roles: named.filter(Boolean) };
}

async function readData(data: string): Promise<unknown> {
  if (data === '-')
    return parseJson(decodeText(await buffer(process.stdin), 'Standard input'), 'Standard input');
  if (data.startsWith('@')) return parseJson(await readText(data.slice(1)), data.slice(1));
  return parseJson(data, '`--data`');
}
