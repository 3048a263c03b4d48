import { truncateSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { bodyOf, tagOf } from "./harness/bodies.js";
import { crashCycles } from "./harness/crash-cycles.js";
import type { Fault, Trial } from "./harness/fault.js";
import { copyStore, filesOf, fill, openStore } from "./harness/stores.js";
import { tell } from "./history.js";

const MiB = 1024 * 1024;
const GiB = 1024 * MiB;
const LOG_BODY_CHARACTERS = 64 * 1024;

export const f05: Fault = {
  name: "F5",
  title: "kill -9 of the broker during a log write, and logs cut at any byte",
  limitMs: 1_500_000,
  async run(trial) {
    const cycles = trial.count(250, 4);
    const options = { cycles, strikes: ["anyTime", "afterPushAck"], maxLength: 600_000 } as const;
    const { violations, broker } = await crashCycles(trial, options);
    const torn = broker.log.match(/a torn end was cut off/g)?.length ?? 0;
    const cuts = await cutTails(trial);
    const perGiB = await measureRecovery(trial);
    const found = tell(violations, ["lost", "duplicate", "order"]);
    return (
      `${cycles} cycles (${torn} torn tails): ${found}; ${cuts} cuts: wrong 0; ` +
      `recovery ${perGiB.toFixed(2)} s per GiB`
    );
  },
};

/** Cuts the only log of a store at random bytes: what was whole before the cut is there, in order. */
async function cutTails(trial: Trial): Promise<number> {
  const folder = trial.folder();
  const cuts = trial.count(1_000, 40);
  const { store } = await openStore(folder, { segmentBytes: 64 * MiB });
  const bodies = Array.from({ length: 60 }, (_, number) =>
    bodyOf(`m${number}`, trial.random.below(4_000)),
  );
  const ends: number[] = [];
  for (const { text } of bodies) {
    await fill(store, [text]);
    ends.push(filesOf(folder).find(({ name }) => name.endsWith(".log"))?.bytes ?? 0);
  }
  await store.close();
  const whole = ends.at(-1) as number;
  const parent = trial.folder();
  for (let cut = 0; cut < cuts; cut++) {
    const bytes = trial.random.between(Math.floor(whole / 4), whole);
    const copy = copyStore(folder, parent);
    truncateSync(join(copy, "00000001.log"), bytes);
    const expected = ends.filter((end) => end <= bytes).length;
    const again = await openStore(copy);
    const { entries } = again.recovered;
    const tags = await Promise.all(
      entries.map(async (entry) => tagOf(String(await again.store.read(entry)))),
    );
    const wanted = bodies.slice(0, expected).map(({ tag }) => tag);
    trial.check(tags.join() === wanted.join(), `cut at ${bytes}: ${tags.length} of ${expected}`);
    const { tornBytes } = again.store.getStats();
    const tail = bytes - (ends[expected - 1] ?? 0);
    trial.check(tornBytes === tail, `cut at ${bytes}: ${tornBytes} torn bytes told of ${tail}`);
    const isTold = tail === 0 || again.log.length > 0;
    trial.check(isTold, `cut at ${bytes}: nothing was logged`);
    // A second start finds nothing to mend.
    await again.store.close();
    const last = await openStore(copy);
    trial.check(last.store.getStats().tornBytes === 0, `cut at ${bytes}: mended twice`);
    await last.store.close();
    await rm(copy, { recursive: true });
  }
  return cuts;
}

/** Seconds that opening takes for each GiB of log. */
async function measureRecovery(trial: Trial): Promise<number> {
  const folder = trial.folder();
  const bytes = trial.count(GiB, 48 * MiB);
  const config = { segmentBytes: 64 * MiB };
  const { store } = await openStore(folder, config);
  const count = Math.ceil(bytes / LOG_BODY_CHARACTERS);
  for (let begun = 0; begun < count; begun += 64) {
    const bodies = Array.from(
      { length: Math.min(64, count - begun) },
      (_, number) => bodyOf(`m${begun + number}`, LOG_BODY_CHARACTERS).text,
    );
    await fill(store, bodies);
  }
  await store.close();
  const startedAtMs = performance.now();
  const again = await openStore(folder, config);
  const seconds = (performance.now() - startedAtMs) / 1000;
  const found = again.recovered.entries.length;
  trial.check(found === count, `${found} of ${count} messages were recovered`);
  const { storedBytes } = again.store.getStats();
  await again.store.close();
  return (seconds * GiB) / storedBytes;
}
