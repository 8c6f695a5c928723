/** The mail that goes out: the checked reply, and below it what the ledger says and no model. */
import type { DeskContext } from './context.ts';

export interface ReplyMail {
  readonly requestId: string;
  readonly to: string;
  readonly subject: string;
  readonly body: string;
}

export function composeMail({ request, reply, route, facts }: DeskContext): ReplyMail {
  const lines = [
    ...(facts?.incident
      ? [`Incident ${facts.incident.id} is open, and our on-call team has been paged.`]
      : []),
    ...(route === 'billing'
      ? [
          'This desk makes no refunds. If you think that a charge is wrong, answer this mail, and our billing team looks at it.',
        ]
      : []),
  ];
  const subject = request.subject.replaceAll(/[\s\p{C}]+/gu, ' ').trim();
  return {
    requestId: request.id,
    to: request.from ?? '',
    subject: `Re: ${subject || `your message (${request.id})`}`,
    body: [reply ?? '', ...(lines.length > 0 ? [`--\n${lines.join('\n')}`] : [])].join('\n\n'),
  };
}
