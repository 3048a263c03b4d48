import { encodeAck, type Response, ResponseCode } from "../../wire/index.js";
import { ClientErrors } from "../errors.js";
import { afterAbort, type CallBounds } from "../retry.js";
import { isLost } from "./answers.js";
import type { Calls } from "./calls.js";
import type { Line } from "./line.js";

/** A handshake before its ACK. */
export interface Handshake {
  readonly line: Line;
  readonly transactionId: string;
}

/**
 * Sends the ACK on a line that is open and takes the final response, whatever it says; when it is no
 * success the line is closed. From the ACK on an abort comes too late to undo anything, so the call
 * hears the answer if it comes soon: otherwise a fetched message would be lost.
 *
 * @throws CLIENT_DELIVERY_UNKNOWN, with the lost connection as its cause, or the signal's reason.
 */
export async function finish(
  { line, transactionId }: Handshake,
  what: "stored" | "settled",
  { calls, bounds }: { readonly calls: Calls; readonly bounds: CallBounds },
): Promise<Response> {
  const { signal } = bounds;
  if (signal?.aborted) {
    line.close();
    throw signal.reason;
  }
  const forget = afterAbort(signal, () => line.close());
  line.mustHear = true;
  try {
    const final = await line.ask(encodeAck(transactionId, true), calls.silenceMs(bounds));
    if (final.code !== ResponseCode.SUCCESS) line.close();
    return final;
  } catch (error) {
    if (!isLost(error)) throw error;
    throw ClientErrors.DELIVERY_UNKNOWN({ what }, error);
  } finally {
    line.mustHear = false;
    forget();
  }
}
