/** A check that text is one of a few. */
import { InvalidOption } from '../../errors.ts';
import type { Check } from '../judge.ts';
import { foldText } from './fold-text.ts';
import { excerpt, textCheck } from './text-check.ts';

export interface OneOfOptions {
  /** `exact`: as it is written. `folded`: whatever its case, accents, and spaces around and within it. Default: `exact`. */
  readonly compare?: 'exact' | 'folded';
}

/**
 * @example
 * ```ts
 * oneOf(['billing', 'technical'], { compare: 'folded' }) // ' Billing' passes
 * ```
 */
export function oneOf(options: readonly string[], { compare = 'exact' }: OneOfOptions = {}): Check<string> {
  if (!Array.isArray(options) || options.length === 0) {
    throw new InvalidOption('Expected `oneOf` to be given a list with at least one option.');
  }
  const form = compare === 'folded' ? foldText : (text: string) => text;
  const forms = new Set(options.map(form));
  const names = options.map((option) => `"${option}"`).join(', ');
  return textCheck((text) => forms.has(form(text)) || [`"${excerpt(text)}" is not one of ${names}.`]);
}
