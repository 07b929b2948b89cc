import type { Reporter, TestCase, TestModule } from 'vitest/node';

/** After vitest's own report: every skipped test by name (the name says why), and one plain line with the counts. */
export class PlainReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const by = (state: string): TestCase[] => tests.filter((test) => test.result().state === state);
    const skipped = by('skipped');
    const failedModules = modules.filter((module) => module.state() === 'failed' && ![...module.children.allTests('failed')].length);
    if (skipped.length > 0) {
      console.log('\nSkipped, and why:');
      for (const test of skipped) console.log(`  ${test.fullName}`);
    }
    const failed = by('failed').length + failedModules.length + unhandledErrors.length;
    console.log(`\n${by('passed').length} passed, ${failed} failed, ${skipped.length} skipped`);
  }
}
