/** A strict reader of the Mermaid that diagrams are written in: a line of any other form is an error. */

export interface MermaidDiagram {
  /** By id: label and lines, and the id of the state that it stands in. */
  readonly states: ReadonlyMap<
    string,
    { readonly label: string; readonly lines: string[]; readonly within: string }
  >;
  readonly arrows: ReadonlyArray<{
    readonly from: string;
    readonly to: string;
    readonly label: string;
    readonly within: string;
  }>;
  readonly comments: readonly string[];
  readonly classes: ReadonlyMap<string, string>;
  readonly title: string;
}

const id = '([A-Za-z0-9_]+)';
/** Nothing in a label may end it, begin another statement, a directive or an element, or be an entity by name. */
const character = '[^:;"<>%{}#`\\\\*&]|#\\d+;';
const label = `((?:${character})+)`;
const forms = {
  title: new RegExp(`^accTitle: ${label}$`, 'u'),
  description: new RegExp(`^accDescr: ${label}$`, 'u'),
  comment: new RegExp(`^%% ((?:missing: )?)${label}$`, 'u'),
  composite: new RegExp(`^state "((?:${character}|<br>)+)" as ${id} \\{$`, 'u'),
  state: new RegExp(`^state "${label}" as ${id}$`, 'u'),
  line: new RegExp(`^${id} : ${label}$`, 'u'),
  arrow: new RegExp(`^(\\[\\*\\]|[A-Za-z0-9_]+) --> (\\[\\*\\]|[A-Za-z0-9_]+)(?: : ${label})?$`, 'u'),
  region: /^--$/,
  end: /^\}$/,
  classDef: /^classDef [a-z]+ [a-z-]+:[#\w ]+(?:,[a-z-]+:[#\w ]+)*$/,
  classOf: /^class ([\w, ]+) ([a-z]+)$/,
};

export function readMermaid(text: string): MermaidDiagram {
  const [first, ...rest] = text.trimEnd().split('\n');
  if (first !== 'stateDiagram-v2') throw new Error(`Expected \`stateDiagram-v2\`, got \`${first}\`.`);
  const states = new Map<string, { label: string; lines: string[]; within: string }>();
  const arrows: Array<{ from: string; to: string; label: string; within: string }> = [];
  const comments: string[] = [];
  const classes = new Map<string, string>();
  const open: string[] = [''];
  let title = '';
  const declare = (name: string, shown: string): void => {
    if (states.has(name)) throw new Error(`State \`${name}\` is declared twice.`);
    states.set(name, { label: plain(shown), lines: [], within: open.at(-1) ?? '' });
  };
  for (const indented of rest) {
    const line = indented.trim();
    const is = (form: keyof typeof forms): RegExpExecArray | null => forms[form].exec(line);
    let found: RegExpExecArray | null;
    if ((found = is('title'))) title = plain(found[1]);
    else if (is('description') || is('classDef')) continue;
    else if ((found = is('comment'))) comments.push(`${found[1]}${plain(found[2])}`);
    else if ((found = is('composite'))) {
      const name = found.at(-1) ?? '';
      declare(name, found[1] ?? '');
      open.push(name);
    } else if ((found = is('state'))) declare(found[2] ?? '', found[1] ?? '');
    else if (is('end')) {
      if (open.length < 2) throw new Error('A `}` ends nothing.');
      open.pop();
    } else if (is('region')) {
      if (open.length < 2) throw new Error('A region is in no state.');
    } else if ((found = is('arrow'))) {
      arrows.push({
        from: found[1] ?? '',
        to: found[2] ?? '',
        label: plain(found[3]),
        within: open.at(-1) ?? '',
      });
    } else if ((found = is('classOf'))) {
      for (const name of (found[1] ?? '').split(', ')) classes.set(name, found[2] ?? '');
    } else if ((found = is('line'))) {
      const state = states.get(found[1] ?? '');
      if (!state) throw new Error(`A line is said of \`${found[1]}\`, which is not declared.`);
      state.lines.push(plain(found[2]));
    } else throw new Error(`Mermaid has no such line here: ${line}`);
  }
  if (open.length !== 1) throw new Error(`State \`${open.at(-1)}\` is not ended.`);
  for (const name of [...arrows.flatMap(({ from, to }) => [from, to]), ...classes.keys()]) {
    if (name !== '[*]' && !states.has(name)) throw new Error(`\`${name}\` is not declared.`);
  }
  return { states, arrows, comments, classes, title };
}

function plain(text = ''): string {
  return text.replaceAll(/#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)));
}
