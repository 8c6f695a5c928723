/** The colours of a diagram on light paper; svg-style.ts has those for dark paper. */
import type { Fact } from './diagram.ts';
import type { Attributes } from './dot-text.ts';
import type { Mark } from './overlay.ts';

export const colors = {
  line: '#374151',
  frame: '#9ca3af',
  quiet: '#6b7280',
  plain: '#4b5563',
  actor: '#1d4ed8',
  irreversible: '#b45309',
  person: '#7c3aed',
  taken: '#15803d',
  missing: '#dc2626',
  current: '#1e40af',
  untaken: '#a3a3a3',
} as const satisfies Readonly<Record<Fact['kind'], string>> & Readonly<Record<string, string>>;

export function strokeOf(mark: Mark | undefined): Attributes {
  switch (mark) {
    case undefined:
      return {};
    case 'taken':
    case 'covered':
      return { color: colors.taken, penwidth: 2 };
    case 'current':
      return { color: colors.current, penwidth: 3 };
    case 'untaken':
      return { color: colors.untaken };
    case 'missing':
      return { color: colors.missing, style: 'dashed' };
  }
}
