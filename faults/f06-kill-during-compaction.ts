import { crashCycles } from "./harness/crash-cycles.js";
import type { Fault } from "./harness/fault.js";
import { tell } from "./history.js";

const SEGMENT_BYTES = 64 * 1024;

export const f06: Fault = {
  name: "F6",
  title: "kill -9 of the broker while it compacts and deletes segments",
  limitMs: 1_200_000,
  async run(trial) {
    const cycles = trial.count(250, 5);
    const { violations, broker } = await crashCycles(trial, {
      cycles,
      strikes: ["atFileChange", "atFileChange", "anyTime"],
      maxLength: 24_000,
      isHeavy: true,
      args: ["--log-level", "debug"],
      env: { MILLRACE_SEGMENT_BYTES: `${SEGMENT_BYTES}` },
    });
    const { log } = broker;
    const compacted = log.match(/a segment was compacted/g)?.length ?? 0;
    const damaged = log.match(/is damaged/g)?.length ?? 0;
    trial.check(compacted > 0, "nothing was compacted");
    trial.check(damaged === 0, `${damaged} parts of the store were found damaged`);
    const found = tell(violations, ["lost", "duplicate", "order"]);
    return `${cycles} cycles, ${compacted} compactions: corrupt opens ${damaged}, ${found}`;
  },
};
