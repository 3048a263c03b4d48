/** What a broker is like, as the features say that its PONG names; without any, like the original. */
import type { Feature } from "../../wire/index.js";

export interface BrokerTraits {
  /** Connections stay open after an answer. */
  readonly keepsOpen: boolean;
  /** A POP on an empty queue is answered when a message comes, or its time is over. */
  readonly holds: boolean;
  /** A lease ends early when its consumer is silent, and extensions prolong it. */
  readonly renews: boolean;
  /** A result that names its delivery is refused when that is over. */
  readonly fences: boolean;
  /** A push that may have been stored can be repeated: it is recognised. */
  readonly dedups: boolean;
  /** Knows the command CANCEL. */
  readonly cancels: boolean;
  /** Knows the command DEAD. */
  readonly keepsDead: boolean;
  /** Keeps a job as a dead letter whose fenced result says why it failed. */
  readonly keepsFailed: boolean;
  /** Takes the ACK of a PUSH with the request, and need not answer that of a POP. */
  readonly isDirect: boolean;
  /** Carries many lines on one connection. */
  readonly hasChannels: boolean;
}

export function traitsOf(features: readonly string[]): BrokerTraits {
  const has = (feature: Feature) => features.includes(feature);
  return {
    keepsOpen: has("keepalive"),
    holds: has("hold"),
    renews: has("lease"),
    fences: has("fence"),
    dedups: has("dedup"),
    cancels: has("cancel"),
    keepsDead: has("dead"),
    keepsFailed: has("failed"),
    isDirect: has("direct"),
    hasChannels: has("channels"),
  };
}
