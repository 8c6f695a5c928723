/** What `check` found, for a person to read. */
import type { CheckReport, Finding } from '../graph/checks/check.ts';
import type { Severity } from '../graph/checks/rule.ts';
import { printField } from './field-block.ts';
import type { Screen, Style } from './screen.ts';
import { oneLine } from './text.ts';
import { printWorst } from './worst-view.ts';

const styles: Readonly<Record<Severity, Style>> = { error: 'red', warning: 'yellow', info: 'dim' };

const block = { indent: 4, mostLines: Infinity };

/** `worst`: what a run can take at most, from each state on. */
export function printReport(
  screen: Screen,
  { workflow, findings, accepted, stale, graph, worst }: CheckReport,
  options: { readonly worst?: boolean } = {},
): void {
  const { nodes, edges, leftOut } = graph;
  const left = leftOut === 0 ? '' : `, ${leftOut} of them not gone on from (--variants, --max-nodes)`;
  screen.print(
    `${screen.paint('bold', oneLine(workflow))}  ${screen.paint('dim', `${nodes} states a run can be in${left}, ${edges} ways between them`)}`,
  );
  printWorst(screen, worst, { places: options.worst === true });
  for (const [index, finding] of findings.entries()) {
    printFinding(screen, finding);
    // What a rule says of all that it finds is said once.
    if (findings[index + 1]?.rule === finding.rule) continue;
    printField(screen, 'why', finding.explains, block);
    printField(screen, 'fix', finding.fix, block);
  }
  for (const { rule, where, reason } of accepted) {
    screen.print(
      screen.paint('dim', `  accepted  ${[rule, where].filter(Boolean).join('  ')}: ${oneLine(reason)}`),
    );
  }
  for (const { rule, where } of stale) {
    const what = [rule, where].filter(Boolean).join('  ');
    screen.print(screen.paint('yellow', `  accepted and not found any more  ${oneLine(what)}`));
  }
  screen.print(`  ${summary(findings, accepted.length)}`);
}

function printFinding(screen: Screen, { severity, rule, where, message, witness }: Finding): void {
  const head = [severity.padEnd(7), rule, where].filter(Boolean).join('  ');
  screen.print(screen.paint(styles[severity], `  ${oneLine(head)}`));
  printField(screen, 'what', message, block);
  if (witness) printField(screen, 'path', witness.name || '(at the start)', block);
}

function summary(findings: readonly Finding[], accepted: number): string {
  const count = (severity: Severity): number =>
    findings.filter((finding) => finding.severity === severity).length;
  const of = (number: number, word: string): string => `${number} ${word}${number === 1 ? '' : 's'}`;
  return `${of(count('error'), 'error')}, ${of(count('warning'), 'warning')}${accepted > 0 ? `, ${accepted} accepted` : ''}`;
}
