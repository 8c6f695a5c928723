/** Names for what a machine calls as it likes, that any notation takes: of letters, digits and `_`, no two the same. */

/** Words that Mermaid reads as its own. */
const reserved = new Set(
  (
    'accdescr acctitle as choice class classdef click default direction end fork hide ' +
    'href join linkstyle note root scale state statediagram style title'
  ).split(' '),
);

export function createSlugs(): (name: string) => string {
  const taken = new Set<string>();
  return (name) => {
    const plain = name.replaceAll(/[^A-Za-z0-9]+/g, '_').replaceAll(/^_|_$/g, '');
    const base = isReserved(plain) ? `${plain}_` : plain;
    let slug = base;
    for (let count = 2; taken.has(slug); count++) slug = `${base}_${count}`;
    taken.add(slug);
    return slug;
  };
}

/** Mermaid calls the beginning and the end of state `a` `a_start` and `a_end`, and keeps states as keys of plain objects. */
function isReserved(name: string): boolean {
  return name === '' || name in {} || reserved.has(name.toLowerCase()) || /_(start|end)$/i.test(name);
}
