/**
 * Which customer a document is from. Two of number, name and contract have to name the same one, and none may speak against
 * it: a number is easily mistyped, and a name is easily used.
 */
import type { Customer, Entities, Found, LookUpInput } from './schemas.ts';

export interface Match {
  /** `null` if it is not certain. */
  readonly customer: Customer | null;
  /** Why not. */
  readonly reasons: readonly string[];
}

export function lookUpInputOf(entities: Entities | null, picked: string | null): LookUpInput {
  if (picked !== null) return { customerNumber: picked, name: null, contracts: [] };
  return {
    customerNumber: entities?.customerNumber?.value ?? null,
    name: entities?.sender?.value ?? null,
    contracts: contractsIn(entities),
  };
}

/** The customer that a person has picked by its number. */
export function matchPicked({ customers }: Found, picked: string): Match {
  const customer = customers.find(({ number }) => isSame(number, picked));
  return customer
    ? { customer, reasons: [] }
    : { customer: null, reasons: [`The CRM has no customer ${picked}.`] };
}

export function matchOf({ customers, total }: Found, entities: Entities | null): Match {
  if (customers.length === 0)
    return { customer: null, reasons: ['The CRM has no customer with this number, name or contract.'] };
  const judged = customers.map((customer) => ({ customer, ...judgementOf(customer, entities) }));
  const certain = judged.filter(({ against, agreeing }) => against.length === 0 && agreeing.length >= 2);
  const [only] = certain;
  if (only && certain.length === 1 && total <= customers.length)
    return { customer: only.customer, reasons: [] };
  if (certain.length > 1) {
    const names = certain.map(({ customer }) => customer.number).join(', ');
    return { customer: null, reasons: [`Several customers fit: ${names}.`] };
  }
  if (only) {
    const { number } = only.customer;
    const reason = `${number} fits, but the CRM found ${total} customers and shows ${customers.length}.`;
    return { customer: null, reasons: [reason] };
  }
  return { customer: null, reasons: judged.flatMap(reasonsOf) };
}

interface Judged {
  readonly customer: Customer;
  readonly agreeing: readonly string[];
  readonly against: readonly string[];
}

function judgementOf(customer: Customer, entities: Entities | null): Omit<Judged, 'customer'> {
  const agreeing: string[] = [];
  const against: string[] = [];
  const weigh = (fits: boolean, what: string, why: string): void => {
    if (fits) agreeing.push(what);
    else against.push(why);
  };
  const number = entities?.customerNumber?.value;
  const sender = entities?.sender?.value;
  const contracts = contractsIn(entities);
  if (number !== undefined)
    weigh(isSame(number, customer.number), 'number', `the document says number ${number}`);
  if (sender !== undefined) {
    weigh(
      [customer.name, ...customer.contacts].some((name) => folded(sender).includes(folded(name))),
      'name',
      `the document is from ${sender}`,
    );
  }
  const foreign = contracts.filter((one) => !customer.contracts.some((theirs) => isSame(theirs.number, one)));
  if (contracts.length > 0) {
    weigh(foreign.length === 0, 'contract', `contract ${foreign.join(', ')} is not theirs`);
  }
  return { agreeing, against };
}

function reasonsOf({ customer: { number, name }, agreeing, against }: Judged): string[] {
  const who = `${number} (${name})`;
  if (against.length > 0) return [`Not certainly ${who}: ${against.join(', ')}.`];
  return [`Not certainly ${who}: only the ${agreeing.join(' and ')} speaks for it.`];
}

function contractsIn(entities: Entities | null): string[] {
  return (entities?.references ?? []).filter(({ of }) => of === 'contract').map(({ value }) => value);
}

/** Without regard to case, accents, spaces and punctuation. */
export function isSame(one: string, other: string): boolean {
  return folded(one).replaceAll(' ', '') === folded(other).replaceAll(' ', '');
}

function folded(text: string): string {
  return text
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .toLowerCase()
    .replaceAll('ß', 'ss')
    .replaceAll(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();
}
