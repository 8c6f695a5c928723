import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { expect, it } from 'vitest';

import { intakeSamples, written } from '../../test/support/intake-samples.mjs';

it('the samples are those that the generator makes', async () => {
  const folder = join(import.meta.dirname, 'samples');
  const made = await intakeSamples();
  expect(readdirSync(folder).sort()).toEqual(Object.keys(made).sort());
  const different = Object.entries(made).filter(
    ([file, sample]) => readFileSync(join(folder, file), 'utf8') !== written(sample),
  );
  // If this fails: node test/support/intake-samples.mjs
  expect(different.map(([file]) => file)).toEqual([]);
});
