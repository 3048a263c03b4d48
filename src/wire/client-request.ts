/** Requests as a client writes them: each frame is one buffer. */
import type { DeadQuestion } from "./dead-letters.js";
import { failedReason } from "./failed-reason.js";
import { encodeFrame } from "./frame.js";
import type { TimeoutS } from "./request.js";

/**
 * What a broker of ours can do beyond the original, as its PONG names it; our client asks for it, and
 * upstream's broker ignores that. `keepalive`: several requests per connection. `hold`: a POP waits.
 * `lease`: extensions in the ACK's place. `fence`: the member `lease` of a PUSH. `dedup`: a push
 * that may have been stored can be repeated. `cancel`, `dead`, `channels`: the commands of these names.
 * `failed`: the member of that name in a PUSH with `lease`. `direct`: the members `ack` of a PUSH and
 * `final` of an ACK.
 */
export const FEATURES = [
  "keepalive",
  "hold",
  "lease",
  "fence",
  "dedup",
  "cancel",
  "dead",
  "failed",
  "direct",
  "channels",
] as const;
export type Feature = (typeof FEATURES)[number];

export function encodePing(): Buffer {
  return encodeFrame(`{"command":"PING","features":${JSON.stringify(FEATURES)}}`);
}

export function encodePush(
  queueName: string,
  message: string,
  options: {
    readonly forNvIngest: boolean;
    readonly timeoutS: TimeoutS;
    readonly leaseId?: string | undefined;
    /** Cut to what brokers take; nothing without `leaseId`. */
    readonly failed?: string | undefined;
    readonly isDirect?: boolean;
  },
): Buffer {
  const { forNvIngest, timeoutS, leaseId, failed, isDirect = false } = options;
  const command = forNvIngest ? "PUSH_FOR_NV_INGEST" : "PUSH";
  const lease = leaseId === undefined ? "" : `,"lease":${JSON.stringify(leaseId)}`;
  const hasReason = leaseId !== undefined && failed !== undefined;
  const reason = hasReason ? `,"failed":${JSON.stringify(failedReason(failed))}` : "";
  return encodeFrame(
    `{"command":"${command}","queue_name":${JSON.stringify(queueName)}` +
      `,"message":${JSON.stringify(message)},"timeout":${timeoutS}${lease}${reason}${isDirect ? `,"ack":true` : ""}}`,
  );
}

export function encodePop(queueName: string, timeoutS: TimeoutS): Buffer {
  return encodeFrame(
    `{"command":"POP","queue_name":${JSON.stringify(queueName)},"timeout":${timeoutS}}`,
  );
}

export function encodeChannels(): Buffer {
  return encodeFrame(`{"command":"CHANNELS"}`);
}

/** What ends a channel: a frame without a body. */
export function encodeChannelEnd(): Buffer {
  return encodeFrame("");
}

export function encodeSizeRequest(queueName: string): Buffer {
  return encodeFrame(`{"command":"SIZE","queue_name":${JSON.stringify(queueName)}}`);
}

export function encodeCancel(jobId: string): Buffer {
  return encodeFrame(`{"command":"CANCEL","job_id":${JSON.stringify(jobId)}}`);
}

export function encodeDead(question: DeadQuestion): Buffer {
  const { action } = question;
  const jobId = "jobId" in question ? question.jobId : undefined;
  const after = "after" in question ? question.after : undefined;
  // Members without a value are left out by JSON.
  return encodeFrame(JSON.stringify({ command: "DEAD", action, job_id: jobId, after }));
}
