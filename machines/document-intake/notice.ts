/** What the account manager is told. Plain code writes it, and to whom it goes is the CRM's to say, not the document's. */
import type { IntakeContext } from './context.ts';
import { isSame } from './customers.ts';

export interface Notice {
  readonly documentId: string;
  readonly managerId: string;
  readonly subject: string;
  readonly text: string;
}

export function noticeOf(context: IntakeContext): Notice {
  const { document, entities, customer, warnings, checkedBy } = context;
  if (!entities || !customer)
    throw new Error('Expected entities and a customer before anyone is told of them.');
  const { kind, request, references, amounts, dates } = entities;
  const listed = (name: string, values: readonly string[]): string[] =>
    values.length > 0 ? [`${name}: ${values.map(inLine).join('; ')}`] : [];
  return {
    documentId: document.id,
    managerId: customer.manager.id,
    subject: `${customer.name} (${customer.number}): ${kind}`,
    text: [
      `Document ${document.id}, ${inLine(document.fileName)}`,
      `Asked of us: ${inLine(request.value)}`,
      ...listed(
        'References',
        references.map(({ of, value }) => `${of} ${value}`),
      ),
      ...listed(
        'Amounts',
        amounts.map(({ value, currency, meaning }) => `${currency} ${inHundredths(value)} (${meaning})`),
      ),
      ...listed(
        'Dates',
        dates.map(({ value, meaning }) => `${value} (${meaning})`),
      ),
      ...customer.contracts
        .filter(
          ({ number, cancelledOn }) =>
            cancelledOn && references.some(({ of, value }) => of === 'contract' && isSame(value, number)),
        )
        .map(({ number, cancelledOn }) => `Contract ${number} was cancelled on ${cancelledOn}.`),
      checkedBy === 'document' ? 'Each value stands in the document.' : 'A person has confirmed the values.',
      ...(warnings.length > 0 ? ['Look at the file before you act on it: something about it is odd.'] : []),
    ].join('\n'),
  };
}

function inHundredths(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toFixed(2);
}

/** What came from a document is one line of text here, whatever it looks like. */
function inLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, ' ').trim();
}
