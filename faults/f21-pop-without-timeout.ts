import { Broker } from "./harness/broker.js";
import { pop, popFrame, push, size } from "./harness/calls.js";
import type { Fault } from "./harness/fault.js";
import { RawLine } from "./harness/raw-line.js";
import { eachOf, until } from "./harness/waits.js";

const MAX_ACK_WAIT_MS = 1_500;
const GRACE_MS = 10_000;

export const f21: Fault = {
  name: "F21",
  title: "a pop with timeout null, then silence",
  limitMs: 60_000,
  async run(trial) {
    const broker = await Broker.start(trial, {
      dataDir: trial.folder(),
      args: ["--max-ack-wait-ms", `${MAX_ACK_WAIT_MS}`],
    });
    const holdMs: number[] = [];
    await eachOf(trial.count(50, 4), 8, async (number) => {
      const queue = `q${number}`;
      await push(broker.port, queue, "kept");
      const line = await RawLine.open(broker.port);
      trial.defer(() => line.drop());
      const popped = await line.ask(popFrame(queue, null));
      trial.check(popped.response === "kept", "there was nothing to pop");
      const beganAtMs = performance.now();
      await until("the message is back", MAX_ACK_WAIT_MS + GRACE_MS, async () => {
        return (await size(broker.port, queue)) === 1;
      });
      holdMs.push(performance.now() - beganAtMs);
      trial.check((await pop(broker.port, queue)) === "kept", "another message came back");
    });
    const isEarly = Math.min(...holdMs) < MAX_ACK_WAIT_MS - 100;
    trial.check(!isEarly, `it came back after ${Math.round(Math.min(...holdMs))} ms already`);
    const longest = Math.round(Math.max(...holdMs));
    return `held for ${longest} ms at most, with --max-ack-wait-ms ${MAX_ACK_WAIT_MS}`;
  },
};
