/**
 * A document of 32 MB, as bytes, there and back through a stage in a thread, against one copy of its
 * bytes: memory taken and filled. Both in turn in one process, and the medians of 20 turns compared.
 */
import type { Disturbed } from "../foreign-load.js";
import type { Bench, Measurement } from "../harness.js";
import { MB } from "../messages.js";

export const THREAD_BYTES = "thread-bytes";
const COPY = "one copy of 32 MB";
const SAME = "32 MB there and back";
const REWRITE = "32 MB there and back, the stage makes new bytes";
export const OVER_COPY = "there and back ÷ one copy";
const REWRITE_OVER_COPY = "there and back with new bytes ÷ one copy";

const TURNS = 20;

async function run({ processes, figures, rounds, isQuick, say }: Bench): Promise<void> {
  for (let round = 1; round <= rounds; round++) {
    say(`thread-bytes, round ${round} of ${rounds}`);
    const child = await processes.node("processes/thread-stage.ts");
    const asked = { bytes: 32 * MB, count: TURNS, triesMax: isQuick ? 1 : 8 };
    const { value, foreignShare } = await child.call<Disturbed<number[]>>("bytes", asked, 150_000);
    for (const [index, name] of [COPY, SAME, REWRITE].entries()) {
      figures.add(THREAD_BYTES, name, { unit: "ms", value: value[index] as number });
    }
    figures.add(THREAD_BYTES, "other programs", { unit: "% of cores", value: foreignShare * 100 });
    await child.end();
  }
  figures.addRatio(THREAD_BYTES, OVER_COPY, { over: SAME, under: COPY });
  figures.addRatio(THREAD_BYTES, REWRITE_OVER_COPY, { over: REWRITE, under: COPY });
}

export const threadBytes: Measurement = {
  name: THREAD_BYTES,
  about: "a large document through a stage in a thread",
  limitMs: 480_000,
  run,
};
