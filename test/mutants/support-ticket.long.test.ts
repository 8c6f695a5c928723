import { it } from 'vitest';

import { expectNoticed } from './notice-mutants.ts';

it('every mutant of the support ticket is noticed', () => {
  expectNoticed({ step: 1 });
});
