import { it } from 'vitest';
import { supportTicket } from '../../../machines/support-ticket/index.ts';
import { helpdeskRouter } from '../../../machines/helpdesk-router/index.ts';
import { longDocument } from '../../../machines/long-document/index.ts';
import { documentIntake } from '../../../machines/document-intake/index.ts';
import { check } from '../checks/check.ts';

it.each([supportTicket, helpdeskRouter, longDocument, documentIntake] as never[])(
  'x',
  (w: any) => {
    const { findings, accepted } = check(w, { maxNodes: 1000 });
    for (const f of [...findings, ...accepted])
      process.stdout.write(
        `${w.name} | ${f.severity} ${f.rule} | ${f.where} | ${f.message} | ${f.witness?.name.slice(0, 300)}\n`,
      );
  },
  120_000,
);
