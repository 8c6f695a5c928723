import { testTwoWorkers } from './two-workers.ts';

testTwoWorkers('Redis');
