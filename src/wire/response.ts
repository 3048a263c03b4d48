/**
 * Responses of the protocol. All have the same five members in the same order.
 *
 * Source: docs/protocol.md, "Responses".
 */
import { isUtf8 } from "node:buffer";
import { WireErrors } from "./errors.js";
import { encodeFrame, HEADER_BYTES, writeHeader } from "./frame.js";

export const ResponseCode = { SUCCESS: 0, ERROR: 1, NOT_READY: 2 } as const;

/** The protocol's fixed texts; old clients compare some of them letter by letter. */
export const Text = {
  PONG: "PONG",
  INITIATED: "Transaction initiated. Waiting for ACK.",
  STORED: "Data stored.",
  PROCESSED: "Data processed.",
  NO_ACK: "ACK not received.",
  QUEUE_FULL: "Queue is full",
  QUEUE_UNAVAILABLE: "Queue is not available",
  NOT_READY: "Job not ready",
  /** Ours: a second result for a job that has one, or was cancelled or given up. */
  JOB_OVER: "Job is over",
  /** Ours: a result by a consumer whose delivery went to another. */
  LEASE_OVER: "Lease is over",
  /** Ours: how the answer to a POP begins whose result was there and is kept no more. */
  RESULT_EXPIRED: "Result expired",
} as const;

/** What CANCEL came to: it is cancelled now; it had ended before; the broker knows no such job. */
export const CANCEL_OUTCOMES = ["cancelled", "over", "unknown"] as const;
export type CancelOutcome = (typeof CANCEL_OUTCOMES)[number];

/** A final response of this length or more would not fit behind seven zero bytes. */
const FINAL_BODY_BYTES_MAX = 255;
/** Up to this size a message is copied beside its envelope, so that one buffer is written. */
const JOINED_BYTES_MAX = 64 * 1024;

/** What the server tells a peer that asked for its features. */
export interface ServerFacts {
  readonly features: readonly string[];
  readonly server: string;
  readonly version: string;
  readonly pid: number;
  readonly durability: string;
}

function frameOf(code: number, reason: string, response: string | null, id: string | null): Buffer {
  const quoted = (text: string | null) => (text === null ? "null" : JSON.stringify(text));
  return encodeFrame(
    `{"response_code":${code},"response_reason":${quoted(reason)},"response":${quoted(response)}` +
      `,"trace_id":null,"transaction_id":${quoted(id)}}`,
  );
}

/** Each frame is a buffer of its own: who sends it may write a channel into its header. */
export const encodeQueueFull = (): Buffer => encodeRefusal(Text.QUEUE_FULL);
export const encodeUnavailable = (): Buffer => encodeRefusal(Text.QUEUE_UNAVAILABLE);
export const encodeNotReady = (): Buffer =>
  frameOf(ResponseCode.NOT_READY, Text.NOT_READY, null, null);

export function encodePong(facts?: ServerFacts): Buffer {
  if (facts === undefined) return encodeText(Text.PONG);
  const { features, server, version, pid, durability } = facts;
  return encodeFrame(
    `{"response_code":0,"response_reason":"OK","response":"PONG","trace_id":null` +
      `,"transaction_id":null,"features":${JSON.stringify(features)}` +
      `,"server":${JSON.stringify(server)},"version":${JSON.stringify(version)}` +
      `,"pid":${pid},"durability":${JSON.stringify(durability)}}`,
  );
}

/** Code 1 with a reason and no transaction. */
export function encodeRefusal(reason: string): Buffer {
  return frameOf(ResponseCode.ERROR, reason, null, null);
}

/** Code 0 with a text and no transaction. */
export function encodeText(text: string): Buffer {
  return frameOf(ResponseCode.SUCCESS, "OK", text, null);
}

/** First response to a PUSH. */
export function encodeInitiated(transactionId: string): Buffer {
  return frameOf(ResponseCode.SUCCESS, "OK", Text.INITIATED, transactionId);
}

/**
 * First response to a POP: the message goes out as it came in, `message` being the escaped content
 * of a JSON string. One buffer for a small message, three for a large one, to be sent together.
 */
export function encodeMessage(message: Buffer, transactionId: string): Buffer[] {
  const head = `{"response_code":0,"response_reason":"OK","response":"`;
  const tail = `","trace_id":null,"transaction_id":"${transactionId}"}`;
  const bodyBytes = head.length + message.length + tail.length;
  const isSmall = message.length <= JOINED_BYTES_MAX;
  const start = Buffer.allocUnsafe(HEADER_BYTES + (isSmall ? bodyBytes : head.length));
  writeHeader(start, bodyBytes);
  start.write(head, HEADER_BYTES, "latin1");
  if (!isSmall) return [start, message, Buffer.from(tail, "latin1")];
  message.copy(start, HEADER_BYTES + head.length);
  start.write(tail, HEADER_BYTES + head.length + message.length, "latin1");
  return [start];
}

/** Final response of a handshake that went well. */
export function encodeFinal(text: string, transactionId: string): Buffer {
  return checkFinal(frameOf(ResponseCode.SUCCESS, "OK", text, transactionId));
}

/** Final response of a handshake whose ACK is missing or refused. */
export function encodeNoAck(transactionId: string): Buffer {
  return checkFinal(frameOf(ResponseCode.ERROR, Text.NO_ACK, null, transactionId));
}

/** Seven bytes of a final response's length may have been sent ahead, so it must stay below 256. */
function checkFinal(frame: Buffer): Buffer {
  if (frame.length - HEADER_BYTES > FINAL_BODY_BYTES_MAX) {
    throw new RangeError(`a final response of ${frame.length - HEADER_BYTES} bytes is too long`);
  }
  return frame;
}

/** A response as a client reads it. */
export interface Response {
  readonly code: number;
  readonly reason: string;
  readonly response: string | null;
  readonly transactionId: string | null;
  readonly traceId: string | null;
  /** Only in the PONG of a server of ours that was asked. */
  readonly features: readonly string[];
  readonly pid: number | null;
  readonly server: string | null;
  readonly durability: string | null;
}

/** @throws WIRE_RESPONSE_INVALID */
export function parseResponse(body: Buffer): Response {
  let value: unknown;
  try {
    value = isUtf8(body) ? JSON.parse(body.toString()) : undefined;
  } catch {
    value = undefined;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw WireErrors.RESPONSE_INVALID({ reason: "the body is no JSON object" });
  }
  const members = value as Record<string, unknown>;
  const code = members.response_code;
  if (typeof code !== "number") {
    throw WireErrors.RESPONSE_INVALID({ reason: "response_code is no number" });
  }
  const text = (name: string) => {
    const member = members[name];
    return typeof member === "string" ? member : null;
  };
  const { features, pid } = members;
  return {
    code,
    reason: text("response_reason") ?? "",
    response: text("response"),
    transactionId: text("transaction_id"),
    traceId: text("trace_id"),
    features: Array.isArray(features) ? features.filter((name) => typeof name === "string") : [],
    pid: typeof pid === "number" ? pid : null,
    server: text("server"),
    durability: text("durability"),
  };
}
