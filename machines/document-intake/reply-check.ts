/** Whether a reply may be saved as a draft without a person. The reasons are shown to the model, and to people. */
import { avoids, type Check, figuresStandIn, judge, lengthWithin, mentions } from 'signalbox';

import { readingsOf, textOf } from './page-text.ts';
import type { Draft, DraftInput } from './schemas.ts';

/** What nobody but the account manager can say, in the languages that we get. */
const promises = avoids(
  [
    /\b(?:we|i)(?:['’]ll| will| shall| have| are)\b[^.!?\n]{0,40}\b(?:refund|reimburs|credit|compensat|cancel|deliver|waive)\w*/i,
    /\b(?:guarantee|promise)[ds]?\b/i,
    /\bwithin \d+ (?:hour|day|week|business day|working day)s?\b/i,
    /\bwir\b[^.!?\n]{0,60}\b(?:erstatten|gutschreiben|stornieren|kündigen|liefern|garantieren)\b/i,
    /\b(?:erstatten|garantieren|stornieren) wir\b/i,
    /\bnous\b[^.!?\n]{0,40}\b(?:rembourserons|garantissons|annulerons|livrerons)\b/i,
    /\b(?:reembolsaremos|garantizamos|cancelaremos|entregaremos)\b/i,
    /(?:返金|お約束|保証)(?:いたします|します)/,
  ],
  { why: 'It promises what only the account manager can decide.' },
);

/**
 * It names the customer or something that the document refers to, has no figure that neither the document nor the CRM has,
 * and promises nothing.
 */
export function faultsOfReply({ subject, body }: Draft, { entities, customer, pages }: DraftInput): string[] {
  const known = [...readingsOf(textOf(pages)), JSON.stringify(customer), JSON.stringify(entities)];
  const names = [
    customer.name,
    ...customer.contacts,
    ...(entities.sender ? [entities.sender.value] : []),
    ...entities.references.map(({ value }) => value),
  ].filter((name) => /[\p{L}\p{N}]/u.test(name));
  const checks: ReadonlyArray<Check<string>> = [
    lengthWithin({ min: 5, max: 250, unit: 'words' }),
    mentions([names]),
    figuresStandIn(known),
    promises,
  ];
  return [
    ...judge(checks, body).reasons.map((reason) => `body: ${reason}`),
    ...judge([figuresStandIn(known), promises], subject).reasons.map((reason) => `subject: ${reason}`),
  ];
}
