/**
 * A pipeline between a source that always has another message and a sink that is slow. It looks at its
 * bytes in flight whenever a message moves, and at its memory now and then.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { IngestControlMessage, Pipeline, type Sink, type Source, type Stage } from "millrace";
import { KB, MB } from "../messages.js";
import { serveCalls } from "../worker.js";

export interface SlowSinkSetup {
  /** Messages that the sink takes at a time; the others wait for it. */
  readonly sinkCount: number;
  readonly sinkMs: number;
  readonly isOrdered: boolean;
  readonly maxBytesInFlight: number;
}

export interface SlowSinkResult {
  /** One value for each look, in bytes. */
  readonly resident: readonly number[];
  readonly bytesInFlightMax: number;
  readonly jobsInFlightMax: number;
  readonly messageCount: number;
}

const SIZES = [KB, MB, 16 * KB, 256 * KB, 4 * KB, 512 * KB, 64 * KB, MB];
const TEXT = "MILLRACE ".repeat(MB / 8);
const STAGE_MS = 10;
const STAGE = { concurrency: 4, inbox: { maxMessages: 16, maxBytes: 4 * MB } };
const LOOK_MS = 250;

/** Messages of mixed sizes, at once whenever one is asked for. */
class EndlessSource implements Source {
  #count = 0;

  async getMessage(): Promise<IngestControlMessage> {
    const bytes = SIZES[this.#count++ % SIZES.length] as number;
    const message = new IngestControlMessage();
    // A text of its own at once: V8 would make neither a slice nor a repetition before it must.
    const content = TEXT.slice(0, bytes).toLowerCase();
    message.payload = [{ documentType: "text", content }];
    message.setMetadata("job_id", String(this.#count));
    return message;
  }

  async acknowledge(): Promise<void> {}
  async release(): Promise<void> {}
  async start(): Promise<void> {}
  async stop(): Promise<void> {}
  getStats(): object {
    return { messageCount: this.#count };
  }
}

class SlowSink implements Sink {
  readonly #setup: SlowSinkSetup;
  readonly #onMessage: () => void;
  readonly #waiting: (() => void)[] = [];
  #activeCount = 0;
  count = 0;

  constructor(setup: SlowSinkSetup, onMessage: () => void) {
    this.#setup = setup;
    this.#onMessage = onMessage;
  }

  async processMessage(): Promise<boolean> {
    const { sinkCount, sinkMs } = this.#setup;
    this.#onMessage();
    // Who is woken has the place of the one that woke it.
    if (this.#activeCount < sinkCount) this.#activeCount++;
    else await new Promise<void>((go) => this.#waiting.push(go));
    await sleep(sinkMs);
    this.count++;
    const next = this.#waiting.shift();
    if (next === undefined) this.#activeCount--;
    else next();
    return true;
  }

  async start(): Promise<void> {}
  async stop(): Promise<void> {}
  getStats(): object {
    return { count: this.count };
  }
}

/** Takes its time, and makes a new text of the same size, as extraction or a clean-up would. */
function workingStage(name: string, onMessage: () => void): Stage {
  return {
    name,
    async process(message) {
      onMessage();
      await sleep(STAGE_MS);
      for (const row of message.payload) {
        const { content = "" } = row;
        row.content = content.startsWith("m") ? content.toUpperCase() : content.toLowerCase();
      }
      return message;
    },
  };
}

serveCalls({
  async run({
    durationMs,
    ...setup
  }: SlowSinkSetup & { readonly durationMs: number }): Promise<SlowSinkResult> {
    const resident: number[] = [];
    let [bytesInFlightMax, jobsInFlightMax] = [0, 0];
    const look = () => {
      const { bytesInFlight, inFlight } = pipeline.getStats();
      bytesInFlightMax = Math.max(bytesInFlightMax, bytesInFlight);
      jobsInFlightMax = Math.max(jobsInFlightMax, inFlight);
    };
    const sink = new SlowSink(setup, look);
    const pipeline = new Pipeline({
      source: new EndlessSource(),
      stages: ["first", "second", "third"].map((name) => ({
        stage: workingStage(name, look),
        ...STAGE,
      })),
      sink,
      ordered: setup.isOrdered,
      maxBytesInFlight: setup.maxBytesInFlight,
    });
    await pipeline.start();
    const endMs = performance.now() + durationMs;
    while (performance.now() < endMs) {
      await sleep(LOOK_MS);
      look();
      resident.push(process.memoryUsage.rss());
    }
    await pipeline.stop({ timeoutMs: 30_000 });
    return { resident, bytesInFlightMax, jobsInFlightMax, messageCount: sink.count };
  },
});
