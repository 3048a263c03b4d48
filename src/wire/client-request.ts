/** Requests as a client writes them: each frame is one buffer. */
import { encodeFrame } from "./frame.js";
import type { TimeoutS } from "./request.js";

/** What our client asks a server for; upstream's ignores it. */
export const CLIENT_FEATURES = ["keepalive", "hold"] as const;

export function encodePing(): Buffer {
  return encodeFrame(`{"command":"PING","features":${JSON.stringify(CLIENT_FEATURES)}}`);
}

export function encodePush(
  queueName: string,
  message: string,
  options: { readonly forNvIngest: boolean; readonly timeoutS: TimeoutS },
): Buffer {
  const command = options.forNvIngest ? "PUSH_FOR_NV_INGEST" : "PUSH";
  return encodeFrame(
    `{"command":"${command}","queue_name":${JSON.stringify(queueName)}` +
      `,"message":${JSON.stringify(message)},"timeout":${options.timeoutS}}`,
  );
}

export function encodePop(queueName: string, timeoutS: TimeoutS): Buffer {
  return encodeFrame(
    `{"command":"POP","queue_name":${JSON.stringify(queueName)},"timeout":${timeoutS}}`,
  );
}

export function encodeSizeRequest(queueName: string): Buffer {
  return encodeFrame(`{"command":"SIZE","queue_name":${JSON.stringify(queueName)}}`);
}
