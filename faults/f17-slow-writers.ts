import { Broker } from "./harness/broker.js";
import type { Fault } from "./harness/fault.js";
import { Neighbour } from "./harness/latency.js";
import { RawLine } from "./harness/raw-line.js";
import { eachOf, within } from "./harness/waits.js";

const HEADER_MS = 3_000;
const GRACE_MS = 10_000;
const EVERY_MS = 1_000;
const MiB = 1024 * 1024;

export const f17: Fault = {
  name: "F17",
  title: "1,000 peers that write a byte of their header each second",
  limitMs: 120_000,
  async run(trial) {
    const peers = trial.count(1_000, 100);
    const broker = await Broker.start(trial, { args: ["--header-timeout-ms", `${HEADER_MS}`] });
    const neighbour = await Neighbour.join(broker.port, "q");
    await neighbour.times(200);
    const before = broker.memory();
    const lines: RawLine[] = [];
    trial.defer(() => {
      for (const line of lines) line.drop();
    });
    await eachOf(peers, 64, async () => {
      const line = await RawLine.open(broker.port);
      line.write(Buffer.alloc(1));
      lines.push(line);
    });
    const beganAtMs = performance.now();
    const dripping = setInterval(() => {
      for (const line of lines) if (line.isOpen) line.write(Buffer.alloc(1));
    }, EVERY_MS);
    trial.defer(() => clearInterval(dripping));
    const neighbouring = neighbour.untilStopped();
    const closedMs: number[] = [];
    const all = lines.map(async ({ lost }) => {
      await lost;
      closedMs.push(performance.now() - beganAtMs);
    });
    await within("the end of all slow writers", HEADER_MS + GRACE_MS, Promise.all(all));
    const after = broker.memory();
    neighbour.stop();
    await neighbouring;
    await neighbour.leave();
    trial.check(
      after - before < 128 * MiB,
      `RSS rose by ${Math.round((after - before) / MiB)} MiB`,
    );
    return (
      `${peers} peers: all closed after ${(Math.max(...closedMs) / 1000).toFixed(1)} s ` +
      `(deadline ${HEADER_MS / 1000} s), RSS +${((after - before) / MiB).toFixed(1)} MiB, ` +
      `neighbours' p99 ${neighbour.p99Ms.toFixed(2)} ms`
    );
  },
};
