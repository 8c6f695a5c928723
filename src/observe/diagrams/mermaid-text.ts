/** Text for a label or a comment of Mermaid: all that Mermaid or HTML might obey becomes a numbered entity, `#60;`. */
import { plainText } from './plain-text.ts';

/** Letters and figures, but for the signs that Mermaid itself writes entities with, and marks without a meaning anywhere in it. */
const harmless = /[^\p{L}\p{M}\p{N} _.,()[\]/→·▸✗×…'!?$€+=@|\p{Extended_Pictographic}-]|[ﬂ°¶ß]/gu;

export function mermaidText(text: string): string {
  const escaped = plainText(text).replaceAll(harmless, (character) => `#${character.codePointAt(0)};`);
  // What begins like an item of a list is one to Mermaid.
  return (
    escaped.replace(/^(\d+)\.(?= )/, '$1#46;').replace(/^[-+](?= )/, (sign) => `#${sign.charCodeAt(0)};`) ||
    '#32;'
  );
}
