/** Raw handshakes, in a process of their own: PUSH or POP that write once and parse nothing. */
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
});
