/**
 * Preloaded into a broker: its wall clock is as far off as the last line of the file named by
 * CLOCK_FILE says, in milliseconds, read again at each SIGUSR2. The monotonic clock is left alone.
 */
import { readFileSync } from "node:fs";

const RealDate = Date;
let shiftMs = 0;

class ShiftedDate extends RealDate {
  constructor(...given) {
    if (given.length === 0) super(RealDate.now() + shiftMs);
    else super(...given);
  }

  static now() {
    return RealDate.now() + shiftMs;
  }
}
globalThis.Date = ShiftedDate;

process.on("SIGUSR2", () => {
  shiftMs = Number(readFileSync(process.env.CLOCK_FILE, "utf8"));
  process.stderr.write(`clock shifted by ${shiftMs}\n`);
});
