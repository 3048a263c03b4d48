/** What everything that starts and stops must keep: brokers, sources, sinks, pipelines. */
import assert from "node:assert/strict";
import type { ComponentState } from "../core/index.js";
import type { TestRunner } from "./test-runner.js";

/** The part of a component that the suite knows. */
export interface Lifecycle extends AsyncDisposable {
  readonly state: ComponentState;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** A component that was never started, with all it needs to be; disposing ends what it needs. */
export interface LifecycleBench extends AsyncDisposable {
  readonly component: Lifecycle;
}

const COMPONENT_COUNT = 10;
const CYCLE_COUNT = 20;

/** Tests that a component starts and stops as all do. Each test asks the factory for a new one. */
export function lifecycleSuite(
  name: string,
  factory: () => Promise<LifecycleBench>,
  { describe, test }: TestRunner,
): void {
  const lifecycleTest = (title: string, body: (component: Lifecycle) => Promise<void>) =>
    test(title, async () => {
      await using bench = await factory();
      await body(bench.component);
    });

  describe(`the life of ${name}`, () => {
    lifecycleTest("begins idle, runs after start and is stopped after stop", walk);
    lifecycleTest("gives the same promise to all who start it", startTwice);
    lifecycleTest("can be stopped without ever being started, and started after that", stopFirst);
    lifecycleTest("can be stopped twice, also at the same time", stopTwice);
    lifecycleTest("finishes its start when it is stopped meanwhile, and is stopped", stopInStart);
    lifecycleTest("can be started again, also before its stop has ended", restart);
    lifecycleTest("ends with the block that uses it", dispose);
    test(`bears ${COMPONENT_COUNT} at a time, started and stopped ${CYCLE_COUNT} times`, () =>
      stress(factory));
  });
}

async function walk(component: Lifecycle): Promise<void> {
  assert.equal(component.state, "idle");
  await component.start();
  assert.equal(component.state, "running");
  await component.stop();
  assert.equal(component.state, "stopped");
}

async function startTwice(component: Lifecycle): Promise<void> {
  const first = component.start();
  assert.equal(component.start(), first);
  await first;
  assert.equal(component.start(), first);
  await component.stop();
}

async function stopFirst(component: Lifecycle): Promise<void> {
  await component.stop();
  assert.equal(component.state, "stopped");
  await component.start();
  assert.equal(component.state, "running");
  await component.stop();
}

async function stopTwice(component: Lifecycle): Promise<void> {
  await component.start();
  await Promise.all([component.stop(), component.stop()]);
  await component.stop();
  assert.equal(component.state, "stopped");
}

async function stopInStart(component: Lifecycle): Promise<void> {
  let isStarted = false;
  const starting = component.start().then(() => {
    isStarted = true;
  });
  await component.stop();
  assert.equal(isStarted, true);
  await starting;
  assert.equal(component.state, "stopped");
}

async function restart(component: Lifecycle): Promise<void> {
  await component.start();
  await component.stop();
  await component.start();
  assert.equal(component.state, "running");
  const stopping = component.stop();
  await component.start();
  await stopping;
  assert.equal(component.state, "running");
  await component.stop();
  assert.equal(component.state, "stopped");
}

async function dispose(component: Lifecycle): Promise<void> {
  {
    await using running = component;
    await running.start();
    assert.equal(component.state, "running");
  }
  assert.equal(component.state, "stopped");
}

async function stress(factory: () => Promise<LifecycleBench>): Promise<void> {
  const cycle = async () => {
    await using bench = await factory();
    const { component } = bench;
    for (let count = 0; count < CYCLE_COUNT; count++) {
      const started = component.start();
      // Every other time the stop comes before the start is done.
      if (count % 2 === 0) await started;
      await Promise.all([started, component.stop()]);
    }
    assert.equal(component.state, "stopped");
  };
  await Promise.all(Array.from({ length: COMPONENT_COUNT }, cycle));
}
