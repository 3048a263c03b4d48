/**
 * Goal: a job that failed behind a costly stage, or is sent again, does not need that stage again.
 * Method: a real chain with a store of files; the stages count how often they were called.
 */
import { expect, test } from "vitest";
import type { IngestControlMessage } from "../../src/message/index.js";
import type { Stage, StageEntry } from "../../src/pipeline/index.js";
import { resumedBehind } from "../../src/pipeline/index.js";
import { FileCheckpointStore } from "../../src/runtime/index.js";
import { deferred, startBench, TRANSPORTS } from "../helpers/pipeline-bench.js";
import type { Cleanup } from "../helpers/start-broker.js";
import { temporaryFolder } from "../helpers/temporary-folder.js";

interface Calls {
  cheap: number;
  costly: number;
  later: number;
}

function stagesOf(calls: Calls, later: (message: IngestControlMessage) => void): StageEntry[] {
  const counted = (name: keyof Calls, work: (message: IngestControlMessage) => void): Stage => ({
    name,
    process(message) {
      calls[name]++;
      work(message);
      return message;
    },
  });
  const write = (content: string) => (message: IngestControlMessage) => {
    for (const row of message.payload) row.content = `${content}(${row.content})`;
  };
  return [
    counted("cheap", write("cheap")),
    { stage: counted("costly", write("costly")), checkpoint: true },
    counted("later", later),
  ];
}

async function checkpointsIn(t: Cleanup) {
  const store = new FileCheckpointStore({ dir: await temporaryFolder(t) });
  await store.open();
  return store;
}

test.for(TRANSPORTS)(
  "over %s a job that failed later resumes when sent again",
  async (transport, t) => {
    const calls = { cheap: 0, costly: 0, later: 0 };
    const stages = stagesOf(calls, () => {
      if (calls.later === 1) throw new Error("not yet");
    });
    const checkpoints = await checkpointsIn(t);
    const { pipeline, submit, onlyResult } = await startBench(t, transport, {
      stages,
      checkpoints,
    });
    await pipeline.start();
    const failed = await onlyResult(await submit("grain"));
    expect(failed.status).toBe("failed");
    const again = await onlyResult(await submit("grain"));
    expect(again.status).toBe("success");
    expect(again.data?.[0]?.metadata.content).toBe("costly(cheap(grain))");
    expect(resumedBehind(failed)).toBeUndefined();
    expect(resumedBehind(again)).toBe("costly");
    expect(calls).toEqual({ cheap: 1, costly: 1, later: 2 });
    await onlyResult(await submit("other grain"));
    expect(calls).toEqual({ cheap: 2, costly: 2, later: 3 });
  },
);

test("each of many equal jobs gets its own result", async (t) => {
  const calls = { cheap: 0, costly: 0, later: 0 };
  const checkpoints = await checkpointsIn(t);
  const stages = stagesOf(calls, () => {});
  const bench = await startBench(t, "memory", { stages, checkpoints });
  await bench.pipeline.start();
  const ids = await Promise.all(Array.from({ length: 20 }, () => bench.submit("grain")));
  for (const id of ids) {
    const result = await bench.onlyResult(id);
    expect(result.data?.[0]?.metadata.content).toBe("costly(cheap(grain))");
  }
  expect(calls).toEqual({ cheap: 1, costly: 1, later: 20 });
});

test("a job that resumes does not overtake those before it where they stay in order", async (t) => {
  const slow = deferred();
  const [worked, left]: [string[], string[]] = [[], []];
  const textOf = ({ payload }: IngestControlMessage) => String(payload[0]?.content);
  const { pipeline, submit, onlyResult } = await startBench(t, "memory", {
    stages: [
      {
        name: "costly",
        stage: async (message) => {
          worked.push(textOf(message));
          if (textOf(message) === "slow") await slow.promise;
          return message;
        },
        checkpoint: true,
      },
      {
        name: "later",
        stage: (message) => {
          left.push(textOf(message));
          return message;
        },
      },
    ],
    checkpoints: await checkpointsIn(t),
    concurrency: 4,
    ordered: true,
  });
  await pipeline.start();
  await onlyResult(await submit("known"));
  await submit("slow");
  const known = await submit("known");
  const unknown = await submit("unknown");
  await expect.poll(() => worked).toEqual(["known", "slow", "unknown"]);
  slow.resolve();
  await onlyResult(unknown);
  expect(resumedBehind(await onlyResult(known))).toBe("costly");
  expect(left).toEqual(["known", "slow", "known", "unknown"]);
});
