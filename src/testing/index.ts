/**
 * Suites that every client and every component must pass, for those who write another one. A suite
 * gets its name, a factory of what it tests, and the `describe` and `test` of any test runner:
 *
 *     import { describe, test } from "vitest";
 *     import { clientSuite } from "millrace/testing";
 *     clientSuite("MyClient", startBench, { describe, test });
 *
 * `clientJobsSuite` is for clients of brokers that can do what ours does with jobs.
 */
export { clientSuite } from "./client-suite.js";
export { clientJobsSuite, type JobsBench } from "./client-suite-jobs.js";
export type { ClientBench, ClientBenchOptions } from "./client-suite-kit.js";
export { type Lifecycle, type LifecycleBench, lifecycleSuite } from "./lifecycle-suite.js";
export { stageContext } from "./stage-context.js";
export type { TestRunner } from "./test-runner.js";
export { until } from "./until.js";
