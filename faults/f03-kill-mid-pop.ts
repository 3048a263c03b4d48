import { crashCycles } from "./harness/crash-cycles.js";
import type { Fault } from "./harness/fault.js";
import { quantile } from "./harness/waits.js";
import { tell } from "./history.js";

export const f03: Fault = {
  name: "F3",
  title: "kill -9 of the broker in a pop, before its ACK",
  limitMs: 1_200_000,
  async run(trial) {
    const cycles = trial.count(250, 4);
    const options = { cycles, strikes: ["beforePopAck"], maxLength: 20_000 } as const;
    const { violations, startMs } = await crashCycles(trial, options);
    const found = tell(violations, ["order", "lost", "duplicate"]);
    return `${cycles} cycles: ${found}; back after ${Math.round(quantile(startMs, 0.99))} ms (p99)`;
  },
};
