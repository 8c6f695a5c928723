/** JSON texts, with errors that say where. */
import { CommandError } from './command-error.ts';
import { fit, oneLine } from './text.ts';

/** One JSON value. `where` names the text in errors. */
export function parseJson(text: string, where: string): unknown {
  if (text.trim() === '') throw invalid(where, 'it is empty');
  try {
    return JSON.parse(text.replace(/^\ufeff/, ''));
  } catch (error) {
    throw invalid(where, describe((error as Error).message, text), error);
  }
}

/** UTF-8 or nothing: other bytes would be replaced in silence. */
export function decodeText(bytes: Uint8Array, where: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw invalid(where, 'it is not UTF-8 text', error);
  }
}

function describe(message: string, text: string): string {
  const position = /at position (\d+)/.exec(message)?.[1];
  const place = position === undefined ? '' : ` (line ${text.slice(0, Number(position)).split('\n').length})`;
  const isPlaced = message.includes('(line ');
  return `${fit(oneLine(message), 160)}${isPlaced ? '' : place}`;
}

function invalid(where: string, what: string, cause?: unknown): CommandError {
  return new CommandError('JSON_INVALID', `${where} is not JSON: ${what}.`, { cause, details: { where } });
}
