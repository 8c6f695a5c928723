/** Who answers for it, what it is for, and what it may cost. */
import { counted, judgedLine, type Problem, type PromotionLine } from './line.ts';
import type { PromotionSubject } from './subject.ts';

const asked = { id: 'ownership', asks: 'Does somebody answer for it, within a budget?' } as const;

export function ownership({ workflow, performed }: PromotionSubject): PromotionLine {
  const { owner, title, examples = [], budget } = workflow;
  const asksModels = performed.some(({ actor }) => actor?.fallible);
  const missing = (what: string, fix: string): Problem => ({ where: '', what: `It has no ${what}.`, fix });
  const limits = [
    ...(budget?.usd === undefined ? [] : [`$${budget.usd}`]),
    ...(budget?.tokens === undefined ? [] : [counted(budget.tokens, 'token')]),
  ];
  const items = [
    ...(owner ? [{ name: 'owner', says: owner }] : []),
    ...(title ? [{ name: 'title', says: title }] : []),
    { name: 'version', says: workflow.version },
    ...(examples.length > 0 ? [{ name: 'examples', says: examples.map(({ name }) => name).join(', ') }] : []),
    ...(limits.length > 0 ? [{ name: 'budget', says: `${limits.join(', ')} a run` }] : []),
  ];
  return judgedLine(
    asked,
    {
      says: owner ? `${owner} answers for it.` : 'Nobody is named who answers for it.',
      evidence: [{ topic: 'stated', items }],
    },
    [
      ...(owner ? [] : [missing('owner', 'Name who answers for it in `defineWorkflow({ owner })`.')]),
      ...(title ? [] : [missing('title', 'Say what it is for in `defineWorkflow({ title })`.')]),
      ...(examples.length > 0
        ? []
        : [
            missing(
              'examples',
              'Give runs to think of in `defineWorkflow({ examples })`: paths and checks are made of them.',
            ),
          ]),
      // What asks no model costs nothing by the price table.
      ...(asksModels && limits.length === 0
        ? [
            missing(
              'budget',
              'Say in `defineWorkflow({ budget })` what the model calls of one run may cost; a call beyond it is not made.',
            ),
          ]
        : []),
    ],
  );
}
