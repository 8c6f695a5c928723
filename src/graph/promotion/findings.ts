/** What does `check` find, and what of it was accepted? */
import type { Severity } from '../checks/rule.ts';
import { counted, judgedLine, type PromotionLine } from './line.ts';
import { problemOf, type PromotionSubject } from './subject.ts';

const asked = { id: 'findings', asks: 'Is nothing found that nobody has accepted?' } as const;

export function findings({ report }: PromotionSubject): PromotionLine {
  const of = (severity: Severity) => report.findings.filter((one) => one.severity === severity);
  const errors = of('error');
  const item = (rule: string, where: string, says: string) => ({
    name: [rule, where].filter(Boolean).join(' '),
    says,
  });
  const says = [
    counted(errors.length, 'error'),
    counted(of('warning').length, 'warning'),
    `${report.accepted.length} accepted`,
  ];
  return judgedLine(
    asked,
    {
      says: `${says.join(', ')}.`,
      evidence: [
        {
          topic: 'accepted, with the reasons',
          items: report.accepted.map(({ rule, where, message, reason }) =>
            item(rule, where, `${message} ${reason}`),
          ),
        },
        {
          topic: 'accepted, and not found any more',
          items: report.stale.map(({ rule, where = '', reason }) => item(rule, where, reason)),
        },
        {
          topic: 'warnings',
          items: of('warning').map(({ rule, where, message }) => item(rule, where, message)),
        },
      ],
    },
    errors.map(problemOf),
  );
}
