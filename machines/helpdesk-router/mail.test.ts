import { describe, expect, it } from 'vitest';

import { initialContext } from './context.ts';
import { composeMail } from './mail.ts';

const request = { id: 'R-1', from: 'ana@example.com', account: null, subject: 'Export', text: 'It stops.' };
const context = { ...initialContext(request), reply: 'Export one list at a time.' };

describe('the mail', () => {
  it('goes to the sender, with the reply and nothing else', () => {
    expect(composeMail({ ...context, route: 'technical' })).toEqual({
      requestId: 'R-1',
      to: 'ana@example.com',
      subject: 'Re: Export',
      body: 'Export one list at a time.',
    });
  });

  it('says below the reply what is so, whoever wrote the reply', () => {
    const facts = { incident: { id: 'INC-7' } };
    expect(composeMail({ ...context, route: 'urgent', facts }).body).toBe(
      'Export one list at a time.\n\n--\nIncident INC-7 is open, and our on-call team has been paged.',
    );
    expect(composeMail({ ...context, route: 'billing' }).body).toContain('\n--\nThis desk makes no refunds.');
  });

  it.each([
    ['Export\r\nBcc: eve@evil.example', 'Re: Export Bcc: eve@evil.example'],
    ['a\u0000b\u2028c\u202ed', 'Re: a b c d'],
    [' \n ', 'Re: your message (R-1)'],
    ['', 'Re: your message (R-1)'],
  ])('has a subject of one line: %j', (subject, expected) => {
    expect(composeMail({ ...context, request: { ...request, subject } }).subject).toBe(expected);
  });
});
