/** Waiting for what can be looked at but tells nobody when it comes. */
import { setTimeout as delay } from "node:timers/promises";
import { monotonicMs } from "../core/index.js";

const LOOK_EVERY_MS = 2;
const GIVE_UP_MS = 20_000;

/** Resolves when `condition` holds. @throws when it does not within twenty seconds */
export async function until(what: string, condition: () => boolean): Promise<void> {
  const giveUpAtMs = monotonicMs() + GIVE_UP_MS;
  while (!condition()) {
    if (monotonicMs() > giveUpAtMs) throw new Error(`waited in vain until ${what}`);
    await delay(LOOK_EVERY_MS);
  }
}
