/** Where inputs of runs come from: a file, the files of a folder, or standard input. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join, parse } from 'node:path';
import { buffer } from 'node:stream/consumers';

import { CommandError } from './command-error.ts';
import { decodeText, parseJson } from './parse-json.ts';

export interface GivenInput {
  readonly value: unknown;
  /** Names it in errors: a file, with the place in it if it holds several. */
  readonly where: string;
  /** What its run may be called: after its file. */
  readonly name?: string;
}

/**
 * A file holds one input, a JSON array of them, or one on each line; a folder has them in its `.json` files, in the order
 * of their names; `-` is standard input.
 */
export async function readInputs(target: string): Promise<readonly GivenInput[]> {
  if (target === '-') {
    return inputsOf(decodeText(await buffer(process.stdin), 'Standard input'), 'Standard input');
  }
  const isFolder = await reading(target, async () => (await stat(target)).isDirectory());
  if (!isFolder) return readInputFile(target);
  const names = await reading(target, () => readdir(target));
  const files = names.filter((name) => name.endsWith('.json')).sort();
  if (files.length === 0) {
    throw new CommandError('FILE_NOT_READABLE', `The folder \`${target}\` has no \`.json\` files.`, {
      details: { path: target },
    });
  }
  const inputs = await Promise.all(files.map((name) => readInputFile(join(target, name))));
  return inputs.flat();
}

async function readInputFile(path: string): Promise<readonly GivenInput[]> {
  const bytes = await reading(path, () => readFile(path));
  return inputsOf(decodeText(bytes, path), path, parse(path).name);
}

/** The text of a file that a command was given. */
export async function readText(path: string): Promise<string> {
  return decodeText(await reading(path, () => readFile(path)), path);
}

export async function reading<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const what = code === 'ENOENT' ? 'there is no such file or folder' : message;
    throw new CommandError('FILE_NOT_READABLE', `\`${path}\` cannot be read: ${what}.`, {
      cause,
      details: { path },
    });
  }
}

function inputsOf(text: string, where: string, name?: string): GivenInput[] {
  const lines = /\.(jsonl|ndjson)$/.test(where) ? nonEmptyLines(text) : undefined;
  if (lines) return lines.map((line) => inputOfLine(line, where, name));
  let value: unknown;
  try {
    value = parseJson(text, where);
  } catch (error) {
    const looksLikeLines = nonEmptyLines(text);
    if (looksLikeLines.length < 2 || !isJson(looksLikeLines[0]?.text ?? '')) throw error;
    return looksLikeLines.map((line) => inputOfLine(line, where, name));
  }
  if (!Array.isArray(value)) return [{ value, where, ...(name === undefined ? {} : { name }) }];
  if (value.length === 0) {
    throw new CommandError('JSON_INVALID', `${where} is an empty array: there is nothing to run.`);
  }
  return value.map((item: unknown, index) => ({
    value: item,
    where: `${where}[${index}]`,
    ...(name === undefined ? {} : { name: `${name}-${index + 1}` }),
  }));
}

interface Line {
  readonly text: string;
  readonly number: number;
}

function nonEmptyLines(text: string): Line[] {
  return text
    .split('\n')
    .map((line, index) => ({ text: line, number: index + 1 }))
    .filter((line) => line.text.trim() !== '');
}

function inputOfLine({ text, number }: Line, file: string, name?: string): GivenInput {
  const where = `${file}:${number}`;
  return {
    value: parseJson(text, where),
    where,
    ...(name === undefined ? {} : { name: `${name}-${number}` }),
  };
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
