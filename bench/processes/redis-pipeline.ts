/** A pipeline whose broker is Redis, with at most one stage, in a process of its own. */
import { setTimeout as sleep } from "node:timers/promises";
import {
  createClient,
  MessageBrokerTaskSink,
  MessageBrokerTaskSource,
  Pipeline,
  type Stage,
} from "millrace";
import { TASK_QUEUE } from "../messages.js";
import { serveCalls } from "../worker.js";

export interface RedisPipelineSetup {
  readonly port: number;
  readonly concurrency: number;
  readonly taskQueue?: string;
  readonly leaseMs?: number;
  readonly login?: { readonly username: string; readonly password: string };
  /** How long its stage sleeps, or "held": until it is told to go on. Without it there is no stage. */
  readonly stageMs?: number | "held";
}

let onStart = () => {};
let goOn = () => {};

function stageOf(stageMs: number | "held"): Stage {
  return {
    name: "wait",
    async process(message) {
      onStart();
      if (stageMs === "held") await new Promise<void>((resolve) => (goOn = resolve));
      else await sleep(stageMs);
      return message;
    },
  };
}

serveCalls({
  /** Source and sink share a client, as in `millrace pipeline`. */
  async start({ port, concurrency, taskQueue, leaseMs, login, stageMs }: RedisPipelineSetup) {
    const brokerParams = { fetchedResultMs: 0, ...login };
    const brokerClient = createClient({
      clientType: "redis",
      host: "127.0.0.1",
      port,
      brokerParams,
    });
    const source = new MessageBrokerTaskSource({
      brokerClient,
      taskQueue: taskQueue ?? TASK_QUEUE,
      ...(leaseMs !== undefined && { leaseMs }),
    });
    const sink = new MessageBrokerTaskSink({ brokerClient });
    const stages = stageMs === undefined ? [] : [stageOf(stageMs)];
    await new Pipeline({ source, sink, stages, concurrency }).start();
  },
  /** Resolves when the stage begins with its next job. */
  async begins() {
    await new Promise<void>((resolve) => (onStart = resolve));
  },
  /** The job that is held goes on. */
  async goOn() {
    goOn();
  },
});
