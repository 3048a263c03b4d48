/** Waiting for something that can only be looked at, such as a counter of a broker. */
import { setTimeout as delay } from "node:timers/promises";

const LOOK_EVERY_MS = 2;
const GIVE_UP_MS = 10_000;

/** Resolves when `condition` holds; fails with `what` when it does not within ten seconds. */
export async function until(what: string, condition: () => boolean): Promise<void> {
  const giveUpAt = Date.now() + GIVE_UP_MS;
  while (!condition()) {
    if (Date.now() > giveUpAt) throw new Error(`waited in vain until ${what}`);
    await delay(LOOK_EVERY_MS);
  }
}
