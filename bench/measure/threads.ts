/**
 * A stage that only computes, in one thread and in two, on a machine of two cores or more: messages
 * per second with all of them in flight at once. The two are measured in pairs; a pair during which
 * other programs had more than 3 % of the cores is measured again, and the best of five pairs counts.
 */
import { type Disturbed, SHARE_MAX } from "../foreign-load.js";
import type { Bench, Measurement } from "../harness.js";

export const THREADS = "threads";
const ONE = "CPU-bound stage, 1 thread";
const TWO = "CPU-bound stage, 2 threads";
const RATIO = "2 threads ÷ 1";
export const BEST_RATIO = "2 threads ÷ 1, best pair";

const PAIRS = 5;
const MESSAGES = 100;
const MESSAGE_MS = 15;

async function run({ processes, figures, isQuick, say }: Bench): Promise<void> {
  const child = await processes.node("processes/thread-stage.ts");
  const count = isQuick ? MESSAGES / 2 : MESSAGES;
  const asked = { messageMs: MESSAGE_MS, count, triesMax: isQuick ? 2 : 10 };
  for (let pair = 1; pair <= PAIRS; pair++) {
    say(`threads, pair ${pair} of ${PAIRS}`);
    const measured = await child.call<Disturbed<number[]>>("compute", asked, 100_000);
    const { value, foreignShare } = measured;
    figures.add(THREADS, "other programs", { unit: "% of cores", value: foreignShare * 100 });
    if (foreignShare > SHARE_MAX) {
      figures.notes.push(`${THREADS}: pair ${pair} is left out, other programs disturbed it`);
      continue;
    }
    for (const [index, name] of [ONE, TWO].entries()) {
      const perSecond = count / ((value[index] as number) / 1000);
      figures.add(THREADS, name, { unit: "per s", value: perSecond });
    }
  }
  figures.addRatio(THREADS, RATIO, { over: TWO, under: ONE });
  const value = Math.max(...figures.values(THREADS, RATIO));
  if (value > 0) figures.add(THREADS, BEST_RATIO, { unit: "×", value });
}

export const threads: Measurement = {
  name: THREADS,
  about: "a CPU-bound stage in one thread and in two",
  limitMs: 480_000,
  run,
};
