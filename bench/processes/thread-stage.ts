/** A pool of threads and stages in them, measured from the process they belong to. */
import { availableParallelism } from "node:os";
import { IngestControlMessage } from "millrace";
import { parseStageAddress, threadStage } from "millrace/pipeline";
import { stageContext } from "millrace/testing";
import { WorkerPool } from "millrace/workers";
import { undisturbed } from "../foreign-load.js";
import { medianOf } from "../harness.js";
import { serveCalls } from "../worker.js";

function stageIn(pool: WorkerPool, name: string, config: object = {}) {
  const address = parseStageAddress(`./stages.mjs#${name}`, new URL(import.meta.url));
  return threadStage({ ...address, name, config, pool });
}

function messageOf(content: Buffer): IngestControlMessage {
  const message = new IngestControlMessage();
  message.payload = [{ documentType: "pdf" }];
  message.setMetadata("document", content);
  return message;
}

async function timed(work: () => unknown): Promise<number> {
  const startedAtMs = performance.now();
  await work();
  return performance.now() - startedAtMs;
}

function copy(bytes: Buffer): void {
  Buffer.allocUnsafeSlow(bytes.length).set(bytes);
}

interface BytesAsked {
  readonly bytes: number;
  readonly count: number;
  readonly triesMax: number;
}

interface ComputeAsked {
  /** How long one message takes, about. */
  readonly messageMs: number;
  readonly count: number;
  readonly triesMax: number;
}

/** Steps of the stage `compute` in a millisecond, as a thread does them when nothing else runs. */
async function stepsPerMs(pool: WorkerPool): Promise<number> {
  const steps = 20_000_000;
  const stage = stageIn(pool, "compute", { steps });
  const tookMs: number[] = [];
  for (let turn = 0; turn < 5; turn++) {
    tookMs.push(await timed(() => stage.process(messageOf(Buffer.from("x")), stageContext())));
  }
  return steps / Math.min(...tookMs);
}

serveCalls({
  /** Medians of `count` turns, in each of which all three are done once, in ms. */
  async bytes({ bytes, count, triesMax }: BytesAsked) {
    await using pool = new WorkerPool({ maxThreads: 1 });
    const content = Buffer.allocUnsafeSlow(bytes).fill("millrace");
    const stages = ["same", "rewrite"].map((name) => stageIn(pool, name));
    const turn = async () => {
      const tookMs = [await timed(() => copy(content))];
      for (const stage of stages) {
        const message = messageOf(content);
        tookMs.push(await timed(() => stage.process(message, stageContext())));
      }
      return tookMs;
    };
    for (let warmUp = 0; warmUp < 3; warmUp++) await turn();
    return await undisturbed(triesMax, async () => {
      const turns: number[][] = [];
      for (let done = 0; done < count; done++) turns.push(await turn());
      return [0, 1, 2].map((place) => medianOf(turns.map((each) => each[place] as number)));
    });
  },

  /** How long the messages take, all in flight at once, in one thread and in as many as cores. */
  async compute({ messageMs, count, triesMax }: ComputeAsked) {
    await using one = new WorkerPool({ maxThreads: 1 });
    await using two = new WorkerPool({ maxThreads: Math.min(2, availableParallelism()) });
    const steps = Math.round((await stepsPerMs(one)) * messageMs);
    const stages = [one, two].map((pool) => stageIn(pool, "compute", { steps }));
    const content = Buffer.alloc(1_024, "x");
    const all = (stage: (typeof stages)[number], messages: number) =>
      timed(() =>
        Promise.all(
          Array.from({ length: messages }, () => stage.process(messageOf(content), stageContext())),
        ),
      );
    for (const stage of stages) await all(stage, 8);
    return await undisturbed(triesMax, async () => {
      const tookMs: number[] = [];
      for (const stage of stages) tookMs.push(await all(stage, count));
      return tookMs;
    });
  },
});
