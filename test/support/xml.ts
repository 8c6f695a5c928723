/** A strict reader of the XML that diagrams are written in: what it does not know, it refuses. */

export interface XmlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  /** Its own text, without that of the elements in it. */
  readonly text: string;
  readonly children: readonly XmlElement[];
}

interface Open {
  name: string;
  attributes: Record<string, string>;
  text: string;
  children: XmlElement[];
}

const attribute = /\s+([A-Za-z_][\w:.-]*)="([^"<]*)"/y;

/** The root element. Throws for anything that is not well-formed, or is an entity, comment, instruction or document type. */
export function parseXml(source: string): XmlElement {
  const document: Open = { name: '', attributes: {}, text: '', children: [] };
  const open: Open[] = [document];
  let at = 0;
  const fail = (what: string): never => {
    throw new Error(`${what} at ${at}: ${source.slice(at, at + 80)}`);
  };
  while (at < source.length) {
    const top = open.at(-1) ?? fail('Nothing is open');
    if (source[at] !== '<') {
      const end = source.indexOf('<', at);
      top.text += decoded(source.slice(at, end === -1 ? source.length : end), fail);
      at = end === -1 ? source.length : end;
      continue;
    }
    const closing = /<\/([A-Za-z][\w-]*)>/y;
    closing.lastIndex = at;
    const closed = closing.exec(source);
    if (closed) {
      if (open.length < 2 || closed[1] !== top.name) fail(`Expected the end of \`${top.name}\``);
      open.pop();
      open.at(-1)?.children.push(top);
      at = closing.lastIndex;
      continue;
    }
    const opening = /<([A-Za-z][\w-]*)/y;
    opening.lastIndex = at;
    const [, name = ''] = opening.exec(source) ?? fail('Expected an element');
    const attributes: Record<string, string> = {};
    attribute.lastIndex = opening.lastIndex;
    let after = opening.lastIndex;
    for (let found = attribute.exec(source); found; found = attribute.exec(source)) {
      const [, key = '', value = ''] = found;
      if (key in attributes) fail(`\`${key}\` is given twice`);
      attributes[key] = decoded(value, fail);
      after = attribute.lastIndex;
    }
    const rest = /\s*(\/?)>/y;
    rest.lastIndex = after;
    const [, empty] = rest.exec(source) ?? fail(`Expected the end of the tag \`${name}\``);
    at = rest.lastIndex;
    const element: Open = { name, attributes, text: '', children: [] };
    if (empty) top.children.push(element);
    else open.push(element);
  }
  const [root] = document.children;
  if (open.length !== 1 || document.children.length !== 1 || document.text.trim() !== '' || !root) {
    return fail('Expected one root element');
  }
  return root;
}

/** The element and all that are in it. */
export function elementsIn(element: XmlElement): XmlElement[] {
  return [element, ...element.children.flatMap(elementsIn)];
}

function decoded(text: string, fail: (what: string) => never): string {
  // oxlint-disable-next-line no-control-regex -- what XML cannot hold
  if (/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\]\]>/.test(text))
    fail('A character that XML cannot hold');
  if (/&(?!#\d+;)/.test(text)) fail('An `&` that begins no numbered character');
  return text.replaceAll(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)));
}
