import { Broker } from "./harness/broker.js";
import { ping } from "./harness/calls.js";
import type { Fault } from "./harness/fault.js";
import { CANARY, garbage, veryDeep } from "./harness/garbage.js";
import { RawLine } from "./harness/raw-line.js";
import { eachOf, within } from "./harness/waits.js";

const PEERS = 32;
const PING_EVERY = 500;

export const f18: Fault = {
  name: "F18",
  title: "garbage: random bytes, impossible lengths, bad UTF-8, deep JSON, forged members",
  limitMs: 900_000,
  async run(trial) {
    const frames = trial.count(100_000, 3_000);
    const broker = await Broker.start(trial, {
      dataDir: trial.folder(),
      args: [
        "--log-level",
        "debug",
        "--header-timeout-ms",
        "500",
        "--frame-timeout-ms",
        "500",
        "--max-ack-wait-ms",
        "500",
        "--max-hold-ms",
        "0",
      ],
    });
    let crashes = 0;
    // One on each connection: the broker ends it at the first frame that it cannot take.
    await eachOf(frames, PEERS, async (number) => {
      const line = await RawLine.open(broker.port);
      line.write(number % 2_000 === 0 ? veryDeep() : garbage(trial.random));
      line.socket.end();
      // It answers, refuses or closes; it does not leave anybody waiting.
      await within("the end of a garbled line", 30_000, line.lost);
      line.drop();
      if (number % PING_EVERY === 0 && (await ping(broker.port)).response !== "PONG") crashes++;
    });
    if (broker.proc.isOver) crashes++;
    const { response } = await ping(broker.port);
    trial.check(response === "PONG", "the broker does not answer any more");
    trial.check(crashes === 0, `${crashes} crashes`);
    const isClean = !broker.log.includes(CANARY);
    trial.check(isClean, "a part of a message stands in the log");
    return `${frames} frames: crashes ${crashes}, canaries in the log ${isClean ? 0 : 1}`;
  },
};
