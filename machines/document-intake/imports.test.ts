/** What is loaded, as a user's process loads it: from `dist`, with packages that may be missing. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';

import { expect, it } from 'vitest';

const dist = pathToFileURL(join(import.meta.dirname, '../../dist/')).href;

/** Runs a module in a process in which these packages cannot be found. */
async function runWithout(packages: string, source: string): Promise<string> {
  const hook = `export async function resolve(specifier, context, next) {
    if (${packages}.test(specifier)) {
      throw Object.assign(new Error('Cannot find package ' + specifier), { code: 'ERR_MODULE_NOT_FOUND' });
    }
    return next(specifier, context);
  }`;
  const script = `
    import { register } from 'node:module';
    register(${JSON.stringify(`data:text/javascript,${encodeURIComponent(hook)}`)});
    ${source}`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script], {
    env: { ...process.env, NODE_OPTIONS: '', INTAKE_SERVICES_URL: '' },
  });
  return stdout;
}

it('`signalbox/machines` loads neither the reader of PDFs nor anything of MCP, and needs no address', async () => {
  const said = await runWithout(
    '/^unpdf|^@modelcontextprotocol/',
    `const { documentIntake } = await import('${dist}machines/index.js');
    process.stdout.write(documentIntake.name);`,
  );
  expect(said).toBe('document-intake');
});

it('says what to install where the reader of PDFs is missing', async () => {
  const said = await runWithout(
    '/^unpdf/',
    `const { readPdf } = await import('${dist}machines/document-intake/pdf/read-pdf.js');
    const pdf = Buffer.from('%PDF-1.7 %%EOF').toString('base64');
    const signal = new AbortController().signal;
    await readPdf(pdf, { mostPages: 1, mostCharacters: 1, signal }).catch((error) => process.stdout.write(error.message));`,
  );
  expect(said).toBe(
    'Reading PDF files needs the package unpdf, which could not be loaded. Install it with `npm install unpdf`.',
  );
});
