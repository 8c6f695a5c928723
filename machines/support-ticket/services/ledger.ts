/**
 * What the support desk's ledger holds: refunds, mails, and how tickets ended.
 *
 * No customer gets back more than was charged: the check and the entry are one transaction.
 */
import { type Ledger, type NewEntry, Refused } from '../../services/ledger.ts';
import { customerOf } from './records.ts';

export const entryKinds = ['refunds', 'mails', 'outcomes'] as const;

export interface RefundRequest {
  readonly customer: string;
  readonly amount: number;
  readonly currency: string;
}

export interface RefundBook {
  /** What the ledger is to enter for this refund. */
  entryOf(refund: RefundRequest): NewEntry;
  refundsOf(customer: string): Array<{ reference: string; amount: number }>;
  /** What a customer can still get back, in hundredths. */
  refundable(customer: string): number;
}

const schema = `
  CREATE INDEX IF NOT EXISTS refunds_of_customer ON entries (json_extract(body, '$.customer')) WHERE kind = 'refunds'`;

export function openRefunds({ database, inTransaction }: Ledger): RefundBook {
  inTransaction(() => database.exec(schema));
  const ofCustomer = database.prepare(
    "SELECT answer FROM entries WHERE kind = 'refunds' AND json_extract(body, '$.customer') = ? ORDER BY id",
  );

  function refundsOf(customer: string): Array<{ reference: string; amount: number }> {
    const rows = ofCustomer.all(customer) as Array<{ answer: string }>;
    return rows.map(({ answer }) => {
      const { reference, amount } = JSON.parse(answer) as { reference: string; amount: number };
      return { reference, amount };
    });
  }

  function refundable(customer: string): number {
    return hundredths(customerOf(customer)?.charges ?? []) - hundredths(refundsOf(customer));
  }

  return {
    refundsOf,
    refundable,
    entryOf: (refund) => ({
      body: refund,
      answer: (id) => {
        const { customer, amount, currency } = refund;
        const account = customerOf(customer);
        if (!account) throw new Refused(409, `There is no customer ${customer}.`);
        if (account.currency !== currency) {
          throw new Refused(409, `${customer} was charged in ${account.currency}, not in ${currency}.`);
        }
        if (hundredths([refund]) > refundable(customer)) {
          throw new Refused(409, `${amount} ${currency} is more than ${customer} can get back.`);
        }
        return { status: 'refunded', reference: `rf-${id}`, amount, currency };
      },
    }),
  };
}

function hundredths(sums: ReadonlyArray<{ readonly amount: number }>): number {
  return sums.reduce((total, { amount }) => total + Math.round(amount * 100), 0);
}
