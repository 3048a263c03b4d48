import { readdirSync } from "node:fs";
import { Broker } from "./harness/broker.js";
import { popFrame, push, size } from "./harness/calls.js";
import type { Fault } from "./harness/fault.js";
import { FaultProxy } from "./harness/proxy.js";
import { RawLine } from "./harness/raw-line.js";
import { eachOf, until } from "./harness/waits.js";

const LEASE_S = 3;
const QUEUE = "q";
/** A refused peer's bytes are read and thrown away for 30 s before its connection goes. */
const REAP_MS = 60_000;
/** Files and timers of the broker's own that may come and go meanwhile. */
const FD_SLACK = 8;

export const f14: Fault = {
  name: "F14",
  title: "peers that hold leases vanish without closing their sockets",
  limitMs: 300_000,
  async run(trial) {
    const peers = trial.count(1_000, 50);
    const broker = await Broker.start(trial, {
      dataDir: trial.folder(),
      args: ["--max-queue-size", "0"],
    });
    const proxy = await FaultProxy.start(trial, () => broker.port);
    await eachOf(peers, 16, async (number) => {
      await push(broker.port, QUEUE, `${number}`);
    });
    const fds = () => readdirSync(`/proc/${broker.pid}/fd`).length;
    const base = fds();
    const bodies = new Set<string | null>();
    await eachOf(peers, 64, async () => {
      const line = await RawLine.open(proxy.port);
      trial.defer(() => line.drop());
      bodies.add((await line.ask(popFrame(QUEUE, LEASE_S))).response);
    });
    trial.check(bodies.size === peers, `${bodies.size} peers have a message`);
    // Of the 16 connections that pushed, some may not have been closed yet when the base was taken.
    trial.check(fds() >= base + peers - 16, "the peers have no connections");
    const vanishedAtMs = performance.now();
    proxy.swallow();
    await until("all leases are back", REAP_MS, async () => {
      return (await size(broker.port, QUEUE)) === peers;
    });
    const leasesMs = performance.now() - vanishedAtMs;
    await until("the connections are gone", REAP_MS, () => fds() <= base + FD_SLACK);
    const fdsS = (performance.now() - vanishedAtMs) / 1000;
    trial.check(fds() <= base + FD_SLACK, `${fds()} descriptors, ${base} before`);
    return (
      `${peers} peers: leases back after ${(leasesMs / 1000).toFixed(1)} s (lease ${LEASE_S} s), ` +
      `reaped after ${fdsS.toFixed(1)} s, ${fds() - base} descriptors above base`
    );
  },
};
