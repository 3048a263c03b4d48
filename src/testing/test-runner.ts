/**
 * What the suites need of a test runner. They are handed one instead of importing it, and assert with
 * `node:assert`, so that this package depends on no test runner and any of them fits: vitest,
 * `node:test`, Jest, Mocha.
 */
export interface TestRunner {
  describe(title: string, body: () => void): unknown;
  test(title: string, body: () => Promise<void>): unknown;
}
