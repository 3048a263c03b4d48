/**
 * A message as a store keeps it, and the marks that tell what happened to it since. An entry's state
 * is nothing but the fold of its marks, so a store that can bring back message and marks brings back
 * everything.
 */

/** `job`: accepted, and answered under its id. `result`: the answer to one. */
export type MessageKind = "message" | "job" | "result";

/** What is to be stored. */
export interface NewMessage {
  readonly queueName: string;
  /** Transaction id of its push, a UUID; for a job that is its id. */
  readonly id: string;
  readonly kind: MessageKind;
  /** 16 bytes, the same for pushes of the same bytes to the same queue. */
  readonly digest: Buffer;
  /** Milliseconds since 1970. */
  readonly storedAtMs: number;
  /** Escaped content of a JSON string: UTF-8 without control characters. */
  readonly body: Buffer;
  /**
   * Of a result that says so: why its job failed. It stands in the record of the result, so that the
   * result and the end of its job as a dead letter are one write.
   */
  readonly failed?: string | undefined;
}

/** The digest of what nobody pushes again: its sender had its answer with the call. */
export const NO_DIGEST = Buffer.alloc(16);

/** Why a job was given up. */
export interface GivenUp {
  /** Milliseconds since 1970. */
  readonly atMs: number;
  /** `deliveries`, `deadline`, `failed`: what made it so. */
  readonly cause: string;
  /** A sentence for people. */
  readonly reason: string;
}

export interface Entry {
  /** Its place in the order of all messages of a store; never changes, never comes again. */
  readonly sequence: number;
  readonly queueName: string;
  readonly id: string;
  readonly kind: MessageKind;
  /** Milliseconds since 1970. */
  readonly storedAtMs: number;
  readonly bodyBytes: number;
  /** See `NewMessage`. */
  readonly failed?: string | undefined;
  /** Since when its job is to be done: `storedAtMs`, or when it was revived. */
  sinceMs: number;
  /** How often it was handed out, without the times it was given back in good order. */
  deliveries: number;
  /** Its sender is known to have heard that it is stored, or it is too long ago to matter. */
  isConfirmed: boolean;
  /** A job whose consumer acknowledged it before its result was there. */
  isTaken: boolean;
  /** A result: when it was last fetched, in milliseconds since 1970. */
  fetchedAtMs: number | undefined;
  /** A job that was given up. */
  givenUp: GivenUp | undefined;
  /** A job that was given up and whose failed result is stored. */
  isAnswered: boolean;
}

export type Mark =
  | { readonly kind: "handed" }
  | { readonly kind: "returned" }
  | { readonly kind: "confirmed" }
  | { readonly kind: "taken" }
  | { readonly kind: "fetched"; readonly atMs: number }
  | { readonly kind: "givenUp"; readonly why: GivenUp }
  | { readonly kind: "answered" }
  /** From a dead letter back to a job that nobody has touched. */
  | { readonly kind: "revived"; readonly atMs: number };

/** Writes a mark into the entry: at the moment it is made, and again when a store is opened. */
export function applyMark(entry: Entry, mark: Mark): void {
  switch (mark.kind) {
    case "handed":
      entry.deliveries++;
      break;
    case "returned":
      entry.deliveries = Math.max(0, entry.deliveries - 1);
      break;
    case "confirmed":
      entry.isConfirmed = true;
      break;
    case "taken":
      entry.isTaken = true;
      break;
    case "fetched":
      entry.fetchedAtMs = mark.atMs;
      break;
    case "givenUp":
      entry.givenUp = mark.why;
      break;
    case "answered":
      entry.isAnswered = true;
      break;
    case "revived":
      entry.sinceMs = mark.atMs;
      entry.deliveries = 0;
      entry.isTaken = false;
      entry.givenUp = undefined;
      entry.isAnswered = false;
      break;
  }
}
