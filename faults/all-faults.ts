/** The faults, in the order of their numbers. */
import { f01 } from "./f01-kill-before-ack.js";
import { f02 } from "./f02-kill-before-final-response.js";
import { f03 } from "./f03-kill-mid-pop.js";
import { f04 } from "./f04-kill-after-pop-ack.js";
import { f05 } from "./f05-kill-during-log-write.js";
import { f06 } from "./f06-kill-during-compaction.js";
import { f22 } from "./f22-pushes-at-capacity.js";
import { f33 } from "./f33-double-start.js";
import type { Fault } from "./harness/fault.js";

export const FAULTS: readonly Fault[] = [f01, f02, f03, f04, f05, f06, f22, f33];
