import { it } from 'vitest';
import { paths } from '../../graph/index.ts';
import { supportTicket } from '../../../machines/support-ticket/index.ts';
import one from '../../../machines/support-ticket/samples/02-two-problems-in-one.json' with {type:'json'};
import { writeFileSync } from 'node:fs';
it('x', () => {
const t = Date.now();
const p = paths(supportTicket, { examples: [{ name: 'x', input: one as never }] });
writeFileSync('/tmp/pp/out.txt', [Date.now() - t,
JSON.stringify({c: p.coverage, g: {...p.graph}}, null, 1).slice(0, 3000),
p.paths.length, p.paths.reduce((n, x) => n + x.steps.length, 0),
...p.paths.map(x => x.name)].join('\n'));
}, 120_000);
