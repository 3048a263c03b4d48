import { crashCycles } from "./harness/crash-cycles.js";
import type { Fault } from "./harness/fault.js";
import { tell } from "./history.js";

export const f01: Fault = {
  name: "F1",
  title: "kill -9 of the broker before a push is acknowledged",
  limitMs: 1_200_000,
  async run(trial) {
    const cycles = trial.count(250, 4);
    const options = { cycles, strikes: ["beforePushAck", "anyTime"], maxLength: 20_000 } as const;
    const { violations, acknowledged, counts } = await crashCycles(trial, options);
    const found = tell(violations, ["lost", "duplicate", "order", "phantom"]);
    return `${cycles} cycles, ${acknowledged} pushes acknowledged, ${counts.repeated} repeated: ${found}`;
  },
};
