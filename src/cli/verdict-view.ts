/** What a gate said, why, and what it saw. */
import type { Verdict } from '../gates/verdict.ts';
import { type BlockOptions, printField } from './field-block.ts';
import type { Screen } from './screen.ts';

/** A gate that says no without a reason only chose between ways; one with reasons held something back. */
export function printVerdict(
  screen: Screen,
  { gate, passed, reasons, saw }: Verdict,
  options: BlockOptions,
): void {
  const style = passed ? 'green' : reasons.length > 0 ? 'red' : 'dim';
  printField(screen, 'gate', [`${passed ? '✓' : '✗'} ${gate}`, ...reasons].join('\n'), { ...options, style });
  if (saw !== undefined) printField(screen, 'saw', saw, options);
}
