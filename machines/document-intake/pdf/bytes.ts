/** The bytes of a file that came as base64, as far as they can be judged without reading them. */
import { createHash } from 'node:crypto';

import type { Problem } from '../schemas.ts';

export interface FileBytes {
  readonly problem: Extract<Problem, 'not-base64' | 'empty' | 'not-a-pdf' | 'damaged'> | null;
  readonly bytes: Uint8Array;
  readonly sha256: string | null;
}

/** How far into a file readers look for its first mark, and how far from its end for its last. */
const margin = 1024;

export function bytesOf(base64: string): FileBytes {
  const text = base64.replaceAll(/\s+/g, '');
  const none = { bytes: new Uint8Array(), sha256: null };
  if (text === '') return { problem: 'empty', ...none };
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text) || text.length % 4 !== 0)
    return { problem: 'not-base64', ...none };
  const buffer = Buffer.from(text, 'base64');
  return {
    problem: problemOf(buffer),
    // A copy of its own: the reader takes it over.
    bytes: new Uint8Array(buffer),
    sha256: createHash('sha256').update(buffer).digest('hex'),
  };
}

/** A file that was cut off can often be read in part, and nothing says which part is missing. */
function problemOf(buffer: Buffer): FileBytes['problem'] {
  if (!buffer.subarray(0, margin).includes('%PDF-')) return 'not-a-pdf';
  return buffer.subarray(-margin).includes('%%EOF') ? null : 'damaged';
}
