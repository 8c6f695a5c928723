import * as fc from 'fast-check';
import { expect, it } from 'vitest';

import { InvalidOption } from '../../src/errors.ts';
import { runStatuses } from '../run-status.ts';
import {
  decodeFixed,
  decodeOrigin,
  decodeStatusAndTags,
  encodeFixed,
  encodeOrigin,
  encodeStatusAndTags,
} from './terms.ts';

const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.constantFrom('%', ',', '=', 'c', '@', ':') }),
);

it('writes origins, labels, parents, statuses and tags in a form that reads back', () => {
  const runs = fc.record({
    workflow: text,
    version: text,
    createdAt: fc.nat(),
    labels: fc.dictionary(text, text),
    parent: text,
    isChild: fc.boolean(),
    tags: fc.array(text),
    status: fc.constantFrom(...runStatuses),
  });
  fc.assert(
    fc.property(runs, ({ workflow, version, createdAt, labels, parent, isChild, tags, status }) => {
      expect(decodeOrigin(encodeOrigin({ workflow, version, createdAt }))).toEqual({
        workflow,
        version,
        createdAt,
      });
      const family = isChild ? { parent } : {};
      const fixed = encodeFixed({ workflow, labels, ...family });
      expect(decodeFixed(fixed)).toEqual({ labels: { ...labels }, ...family });
      expect(decodeStatusAndTags(encodeStatusAndTags(status, tags))).toEqual({ status, tags });
    }),
  );
});

it.each([-1, 0.5, NaN, 10 ** 13])('refuses a run created at %s', (createdAt) => {
  expect(() => encodeOrigin({ workflow: 'a', version: '1', createdAt })).toThrow(InvalidOption);
});
