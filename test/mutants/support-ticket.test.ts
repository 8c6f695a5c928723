import { it } from 'vitest';

import { expectNoticed } from './notice-mutants.ts';

it('one in ten mutants of the support ticket is tried, and each of these is noticed', () => {
  expectNoticed({ step: 10 });
});
