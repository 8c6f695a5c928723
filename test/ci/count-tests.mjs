/** Prints "N passed, N failed" over the JSON reports of vitest that its arguments name. A report that is missing is a failure. */
import { existsSync, readFileSync } from 'node:fs';

let passed = 0;
let failed = 0;
for (const path of process.argv.slice(2)) {
  if (!existsSync(path)) {
    failed += 1;
    continue;
  }
  const { numPassedTests, numFailedTests, testResults } = JSON.parse(readFileSync(path, 'utf8'));
  // A file can fail with every test in it passed: it did not load, or it left something open.
  const brokenFiles = testResults.filter(
    ({ status, assertionResults }) =>
      status === 'failed' && !assertionResults.some((test) => test.status === 'failed'),
  );
  passed += numPassedTests;
  failed += numFailedTests + brokenFiles.length;
}
console.log(`${passed} passed, ${failed} failed`);
