/** The document intake through the command line, without a key. */
import { join } from 'node:path';

import { expect, it } from 'vitest';

import { createCliFolder } from '../../test/fixtures/cli.ts';

it('has its services started, takes in a file, and goes on when a person answers', async () => {
  const cli = createCliFolder();
  const file = join(import.meta.dirname, 'samples/24-customer-twice.json');
  const run = await cli.run(['run', 'document-intake', '--input', file]);
  expect(run).toMatchObject({ code: 0, stderr: '' });
  expect(run.stdout).toMatch(/D-024 +waiting +awaitingCustomer/);
  expect(run.stdout).toContain('STAND-IN');
  const answer = JSON.stringify({ by: 'dana', customerNumber: 'C-1055' });
  const sent = await cli.run(['send', 'D-024', 'PICK_CUSTOMER', '--data', answer]);
  expect(sent).toMatchObject({ code: 0, stderr: '' });
  const { status, output } = await cli.document<Record<string, unknown>>(['show', 'D-024']);
  expect({ status, output }).toMatchObject({
    status: 'done',
    output: {
      status: 'handled',
      customer: { number: 'C-1055' },
      notified: { id: 'note-1' },
      draftId: 'draft-2',
    },
  });
});
