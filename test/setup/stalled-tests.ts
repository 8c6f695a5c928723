/**
 * Names the tests that run when none has ended for ten minutes, and again every ten minutes: one that hangs is found in the
 * log of a run that somebody has to stop. It fails nothing: a test may be that slow.
 */
import type { Reporter, TestCase, TestModule } from 'vitest/node';

const stallMs = 600_000;

export default class StalledTests implements Reporter {
  readonly #running = new Set<TestCase | TestModule>();
  #timer: NodeJS.Timeout | undefined;

  onTestModuleStart(module: TestModule): void {
    this.#running.add(module);
    this.#restart();
  }

  onTestCaseReady(test: TestCase): void {
    this.#running.add(test);
  }

  onTestCaseResult(test: TestCase): void {
    this.#running.delete(test);
    this.#restart();
  }

  onTestModuleEnd(module: TestModule): void {
    this.#running.delete(module);
    this.#restart();
  }

  onTestRunEnd(): void {
    clearInterval(this.#timer);
  }

  #restart(): void {
    clearInterval(this.#timer);
    this.#timer = setInterval(() => this.#tell(), stallMs).unref();
  }

  #tell(): void {
    const names = [...this.#running].map((one) =>
      one.type === 'test' ? `${one.module.relativeModuleId} > ${one.fullName}` : one.relativeModuleId,
    );
    process.stderr.write(
      `\nNo test has ended for ${stallMs / 60_000} minutes. Running:\n  ${names.join('\n  ')}\n`,
    );
  }
}
