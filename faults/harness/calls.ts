/** Whole requests on a raw line, as the simplest client makes them. */
import {
  encodeAck,
  encodePing,
  encodePop,
  encodePush,
  encodeSizeRequest,
  type Response,
  type TimeoutS,
} from "millrace/wire";
import { RawLine } from "./raw-line.js";

export const pushFrame = (queueName: string, message: string, timeoutS: TimeoutS = 30): Buffer =>
  encodePush(queueName, message, { forNvIngest: false, timeoutS });
export const jobFrame = (queueName: string, message: string, timeoutS: TimeoutS = 30): Buffer =>
  encodePush(queueName, message, { forNvIngest: true, timeoutS });
export const popFrame = (queueName: string, timeoutS: TimeoutS = 30): Buffer =>
  encodePop(queueName, timeoutS);
export const ackFrame = (id: string | null, value = true): Buffer => encodeAck(id ?? "", value);

/** A push with its acknowledgement: the id when it is stored, else the refusal's reason. */
export async function pushOn(
  line: RawLine,
  frame: Buffer,
): Promise<{ readonly id: string } | { readonly refusal: string }> {
  const first = await line.ask(frame);
  if (first.code !== 0) return { refusal: first.reason };
  const final = await line.ask(ackFrame(first.transactionId));
  return final.code === 0 ? { id: String(first.transactionId) } : { refusal: final.reason };
}

/** A pop with its acknowledgement; undefined when nothing is ready. */
export async function popOn(
  line: RawLine,
  queueName: string,
  timeoutS: TimeoutS = 0,
): Promise<string | undefined> {
  const first = await line.ask(popFrame(queueName, timeoutS));
  if (first.code !== 0) return undefined;
  const final = await line.ask(ackFrame(first.transactionId));
  if (final.code !== 0) throw new Error(`the pop was not settled: ${final.reason}`);
  return first.response ?? "";
}

/** Opens a line, uses it and ends it. */
export async function onLine<T>(port: number, use: (line: RawLine) => Promise<T>): Promise<T> {
  const line = await RawLine.open(port);
  try {
    return await use(line);
  } finally {
    await line.end();
  }
}

export const push = (port: number, queueName: string, message: string) =>
  onLine(port, (line) => pushOn(line, pushFrame(queueName, message)));
export const pop = (port: number, queueName: string, timeoutS: TimeoutS = 0) =>
  onLine(port, (line) => popOn(line, queueName, timeoutS));
export const size = (port: number, queueName: string): Promise<number> =>
  onLine(port, async (line) => Number((await line.ask(encodeSizeRequest(queueName))).response));
export const ping = (port: number): Promise<Response> =>
  onLine(port, (line) => line.ask(encodePing()));

/** Takes and settles all that is ready, in order. */
export async function drain(port: number, queueName: string): Promise<string[]> {
  return onLine(port, async (line) => {
    const bodies: string[] = [];
    for (;;) {
      const body = await popOn(line, queueName);
      if (body === undefined) return bodies;
      bodies.push(body);
    }
  });
}
