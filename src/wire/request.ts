/**
 * Requests of the protocol: bytes to typed values and back. The `message` of a PUSH stays what it
 * was, the escaped content of a JSON string: it is checked, found and handed on, never decoded.
 *
 * Source: docs/protocol.md, "Requests".
 */
import { isUtf8 } from "node:buffer";
import { type MillraceError, quote } from "../core/index.js";
import { DEAD_ACTIONS, type DeadQuestion } from "./dead-letters.js";
import { WireErrors } from "./errors.js";
import { FAILED_LENGTH_MAX } from "./failed-reason.js";
import { type Member, scanObject } from "./json-scanner.js";

/** What a request means when it names no timeout. */
export const DEFAULT_TIMEOUT_S = 100;

/** The longest wait for the ACK in seconds; null: as long as the server allows. */
export type TimeoutS = number | null;

export interface PingRequest {
  readonly command: "PING";
  /** The peer asked which extensions this server speaks. */
  readonly asksFeatures: boolean;
}

export interface PushRequest {
  readonly command: "PUSH" | "PUSH_FOR_NV_INGEST";
  readonly queueName: string;
  /** Content of the JSON string `message` as it was sent, escapes included: a view on the body. */
  readonly message: Buffer;
  readonly timeoutS: TimeoutS;
  /** The delivery that this result is for, by our consumers: it counts only while that one holds. */
  readonly leaseId?: string | undefined;
  /** Why the job of `leaseId` failed, when this is a result that says so. */
  readonly failed?: string | undefined;
  /** The ACK came with the request: there is one response, the final one. */
  readonly isDirect: boolean;
}

export interface PopRequest {
  readonly command: "POP";
  readonly queueName: string;
  readonly timeoutS: TimeoutS;
}

export interface SizeRequest {
  readonly command: "SIZE";
  readonly queueName: string;
}

/** Ends a job wherever it is. An extension of ours. */
export interface CancelRequest {
  readonly command: "CANCEL";
  readonly jobId: string;
}

/** Asks for dead letters or does something with them. An extension of ours. */
export interface DeadRequest {
  readonly command: "DEAD";
  readonly question: DeadQuestion;
}

/** Splits the connection into channels. An extension of ours. */
export interface ChannelsRequest {
  readonly command: "CHANNELS";
}

export type Request =
  | PingRequest
  | ChannelsRequest
  | PushRequest
  | PopRequest
  | SizeRequest
  | CancelRequest
  | DeadRequest;

const MEMBERS = {
  PUSH: ["command", "queue_name", "message", "timeout", "lease", "failed", "ack"],
  PUSH_FOR_NV_INGEST: ["command", "queue_name", "message", "timeout", "ack"],
  POP: ["command", "queue_name", "timeout"],
  SIZE: ["command", "queue_name"],
  CANCEL: ["command", "job_id"],
  DEAD: ["command", "action", "job_id", "after"],
  CHANNELS: ["command"],
} as const;

/**
 * Members with more text than this are not decoded: none of ours is that long. The longest is a
 * reason of `FAILED_LENGTH_MAX` characters, each of which may be escaped in six bytes.
 */
const DECODED_BYTES_MAX = 32 * 1024;
/** What of a foreign value is shown in a fault. */
const SHOWN_BYTES_MAX = 80;
const FAULTS_MAX = 20;
const NOTHING = Buffer.alloc(0);
/** A number as a text may write it; `Number` alone would also take "0x10" and "". */
const DECIMAL = /^[+-]?(?:\d+\.?\d*(?:e[+-]?\d+)?|\.\d+(?:e[+-]?\d+)?|Infinity)$/i;

/**
 * The request in a frame's body.
 *
 * @throws WIRE_JSON_INVALID when the body is no JSON text in UTF-8.
 * @throws WIRE_REQUEST_INVALID when it is no request; the message is the answer's reason.
 */
export function parseRequest(body: Buffer): Request {
  if (!isUtf8(body)) throw WireErrors.JSON_INVALID({ offset: 0, reason: "the body is not UTF-8" });
  const scanned = scanObject(body, false);
  if (scanned === undefined) throw refuse("a request must be a JSON object");
  const members = new Map<string, Member>();
  for (const member of scanned.members) members.set(decodeKey(body, member), member);
  const command = commandOf(body, members.get("command"));
  if (command === "PING") return { command, asksFeatures: members.has("features") };
  return new RequestReader(body, members, command).read();
}

function commandOf(body: Buffer, member: Member | undefined): "PING" | keyof typeof MEMBERS {
  const command = member === undefined ? null : decodeValue(body, member);
  const isEmptyContainer = typeof command === "object" && Object.keys(command ?? {}).length === 0;
  if (!command || isEmptyContainer) throw refuse("No command specified");
  if (command === "PING" || (typeof command === "string" && Object.hasOwn(MEMBERS, command))) {
    return command as "PING" | keyof typeof MEMBERS;
  }
  throw refuse("Unknown command");
}

/** Reads the members of one command and gathers every fault before it refuses. */
class RequestReader {
  readonly #body: Buffer;
  readonly #members: ReadonlyMap<string, Member>;
  readonly #command: keyof typeof MEMBERS;
  readonly #faults: string[] = [];

  constructor(body: Buffer, members: ReadonlyMap<string, Member>, command: keyof typeof MEMBERS) {
    this.#body = body;
    this.#members = members;
    this.#command = command;
  }

  read(): Request {
    const request = this.#read(this.#command);
    this.#refuseUnknown();
    if (this.#faults.length > 0) {
      const shown = this.#faults.slice(0, FAULTS_MAX).join("; ");
      throw refuse(`${this.#faults.length} fault(s) in ${this.#command}: ${shown}`);
    }
    return request;
  }

  #read(command: keyof typeof MEMBERS): Request {
    switch (command) {
      case "PUSH":
      case "PUSH_FOR_NV_INGEST": {
        const queueName = this.#text("queue_name");
        const message = this.#message();
        const timeoutS = this.#timeout();
        const leaseId = this.#pushText("lease");
        const failed = this.#failed();
        const isDirect = this.#isDirect();
        return { command, queueName, message, timeoutS, leaseId, failed, isDirect };
      }
      case "POP":
        return { command, queueName: this.#text("queue_name"), timeoutS: this.#timeout() };
      case "CHANNELS":
        return { command };
      case "SIZE":
        return { command, queueName: this.#text("queue_name") };
      case "CANCEL":
        return { command, jobId: this.#text("job_id") };
      case "DEAD":
        return { command, question: this.#question() };
    }
  }

  #text(name: string): string {
    const member = this.#members.get(name);
    if (member === undefined) return this.#fault(`${name}: missing`, "");
    if (!this.#isText(member, name)) return "";
    const text = decodeValue(this.#body, member);
    return typeof text === "string" ? text : this.#fault(`${name}: too long`, "");
  }

  #optionalText(name: string): string | undefined {
    return this.#members.has(name) ? this.#text(name) : undefined;
  }

  /** The original's requests have no such members, and nobody may add them to one of its jobs. */
  #pushText(name: "lease" | "failed"): string | undefined {
    return this.#command === "PUSH" ? this.#optionalText(name) : undefined;
  }

  #failed(): string | undefined {
    const failed = this.#pushText("failed");
    if (failed === undefined) return undefined;
    if (!this.#members.has("lease")) return this.#fault("failed: goes only with lease", undefined);
    if (failed.length <= FAILED_LENGTH_MAX) return failed;
    const fault = `failed: ${failed.length} characters are more than ${FAILED_LENGTH_MAX}`;
    return this.#fault(fault, undefined);
  }

  #isDirect(): boolean {
    const member = this.#members.get("ack");
    if (member === undefined) return false;
    if (decodeValue(this.#body, member) === true) return true;
    return this.#fault(`ack: must be true, is ${shown(this.#body, member)}`, false);
  }

  #question(): DeadQuestion {
    const action = this.#text("action");
    switch (action) {
      case "list":
        return { action, after: this.#optionalText("after") };
      case "show":
        return { action, jobId: this.#text("job_id") };
      case "replay":
      case "drop":
        return { action, jobId: this.#optionalText("job_id") };
      default:
        return this.#fault(`action: must be one of ${DEAD_ACTIONS.join(", ")}`, { action: "list" });
    }
  }

  #message(): Buffer {
    const member = this.#members.get("message");
    if (member === undefined) return this.#fault("message: missing", NOTHING);
    if (!this.#isText(member, "message")) return NOTHING;
    return this.#body.subarray(member.valueStart + 1, member.valueEnd - 1);
  }

  #isText(member: Member, name: string): boolean {
    const { valueStart, valueEnd, loneSurrogate } = member;
    if (this.#body[valueStart] !== 0x22) {
      return this.#fault(`${name}: must be a string, is ${shown(this.#body, member)}`, false);
    }
    if (valueEnd - valueStart === 2) {
      return this.#fault(`${name}: must have at least 1 character`, false);
    }
    if (loneSurrogate) return this.#fault(`${name}: holds an unpaired surrogate`, false);
    return true;
  }

  #timeout(): TimeoutS {
    const member = this.#members.get("timeout");
    if (member === undefined) return DEFAULT_TIMEOUT_S;
    const timeoutS = numberOf(decodeValue(this.#body, member));
    if (timeoutS !== undefined) return timeoutS;
    return this.#fault(`timeout: must be a number or null, is ${shown(this.#body, member)}`, null);
  }

  #refuseUnknown(): void {
    const known: readonly string[] = MEMBERS[this.#command];
    for (const name of this.#members.keys()) {
      if (!known.includes(name)) this.#fault(`${quote(name)}: unknown member`, undefined);
    }
  }

  #fault<T>(fault: string, value: T): T {
    this.#faults.push(fault);
    return value;
  }
}

/** Like upstream's reader: numbers, null, booleans and texts that write a number. */
function numberOf(value: unknown): TimeoutS | undefined {
  if (value === null || typeof value === "number") return value;
  if (typeof value === "boolean") return value ? 1 : 0;
  if (typeof value !== "string") return undefined;
  const text = value.trim().replace(/^([+-]?)inf(?:inity)?$/i, "$1Infinity");
  return DECIMAL.test(text) ? Number(text) : undefined;
}

function decodeKey(body: Buffer, { keyStart, keyEnd }: Member): string {
  if (!hasEscape(body, keyStart, keyEnd)) {
    const end = Math.min(keyEnd - 1, keyStart + 1 + DECODED_BYTES_MAX);
    return body.toString("utf8", keyStart + 1, end);
  }
  if (keyEnd - keyStart > DECODED_BYTES_MAX)
    return body.toString("latin1", keyStart, keyStart + 100);
  return JSON.parse(body.toString("utf8", keyStart, keyEnd)) as string;
}

function hasEscape(body: Buffer, start: number, end: number): boolean {
  for (let offset = start; offset < end; offset++) if (body[offset] === 0x5c) return true;
  return false;
}

/** A value that no member of ours can have. */
const FOREIGN = Symbol("foreign");
const NON_FINITE: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  "-Infinity": Number.NEGATIVE_INFINITY,
};

/** A small value; the symbol when it is too long to be one, or holds NaN inside a container. */
function decodeValue(body: Buffer, { valueStart, valueEnd }: Member): unknown {
  if (valueEnd - valueStart > DECODED_BYTES_MAX) return FOREIGN;
  // Most values are short texts without escapes, for which a parser is too much.
  if (body[valueStart] === 0x22 && !hasEscape(body, valueStart, valueEnd)) {
    return body.toString("utf8", valueStart + 1, valueEnd - 1);
  }
  const text = body.toString("utf8", valueStart, valueEnd);
  if (Object.hasOwn(NON_FINITE, text)) return NON_FINITE[text];
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return FOREIGN;
  }
}

function shown(body: Buffer, { valueStart, valueEnd }: Member): string {
  const text = body.toString("utf8", valueStart, Math.min(valueEnd, valueStart + SHOWN_BYTES_MAX));
  return valueEnd - valueStart > SHOWN_BYTES_MAX ? `${text}…` : text;
}

function refuse(reason: string): MillraceError {
  return WireErrors.REQUEST_INVALID({ reason });
}
