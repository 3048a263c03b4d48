/** Raw handshakes, in a process of their own: PUSH or POP that write once and parse nothing. */
import { setTimeout } from "node:timers/promises";
import { runLoad } from "../load.js";
import { jobText } from "../messages.js";
import { popFrame, pushFrame, RawLine } from "../raw-line.js";
import { serveCalls } from "../worker.js";

export interface RawLoad {
  readonly port: number;
  readonly operation: "push" | "pop";
  readonly queueName: string;
  readonly bytes: number;
  readonly clients: number;
  readonly durationMs: number;
  readonly countMax?: number;
  /** A connection of its own for each handshake, as old clients do. */
  readonly connectsEach?: boolean;
}

/** Clients that push into a full queue, and pause after each refusal. */
export interface RefusedLoad {
  readonly port: number;
  readonly queueName: string;
  readonly bytes: number;
  readonly clients: number;
  readonly durationMs: number;
  readonly pauseMs: number;
}

serveCalls({
  async load(load: RawLoad) {
    const { port, operation, queueName, bytes, clients, connectsEach = false } = load;
    const frame = operation === "push" ? pushFrame(queueName, jobText(bytes)) : popFrame(queueName);
    if (connectsEach) {
      return runLoad(load, async () => {
        const line = await RawLine.open(port);
        await line.handshake(frame);
        line.close();
      });
    }
    const lines = await Promise.all(Array.from({ length: clients }, () => RawLine.open(port)));
    try {
      return await runLoad(load, (client) => (lines[client] as RawLine).handshake(frame));
    } finally {
      for (const line of lines) line.close();
    }
  },
  async refused({ port, queueName, bytes, clients, durationMs, pauseMs }: RefusedLoad) {
    const frame = pushFrame(queueName, jobText(bytes));
    const lines = await Promise.all(Array.from({ length: clients }, () => RawLine.open(port)));
    const paused = (client: number) => setTimeout(Math.random() * 2 * pauseMs, client);
    try {
      return await runLoad({ clients, durationMs, pause: paused }, (client) =>
        (lines[client] as RawLine).refusal(frame),
      );
    } finally {
      for (const line of lines) line.close();
    }
  },
});
