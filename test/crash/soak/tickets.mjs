/**
 * The tickets of a soak: the samples of support-ticket over and over, under ids of their own, and what the people at the
 * desk will do about each.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { readyWorkflows } from 'signalbox/machines';

/**
 * `version`: which of the workflow's versions it is. `people`: `prompt` people answer what they are asked, `late` ones only when
 * it has come to a supervisor, `absent` ones never. `early`: an approval is sent before anyone has asked for it.
 */
export function soakTickets(count, random) {
  const { samples } = readyWorkflows.find(({ workflow }) => workflow.name === 'support-ticket');
  const inputs = readdirSync(samples)
    .toSorted()
    .map((file) => JSON.parse(readFileSync(join(samples, file), 'utf8')));
  return Array.from({ length: count }, (_, n) => {
    const sample = inputs[n % inputs.length];
    const isFirst = n < inputs.length;
    return {
      input: {
        ...sample,
        id: `${sample.id}-${n}`,
        // Customers of the samples are few; L-1, L-2, … are as many as are wanted, each charged twice.
        customer: isFirst || sample.customer === null ? sample.customer : `L-${n}`,
      },
      version: random.chance(0.25) ? 'patient' : 'quick',
      people: random.pick(['prompt', 'prompt', 'prompt', 'late', 'absent']),
      early: random.chance(0.25),
    };
  });
}
