import { Broker } from "./harness/broker.js";
import { ackFrame, drain, pushFrame, size } from "./harness/calls.js";
import type { Fault } from "./harness/fault.js";
import { RawLine } from "./harness/raw-line.js";

const CAPACITY = 10;
const PUSHES = 50;

export const f22: Fault = {
  name: "F22",
  title: "50 pushes at once into a queue of 10",
  limitMs: 120_000,
  async run(trial) {
    const broker = await Broker.start(trial, {
      dataDir: trial.folder(),
      args: ["--max-queue-size", `${CAPACITY}`],
    });
    const rounds = trial.count(100, 5);
    let overshoot = 0;
    for (let round = 0; round < rounds; round++) {
      const queue = `q${round}`;
      const outcomes = await Promise.all(
        Array.from({ length: PUSHES }, async (_, number) => {
          const line = await RawLine.open(broker.port);
          const first = await line.ask(pushFrame(queue, `${number}`));
          if (first.code !== 0) {
            trial.check(first.reason === "Queue is full", `refused with "${first.reason}"`);
            await line.end();
            return "refused";
          }
          // All places are asked for before the first is filled.
          const final = await line.ask(ackFrame(first.transactionId));
          await line.end();
          return final.code === 0 ? "stored" : final.reason;
        }),
      );
      const stored = outcomes.filter((outcome) => outcome === "stored").length;
      const ready = await size(broker.port, queue);
      const bodies = await drain(broker.port, queue);
      overshoot += Math.max(0, stored - CAPACITY);
      trial.check(stored === CAPACITY, `round ${round}: ${stored} were stored`);
      trial.check(ready === stored, `round ${round}: ${ready} are ready`);
      trial.check(new Set(bodies).size === stored, `round ${round}: ${bodies.length} came back`);
    }
    return `${rounds} rounds: overshoot ${overshoot}`;
  },
};
