import { Broker } from "./harness/broker.js";
import { ping } from "./harness/calls.js";
import type { Fault } from "./harness/fault.js";
import { Neighbour } from "./harness/latency.js";
import { RawLine } from "./harness/raw-line.js";
import { eachOf } from "./harness/waits.js";

/** The bound that is promised, and what a busy machine may make of it. */
const BYTES_EACH_MAX = 2 * 20 * 1024;
/** With fewer the noise is larger than what is measured. */
const JUDGED_FROM = 5_000;

export const f15: Fault = {
  name: "F15",
  title: "10,000 idle connections",
  limitMs: 300_000,
  async run(trial) {
    const connections = trial.count(10_000, 500);
    const broker = await Broker.start(trial);
    const pushes = trial.count(2_000, 200);
    const measure = async () => {
      const neighbour = await Neighbour.join(broker.port, "q");
      await neighbour.times(pushes);
      await neighbour.leave();
      return neighbour.p99Ms;
    };
    await measure();
    const beforeMs = await measure();
    const beforeBytes = broker.memory();
    const lines: RawLine[] = [];
    trial.defer(() => {
      for (const line of lines) line.drop();
    });
    await eachOf(connections, 128, async () => {
      lines.push(await RawLine.open(broker.port));
    });
    await ping(broker.port);
    const bytesEach = Math.max(0, broker.memory() - beforeBytes) / connections;
    const withMs = await measure();
    const open = lines.filter(({ isOpen }) => isOpen).length;
    trial.check(open === connections, `${connections - open} connections were closed`);
    if (connections >= JUDGED_FROM) {
      trial.check(bytesEach < BYTES_EACH_MAX, `${Math.round(bytesEach)} bytes per connection`);
    }
    return (
      `${connections} connections: ${(bytesEach / 1024).toFixed(1)} KiB RSS each, ` +
      `p99 push ${withMs.toFixed(2)} ms, ${beforeMs.toFixed(2)} ms without them`
    );
  },
};
