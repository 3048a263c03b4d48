/**
 * Goal: brokers, sources, sinks and pipelines start and stop alike. Method: the lifecycle suite on
 * each, over real TCP, and the ways in which a start can fail.
 */
import { describe, expect, test } from "vitest";
import { Component } from "../../src/core/index.js";
import { Pipeline } from "../../src/pipeline/index.js";
import { SimpleMessageBroker } from "../../src/runtime/index.js";
import { MessageBrokerTaskSink } from "../../src/sinks/index.js";
import { MessageBrokerTaskSource } from "../../src/sources/index.js";
import { type Lifecycle, type LifecycleBench, lifecycleSuite } from "../../src/testing/index.js";
import { startBroker } from "../helpers/start-broker.js";

type BrokerClient = { readonly host: string; readonly port: number; readonly maxRetries: number };

const runner = { describe, test };

lifecycleSuite(
  "the broker",
  async () => ({
    component: new SimpleMessageBroker({ port: 0 }),
    [Symbol.asyncDispose]: async () => {},
  }),
  runner,
);
lifecycleSuite("the source", withBroker(sourceOf), runner);
lifecycleSuite("the sink", withBroker(sinkOf), runner);
lifecycleSuite("the pipeline", withBroker(pipelineOf), runner);

describe("a start that fails", () => {
  test("leaves the source failed, and it can be started when the broker is there", async (t) => {
    const port = await unusedPort();
    const source = sourceOf({ host: "127.0.0.1", port, maxRetries: 0 });
    await expect(source.start()).rejects.toMatchObject({ code: "CLIENT_BROKER_UNAVAILABLE" });
    expect(source.state).toBe("failed");
    await startBroker(t, { port });
    await source.start();
    expect(source.state).toBe("running");
    await source.stop();
  });

  test("of the pipeline stops the parts that had started", async () => {
    const port = await unusedPort();
    const brokerClient = { host: "127.0.0.1", port, maxRetries: 0 };
    const sink = new MessageBrokerTaskSink({ brokerClient });
    const calls: string[] = [];
    const stage = {
      name: "recorder",
      process: <M>(message: M) => message,
      start: async () => void calls.push("start"),
      stop: async () => void calls.push("stop"),
    };
    const pipeline = new Pipeline({ source: sourceOf(brokerClient), sink, stages: [stage] });
    await expect(pipeline.run({ maxIterations: 1 })).rejects.toMatchObject({
      code: "CLIENT_BROKER_UNAVAILABLE",
    });
    expect(pipeline.state).toBe("failed");
    expect(sink.state).toBe("stopped");
    expect(calls).toEqual(["start", "stop"]);
    await pipeline.stop();
  });

  test("does not touch a start that was asked for meanwhile", async () => {
    const component = new FailsOnce();
    const first = component.start();
    const stopped = component.stop();
    const second = component.start();
    await expect(first).rejects.toThrow("the first start fails");
    await stopped;
    await second;
    expect(component.start()).toBe(second);
    await component.stop();
    expect(component.stops).toBe(1);
  });

  test("is not the fault of a stop that failed before", async () => {
    const component = new FailsOnce();
    component.failsToStop = true;
    await component.start().catch(() => {});
    await component.start();
    await expect(component.stop()).rejects.toThrow("the stop fails");
    component.failsToStop = false;
    await component.start();
    expect(component.state).toBe("running");
    await component.stop();
  });
});

class FailsOnce extends Component {
  stops = 0;
  failsToStop = false;
  #starts = 0;

  protected override async onStart(): Promise<void> {
    if (this.#starts++ === 0) throw new Error("the first start fails");
  }

  protected override async onStop(): Promise<void> {
    this.stops++;
    if (this.failsToStop) throw new Error("the stop fails");
  }
}

function withBroker(make: (brokerClient: BrokerClient) => Lifecycle) {
  return async (): Promise<LifecycleBench> => {
    const broker = new SimpleMessageBroker({ port: 0 });
    await broker.start();
    return {
      component: make({ host: "127.0.0.1", port: broker.port, maxRetries: 0 }),
      [Symbol.asyncDispose]: () => broker.stop({ drainTimeoutMs: 1 }),
    };
  };
}

function sourceOf(brokerClient: BrokerClient): MessageBrokerTaskSource {
  return new MessageBrokerTaskSource({ brokerClient });
}

function sinkOf(brokerClient: BrokerClient): MessageBrokerTaskSink {
  return new MessageBrokerTaskSink({ brokerClient });
}

function pipelineOf(brokerClient: BrokerClient): Pipeline {
  return new Pipeline({ source: sourceOf(brokerClient), sink: sinkOf(brokerClient) });
}

/** A port where nobody listens: one that a broker just gave up. */
async function unusedPort(): Promise<number> {
  const broker = new SimpleMessageBroker({ port: 0 });
  await broker.start();
  const { port } = broker;
  await broker.stop();
  return port;
}
