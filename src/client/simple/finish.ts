import { firedIn } from "../../core/index.js";
import type { Response } from "../../wire/index.js";
import { ClientErrors } from "../errors.js";
import { afterAbort, type CallBounds } from "../retry.js";
import { isLost } from "./answers.js";
import type { Calls } from "./calls.js";
import type { Line } from "./line.js";

/**
 * Sends the frame that commits, an ACK or a request that brings it, on a line that is open and takes
 * the final response, whatever it says, with which the line is released. Once the frame is out an abort
 * comes too late to undo anything, so the call hears the answer if it comes soon: otherwise a fetched
 * message would be lost.
 *
 * @throws CLIENT_DELIVERY_UNKNOWN, with the lost connection as its cause, or a signal's reason.
 */
export async function finish(
  { line, frame }: { readonly line: Line; readonly frame: Buffer },
  what: "stored" | "settled",
  { calls, bounds }: { readonly calls: Calls; readonly bounds: CallBounds },
): Promise<Response> {
  const fired = firedIn(bounds.signals);
  if (fired !== undefined) {
    line.close();
    throw fired.reason;
  }
  const forget = afterAbort(bounds.signals, () => line.close());
  line.mustHear = true;
  try {
    const final = await line.ask(frame, calls.silenceMs(bounds));
    calls.release(line);
    return final;
  } catch (error) {
    if (!isLost(error)) throw error;
    throw ClientErrors.DELIVERY_UNKNOWN({ what }, error);
  } finally {
    line.mustHear = false;
    forget();
  }
}
