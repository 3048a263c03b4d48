import { crashCycles } from "./harness/crash-cycles.js";
import type { Fault } from "./harness/fault.js";
import { tell } from "./history.js";

export const f02: Fault = {
  name: "F2",
  title: "kill -9 of the broker between the flush and the final response",
  limitMs: 1_200_000,
  async run(trial) {
    const cycles = trial.count(250, 4);
    const options = { cycles, strikes: ["afterPushAck"], maxLength: 2_000 } as const;
    const { violations, counts } = await crashCycles(trial, options);
    const found = tell(violations, ["duplicate", "lost", "order"]);
    const { repeated, recognised } = counts;
    return `${cycles} cycles, ${repeated} pushes repeated, ${recognised} of them stored before: ${found}`;
  },
};
