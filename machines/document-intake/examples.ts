/** A document to think of, and what may be said of it on its way: what paths are made of beside what the schemas tell. */
import type { WorkflowExample } from 'signalbox';

import type { Customer, Document, Draft, Extraction, Found, Reading, Receipt } from './schemas.ts';

const document: Document = {
  id: 'D-1',
  fileName: 'an-order.pdf',
  receivedFrom: 'olive@harrowpike.example',
  // What is in it, `readPdf` is said to have read.
  pdf: 'JVBERi0xLjc=',
};

const sha256 = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08';

const reading: Reading = {
  problem: null,
  sha256,
  pageCount: 1,
  pages: [
    {
      number: 1,
      text: 'From: Harrow & Pike Ltd\nCustomer number: C-1001\nPlease deliver 20 crates for 480 EUR.',
      hidden: '',
    },
  ],
  cut: false,
};

/** Pictures of text: what a model reads there cannot be checked. */
const scan: Reading = {
  ...reading,
  problem: 'no-text',
  pages: [{ number: 1, text: '', hidden: '' }],
};

/** It can only be read by a person. */
const locked: Reading = { ...reading, problem: 'encrypted', pageCount: null, pages: [] };

/** Each value stands in its quote, and each quote on the page. */
const extraction: Extraction = {
  kind: 'order',
  sender: { value: 'Harrow & Pike Ltd', quote: 'From: Harrow & Pike Ltd', page: 1 },
  customerNumber: { value: 'C-1001', quote: 'Customer number: C-1001', page: 1 },
  references: [],
  dates: [],
  amounts: [{ value: 480, quote: 'for 480 EUR', page: 1, currency: 'EUR', meaning: 'price' }],
  request: { value: 'Deliver 20 crates.', quote: 'Please deliver 20 crates', page: 1 },
};

const customer: Customer = {
  number: 'C-1001',
  name: 'Harrow & Pike Ltd',
  city: 'Leeds',
  email: 'office@harrowpike.example',
  contacts: ['Olive Pike'],
  contracts: [],
  manager: { id: 'M-1', name: 'Ines Berg', email: 'ines@example.com' },
};

/** Number and name speak for it, and nothing against it. */
const found: Found = { customers: [customer], total: 1 };

/** It names the request, and promises nothing. */
const draft: Draft = {
  subject: 'Your order of 20 crates',
  body: 'Dear Olive Pike,\n\nThank you for your order of 20 crates for 480 EUR. We are looking at it.',
};

const done: Receipt = { status: 'done', id: 'N-1', reason: null };
const refused: Receipt = { status: 'refused', id: null, reason: 'The address is not in use any more.' };

export const examples: ReadonlyArray<WorkflowExample<Document>> = [
  {
    name: 'an order',
    input: document,
    outputs: {
      readPdf: [reading, scan, locked],
      extractEntities: [extraction],
      readScan: [extraction],
      lookUpCustomer: [found],
      notifyManager: [done, refused],
      draftReply: [draft],
      saveDraft: [done, refused],
    },
    events: { PICK_CUSTOMER: [{ by: 'dana', customerNumber: 'C-1001' }] },
  },
];
