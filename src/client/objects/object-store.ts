/** Where large messages lie while only their references travel. */
import { MiB, quote, type Signals } from "../../core/index.js";
import { ObjectErrors } from "./errors.js";

/** As much as a frame carries; above it the text would come near the longest that V8 can make. */
export const OBJECT_BYTES_MAX = 480 * MiB;

export interface ObjectCallOptions {
  /** Ends the call, one signal or the first of several; it rejects with the signal's reason. */
  readonly signal?: Signals;
}

export interface ObjectGetOptions extends ObjectCallOptions {
  /** A larger object is not read, and is OBJECT_DAMAGED; 480 MiB by default. */
  readonly maxBytes?: number;
}

/**
 * Keeps bytes by key for all machines that share it. An object is there whole or not at all, and goes
 * when it is too old. Every call ends within the store's `timeoutMs`.
 *
 * A key is up to 64 small letters, digits and hyphens, perhaps behind a prefix of the same kind and a
 * slash. Every call throws OBJECT_KEY_INVALID for others, OBJECT_STORE_UNAVAILABLE,
 * OBJECT_STORE_UNUSABLE, OBJECT_STORE_REFUSED and OBJECT_PEER_MISSING.
 */
export interface ObjectStore {
  /** Resolves when the object outlives a crash. What has the key is replaced. @throws OBJECT_STORE_FULL */
  put(key: string, bytes: Uint8Array, options?: ObjectCallOptions): Promise<void>;
  /** Undefined when there is none. @throws OBJECT_DAMAGED */
  get(key: string, options?: ObjectGetOptions): Promise<Buffer | undefined>;
  /** Also succeeds when there is none. */
  delete(key: string, options?: ObjectCallOptions): Promise<void>;
}

const KEY = /^(?:[a-z0-9-]{1,64}\/)?[a-z0-9-]{1,64}$/;

export function isObjectKey(key: unknown): key is string {
  return typeof key === "string" && KEY.test(key);
}

/** @throws OBJECT_KEY_INVALID */
export function checkKey(key: string): void {
  if (!isObjectKey(key)) throw ObjectErrors.KEY_INVALID({ key: quote(key) });
}
