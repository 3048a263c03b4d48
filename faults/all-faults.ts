/** The faults, in the order of their numbers. */
import { f01 } from "./f01-kill-before-ack.js";
import { f02 } from "./f02-kill-before-final-response.js";
import { f03 } from "./f03-kill-mid-pop.js";
import { f04 } from "./f04-kill-after-pop-ack.js";
import { f05 } from "./f05-kill-during-log-write.js";
import { f06 } from "./f06-kill-during-compaction.js";
import { f08 } from "./f08-bit-flips.js";
import { f09 } from "./f09-disk-full.js";
import { f10 } from "./f10-failing-flush.js";
import { f12 } from "./f12-cut-in-handshakes.js";
import { f14 } from "./f14-half-open-sockets.js";
import { f15 } from "./f15-idle-connections.js";
import { f16 } from "./f16-slow-reader.js";
import { f17 } from "./f17-slow-writers.js";
import { f18 } from "./f18-garbage.js";
import { f19 } from "./f19-odd-acks.js";
import { f20 } from "./f20-drop-after-ack.js";
import { f21 } from "./f21-pop-without-timeout.js";
import { f22 } from "./f22-pushes-at-capacity.js";
import { f23 } from "./f23-clock-jumps.js";
import { f24 } from "./f24-stopped-processes.js";
import { f26 } from "./f26-poison.js";
import { f27 } from "./f27-bad-stages.js";
import { f28 } from "./f28-redis-outages.js";
import { f29 } from "./f29-silent-redis.js";
import { f32 } from "./f32-rolling-restarts.js";
import { f33 } from "./f33-double-start.js";
import { f34 } from "./f34-unknown-format.js";
import { f36 } from "./f36-many-ids.js";
import { f38 } from "./f38-fragments.js";
import { f39 } from "./f39-cancel.js";
import { f40 } from "./f40-random-history.js";
import type { Fault } from "./harness/fault.js";
import { n01 } from "./n01-cut-off-host.js";
import { r01 } from "./r01-redis-kills.js";

export const FAULTS: readonly Fault[] = [
  f01,
  f02,
  f03,
  f04,
  f05,
  f06,
  f08,
  f09,
  f10,
  f12,
  f14,
  f15,
  f16,
  f17,
  f18,
  f19,
  f20,
  f21,
  f22,
  f23,
  f24,
  f26,
  f27,
  f28,
  f29,
  f32,
  f33,
  f34,
  f36,
  f38,
  f39,
  f40,
  r01,
  n01,
];
