import { execFileSync } from "node:child_process";
import type { Fault, Trial } from "./harness/fault.js";
import { endingOf } from "./harness/jobs.js";
import { Proc, pathOf } from "./harness/processes.js";
import { FaultProxy } from "./harness/proxy.js";
import {
  claims,
  clientOf,
  configOf,
  countResults,
  deathsIn,
  fetchResult,
  startServer,
  startWorker,
  submitJob,
} from "./harness/redis.js";
import { until } from "./harness/waits.js";

const LEASE_MS = 2_000;
const CONCURRENCY = 4;
const JOBS = 12;
/** Longer than the lease, so that the one who was cut off comes too late with what it had. */
const WORK_MS = 500;

export const n01: Fault = {
  name: "N1",
  title: "Redis: the host of a worker is cut off for longer than its lease, and comes back",
  limitMs: 300_000,
  async run(trial) {
    const hosts = otherHost(trial);
    // Of the protected mode of Redis, and of the address it listens at, for a host beside this one.
    const where = hosts === undefined ? [] : [`bind 127.0.0.1 ${hosts.near}`, "protected-mode no"];
    const redis = await startServer(trial, { config: where });
    const cutOff = hosts ?? (await lineThatFails(trial, redis.port));
    const client = clientOf(trial, configOf(redis.port));
    const brokerClient = { ...configOf(cutOff.portOf(redis.port)), host: cutOff.near };
    const settings = { leaseMs: LEASE_MS, concurrency: CONCURRENCY };
    const far = cutOff.start({ ...settings, brokerClient });
    await far.event("ready");

    const rounds = trial.count(20, 1);
    const recoveryMs: number[] = [];
    let twice = 0;
    for (let round = 0; round < rounds; round++) {
      const name = `round ${round}`;
      // It has its hands full when it is cut off; the rest waits for the other one.
      const seen = far.lines.length;
      const ids: string[] = [];
      for (let number = 0; number < JOBS; number++) {
        ids.push(await submitJob(client, `work ${WORK_MS}`, `${name}, ${number}`));
      }
      for (let index = 0; index < CONCURRENCY; index++)
        await far.event("begun", { from: seen + index });
      const held = far.lines.slice(seen).map(({ jobId }) => String(jobId));
      await cutOff.cut();
      const cutAtMs = performance.now();
      const near = await startWorker(trial, { ...settings, brokerClient: configOf(redis.port) });
      const texts = new Map<string, string>();
      for (const jobId of ids) {
        const text = await fetchResult(client, jobId);
        const ending = text === undefined ? "none" : endingOf(text);
        trial.check(ending === "success", `${name}: the result of ${jobId} is ${ending}`);
        texts.set(jobId, text ?? "");
      }
      recoveryMs.push(performance.now() - cutAtMs);
      const recovered = deathsIn([near.stderr]);
      const isRecovered = held.every((jobId) => recovered.has(jobId));
      trial.check(isRecovered, `${name}: ${recovered.size} of ${held.length} jobs were recovered`);
      await cutOff.mend();
      // The one who was away works again: the other one is gone.
      await near.stop();
      const jobId = await submitJob(client, "work 5", `${name}, afterwards`);
      const text = await fetchResult(client, jobId);
      trial.check(text !== undefined, `${name}: the host that was cut off does not work again`);
      for (const [id, before] of texts) {
        const again = await fetchResult(client, id, 5_000);
        trial.check(again === before, `${name}: the result of ${id} changed`);
      }
      const { several, none } = await countResults(redis, ids);
      trial.check(none === 0, `${name}: ${none} results are gone`);
      twice += several;
    }
    trial.check(twice === 0, `${twice} results are there twice`);
    await until(
      "nothing is left in places",
      20_000,
      async () => (await claims(redis)).length === 0,
    );
    const late = countOf(far, /a result came too late/g);
    // It learns that its jobs are others' by its next sign of life or by its next result, whichever
    // comes through first; behind the proxy its connections are reset, so it has given up before.
    const told = late + countOf(far, /jobs in work are lost/g);
    trial.check(hosts === undefined || told > 0, "the host that was cut off was not told");
    const slowest = Math.round(Math.max(...recoveryMs));
    return (
      `${cutOff.what}, cut off ${rounds} times: results twice ${twice}, all ${JOBS} answered after ` +
      `${slowest} ms at most with a lease of ${LEASE_MS} ms, ${late} late results refused`
    );
  },
};

/** A worker elsewhere, and the line to it. */
interface Elsewhere {
  readonly what: string;
  /** Where it finds Redis. */
  readonly near: string;
  portOf(port: number): number;
  start(settings: object): Proc;
  cut(): Promise<void> | void;
  mend(): Promise<void> | void;
}

const countOf = ({ stderr }: Proc, words: RegExp): number => stderr.match(words)?.length ?? 0;

/** A network namespace with a line of its own to this host; undefined where that is not permitted. */
function otherHost(trial: Trial): Elsewhere | undefined {
  const number = trial.random.between(1, 250);
  const [name, nearEnd, farEnd] = [`mr${process.pid}`, `mrn${process.pid}`, `mrf${process.pid}`];
  const [near, far] = [`10.213.${number}.1`, `10.213.${number}.2`];
  const ip = (...args: string[]) => execFileSync("ip", args, { stdio: "pipe" });
  const inside = (...args: string[]) => ip("netns", "exec", name, "ip", ...args);
  try {
    ip("netns", "add", name);
    trial.defer(() => ip("netns", "del", name));
    ip("link", "add", nearEnd, "type", "veth", "peer", "name", farEnd, "netns", name);
    ip("addr", "add", `${near}/24`, "dev", nearEnd);
    ip("link", "set", nearEnd, "up");
    inside("addr", "add", `${far}/24`, "dev", farEnd);
    inside("link", "set", farEnd, "up");
    inside("link", "set", "lo", "up");
  } catch (error) {
    trial.note(
      `no network namespaces here, a proxy takes their place: ${String(error).split("\n")[0]}`,
    );
    return undefined;
  }
  const pipeline = pathOf("processes/pipeline.mjs");
  return {
    what: "a host of its own (network namespace)",
    near,
    portOf: (port) => port,
    start: (settings) => {
      const program = [process.execPath, pipeline, JSON.stringify(settings)];
      return Proc.program(trial, ["ip", "netns", "exec", name, ...program]);
    },
    cut: () => void ip("link", "set", nearEnd, "down"),
    mend: () => void ip("link", "set", nearEnd, "up"),
  };
}

/** A process behind a proxy that swallows everything, and lets nobody in meanwhile. */
async function lineThatFails(trial: Trial, redisPort: number): Promise<Elsewhere> {
  let isCut = false;
  // A port of which nobody answers stands for a host that is not there.
  const proxy = await FaultProxy.start(trial, () => (isCut ? 1 : redisPort));
  return {
    what: "a process behind a proxy",
    near: "127.0.0.1",
    portOf: () => proxy.port,
    start: (settings) => Proc.script(trial, ["pipeline.mjs", JSON.stringify(settings)]),
    cut: () => {
      isCut = true;
      proxy.swallow();
    },
    mend: () => {
      isCut = false;
    },
  };
}
