/**
 * A broker that is killed over and over while clients push and pop, always on the same data
 * directory. At the end everything is fetched and the history checked.
 */
import { existsSync, watch } from "node:fs";
import { join } from "node:path";
import { checkHistory, History, type Violation } from "../history.js";
import { bodyOf } from "./bodies.js";
import { Broker, type BrokerSettings } from "./broker.js";
import { size } from "./calls.js";
import { Consumer, type Counts, type Moments, Producer, targetOf } from "./clients.js";
import type { Trial } from "./fault.js";
import { sleep, until } from "./waits.js";

/** When the broker is killed: at any time, or in the middle of a handshake. */
export type Strike =
  | "anyTime"
  | "beforePushAck"
  | "afterPushAck"
  | "beforePopAck"
  /** A file of the store has just appeared or gone. */
  | "atFileChange";

export interface CrashOptions {
  readonly cycles: number;
  readonly strikes: readonly Strike[];
  /** Longest body, in characters. */
  readonly maxLength: number;
  readonly args?: readonly string[];
  readonly env?: BrokerSettings["env"];
  /** Many long messages, of which few stay. */
  readonly isHeavy?: boolean;
}

export interface CrashOutcome {
  readonly violations: readonly Violation[];
  readonly acknowledged: number;
  readonly counts: Counts;
  /** From the start of the process to its readiness, in milliseconds. */
  readonly startMs: readonly number[];
  readonly broker: Broker;
}

const TRAFFIC_MS_MIN = 20;
const TRAFFIC_MS_MAX = 250;
/** A strike in a handshake waits for one so long. */
const STRIKE_MS = 5_000;
const DRAIN_MS = 120_000;
/** One consumer each, from the beginning. */
const WORKED_QUEUES = ["a", "b"];
/** A queue that only grows until the end, so that there is something to recover. */
const IDLE_QUEUE = "c";
const PRODUCER_QUEUES = ["a", "a", "b", "b", IDLE_QUEUE];

export async function crashCycles(trial: Trial, options: CrashOptions): Promise<CrashOutcome> {
  const { cycles, strikes, args = [], env = {} } = options;
  const dataDir = trial.folder();
  const broker = new Broker(trial, { dataDir, args: ["--max-queue-size", "0", ...args], env });
  const startMs: number[] = [];
  const start = async () => {
    const beganAtMs = performance.now();
    await broker.start();
    startMs.push(performance.now() - beganAtMs);
  };
  await start();
  const striker = new Striker(trial, broker, dataDir);
  const history = new History();
  const traffic = new Traffic(trial, { history, broker, moments: striker, options });
  for (let cycle = 0; cycle < cycles; cycle++) {
    await Promise.race([striker.strike(trial.random.pick(strikes)), traffic.failed, broker.died]);
    await start();
  }
  await Promise.race([traffic.finish(broker), traffic.failed, broker.died]);
  const violations = checkHistory(history.events, {
    isDrained: true,
    orderedQueues: [...WORKED_QUEUES, IDLE_QUEUE],
    hasResults: false,
  });
  for (const { kind, what } of violations) trial.problem(`${kind}: ${what}`);
  const acknowledged = history.count("acknowledged");
  trial.check(acknowledged > cycles, `only ${acknowledged} pushes in ${cycles} cycles`);
  return { violations, acknowledged, counts: traffic.counts(), startMs, broker };
}

/** Kills a broker at a moment. */
class Striker implements Moments {
  readonly #trial: Trial;
  readonly #broker: Broker;
  readonly #dataDir: string;
  readonly #files = new Set<string>();
  #armed: Strike | undefined;
  #killed: Promise<void> | undefined;

  constructor(trial: Trial, broker: Broker, dataDir: string) {
    this.#trial = trial;
    this.#broker = broker;
    this.#dataDir = dataDir;
    const watcher = watch(dataDir, (_, name) => {
      if (name !== null && /^\d+\.(log|marks)$/.test(name)) this.#onFile(name);
    });
    trial.defer(() => watcher.close());
  }

  async strike(how: Strike): Promise<void> {
    this.#killed = undefined;
    await sleep(this.#trial.random.between(TRAFFIC_MS_MIN, TRAFFIC_MS_MAX));
    if (how === "anyTime") this.#kill();
    else this.#armed = how;
    await until(`a moment to strike, ${how}`, STRIKE_MS, () => this.#killed !== undefined);
    await this.#killed;
  }

  onInitiated(): boolean {
    return this.#hit("beforePushAck");
  }

  onPushAcknowledging(): void {
    if (this.#armed !== "afterPushAck") return;
    this.#armed = undefined;
    // The acknowledgement reaches the broker, and what it does then takes about so long.
    setTimeout(() => this.#kill(), this.#trial.random.below(5));
  }

  onDelivered(): boolean {
    return this.#hit("beforePopAck");
  }

  #onFile(name: string): void {
    const isKnown = this.#files.has(name);
    const isThere = existsSync(join(this.#dataDir, name));
    if (isThere) this.#files.add(name);
    else this.#files.delete(name);
    if (isKnown !== isThere) this.#hit("atFileChange");
  }

  #hit(strike: Strike): boolean {
    if (this.#armed !== strike) return false;
    this.#armed = undefined;
    this.#kill();
    return true;
  }

  #kill(): void {
    this.#killed = this.#broker.kill();
    this.#killed.catch(() => {});
  }
}

class Traffic {
  /** Rejects when a client meets what it must not. */
  readonly failed: Promise<never>;
  readonly #producers: Producer[];
  readonly #consumers: Consumer[];
  readonly #history: History;
  readonly #consuming: Promise<void>[];
  readonly #producing: Promise<void>[];
  readonly #scene: ConstructorParameters<typeof Producer>[0];
  #isStopping = false;

  constructor(
    trial: Trial,
    means: {
      readonly history: History;
      readonly broker: Broker;
      readonly moments: Moments;
      readonly options: CrashOptions;
    },
  ) {
    const { history, broker, moments, options } = means;
    const scene = { history, target: targetOf(broker), moments };
    this.#history = history;
    this.#scene = scene;
    this.#producers = PRODUCER_QUEUES.map(() => new Producer(scene));
    this.#consumers = WORKED_QUEUES.map((queue) => new Consumer(queue, scene));
    this.#consuming = this.#consumers.map((consumer) => consumer.run());
    this.#producing = this.#producers.map(async (producer, number) => {
      const random = trial.random.fork();
      const queue = PRODUCER_QUEUES[number] as string;
      for (let count = 0; !this.#isStopping; count++) {
        // Most are short; a few are as long as may be.
        const isLong = options.isHeavy === true || random.chance(0.1);
        const length = random.below(isLong ? options.maxLength : 500);
        await producer.push(queue, bodyOf(`p${number}-${count}`, length));
        // The idle queue grows slowly, or its end would take longer than the rest.
        await sleep(queue === IDLE_QUEUE ? 10 : random.below(3));
      }
    });
    this.failed = new Promise((_, reject) => {
      for (const each of [...this.#consuming, ...this.#producing]) each.catch(reject);
    });
    this.failed.catch(() => {});
    trial.defer(() => {
      this.#isStopping = true;
      for (const client of this.#consumers) client.stop();
      for (const client of this.#producers) client.close();
    });
  }

  counts(): Counts {
    const sum = (name: keyof Counts) =>
      this.#producers.reduce((total, { counts }) => total + counts[name], 0);
    return { repeated: sum("repeated"), recognised: sum("recognised") };
  }

  /** Lets what was begun end, and fetches everything. */
  async finish(broker: Broker): Promise<void> {
    this.#isStopping = true;
    await Promise.all(this.#producing);
    const last = new Consumer(IDLE_QUEUE, this.#scene);
    const lastRun = last.run();
    const queues = [...WORKED_QUEUES, IDLE_QUEUE];
    await until("everything is fetched", DRAIN_MS, async () => {
      const sizes = await Promise.all(queues.map((queue) => size(broker.port, queue)));
      return sizes.every((left) => left === 0) && this.#isSettled();
    });
    for (const consumer of [...this.#consumers, last]) consumer.stop();
    await Promise.all([...this.#consuming, lastRun]);
  }

  /** Nothing is in a consumer's hands. */
  #isSettled(): boolean {
    const last = this.#history.events.at(-1);
    return last === undefined || last.kind === "settled" || last.kind === "acknowledged";
  }
}
