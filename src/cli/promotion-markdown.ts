/** The promotion check as Markdown, for a pull request. */
import type { Evidence, Problem, PromotionLine } from '../graph/promotion/line.ts';
import type { Promotion } from '../graph/promotion/promotion.ts';
import { factsOf } from './promotion-view.ts';
import { oneLine } from './text.ts';

export function promotionMarkdown(filled: Promotion, now: number): string {
  const { workflow, title, owner, lines } = filled;
  const parts = [
    `# Promotion check of ${escaped(workflow)}${title === undefined ? '' : `: ${escaped(title)}`}`,
    factsOf(filled, now).map(escaped).join(' · '),
    table(
      ['', 'line', 'verdict', 'answer'],
      lines.map(({ asks, verdict, says }, index) => [String(index + 1), asks, words[verdict], says]),
    ),
    ...lines.flatMap(lineText),
    '## Signed',
    table(
      ['', 'name', 'date'],
      [
        [`Owner${owner === undefined ? '' : ` (${owner})`}`, '', ''],
        ['Reviewer', '', ''],
      ],
    ),
  ];
  return `${parts.join('\n\n')}\n`;
}

const words: Readonly<Record<PromotionLine['verdict'], string>> = {
  passes: 'passes',
  fails: '**fails**',
  informs: 'for information',
};

function lineText({ asks, verdict, says, evidence, problems }: PromotionLine, index: number): string[] {
  return [
    `## ${index + 1}. ${escaped(asks)} ${words[verdict]}`,
    escaped(says),
    ...(problems.length > 0 ? [problems.map(problemText).join('\n')] : []),
    ...evidence.map(topicText),
  ];
}

function problemText({ where, what, fix, path }: Problem): string {
  const place = what.includes(where) ? '' : `**${escaped(where)}**: `;
  return [
    `- [ ] ${place}${escaped(what)}`,
    ...(path === undefined ? [] : [`  - path: ${escaped(path)}`]),
    `  - fix: ${escaped(fix)}`,
  ].join('\n');
}

/** Longer lists are folded away. */
const mostOpen = 6;

function topicText({ topic, items }: Evidence): string {
  const rows = items.map(({ name, says, runs = [] }) => {
    const told = runs.filter((id) => id !== name);
    return [name, told.length > 0 ? `${says} [${told.join(', ')}]` : says];
  });
  const text = table([topic, ''], rows);
  if (items.length <= mostOpen) return text;
  return `<details><summary>${escaped(topic)} (${items.length})</summary>\n\n${text}\n\n</details>`;
}

function table(head: readonly string[], rows: ReadonlyArray<readonly string[]>): string {
  const row = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`;
  return [row(head), `|${head.map(() => ' --- ').join('|')}|`, ...rows.map(row)].join('\n');
}

function cell(text: string): string {
  return text === words.fails ? text : escaped(text);
}

/** What stands in names and reasons is text, and no markup; code stays code. */
function escaped(text: string): string {
  return oneLine(text)
    .split(/(`[^`]*`)/)
    .map((part, index) => (index % 2 === 1 ? part : part.replaceAll(/[\\<>*_[\]#]/g, String.raw`\$&`)))
    .join('')
    .replaceAll('|', String.raw`\|`);
}
