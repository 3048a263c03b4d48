/** Lets large messages travel by reference: what a sender and a receiver do with each text. */
import { createHash } from "node:crypto";
import { newId, type Signals } from "../../core/index.js";
import { ObjectErrors } from "./errors.js";
import { OBJECT_BYTES_MAX, type ObjectCallOptions, type ObjectStore } from "./object-store.js";
import { encodeReference, looksLikeReference, parseReference } from "./reference.js";

export interface OffloadOptions {
  /** Stands in the reference, so that who looks at a queue can tell the job; up to 256 characters. */
  readonly jobId?: string | undefined;
  readonly signal?: Signals;
}

/** For every text, `load(await offload(text))` is the text again. Both throw what the store throws. */
export class MessageObjects {
  readonly #store: ObjectStore;
  readonly #minBytes: number;

  /** @param minBytes messages of so many bytes or more, as UTF-8, are stored. */
  constructor(store: ObjectStore, { minBytes }: { readonly minBytes: number }) {
    this.#store = store;
    this.#minBytes = minBytes;
  }

  /**
   * The text to send: the message itself when it is small, else its reference, and then the message
   * is stored. Who cannot send the reference should `discard` it.
   *
   * @throws OBJECT_TOO_LARGE above 480 MiB, OBJECT_REFERENCE_INVALID for a jobId that is too long
   */
  async offload(text: string, { jobId, signal }: OffloadOptions = {}): Promise<string> {
    if (!this.#travelsByReference(text)) return text;
    const bytes = Buffer.from(text);
    if (bytes.length > OBJECT_BYTES_MAX) {
      throw ObjectErrors.TOO_LARGE({ bytes: bytes.length, maxBytes: OBJECT_BYTES_MAX });
    }
    const key = newId();
    const object = { key, bytes: bytes.length, sha256: sha256Of(bytes) };
    const reference = encodeReference(jobId === undefined ? object : { ...object, jobId });
    await this.#store.put(key, bytes, { signal });
    return reference;
  }

  /**
   * The message that a received text stands for: itself, unless it is a reference.
   *
   * @throws OBJECT_MISSING, OBJECT_DAMAGED, OBJECT_REFERENCE_INVALID
   */
  async load(text: string, options: ObjectCallOptions = {}): Promise<string> {
    const reference = parseReference(text);
    if (reference === undefined) return text;
    const { key, bytes: length, sha256 } = reference;
    const bytes = await this.#store.get(key, { ...options, maxBytes: length });
    if (bytes === undefined) throw ObjectErrors.MISSING({ key });
    if (bytes.length !== length) {
      const reason = `it has ${bytes.length} bytes and not ${length}`;
      throw ObjectErrors.DAMAGED({ key, reason });
    }
    if (sha256Of(bytes) !== sha256) {
      throw ObjectErrors.DAMAGED({ key, reason: "its bytes have another SHA-256" });
    }
    return bytes.toString();
  }

  /**
   * Deletes what a received text refers to, when nobody needs it any more; nothing for a message that
   * is there itself.
   *
   * @throws OBJECT_REFERENCE_INVALID
   */
  async discard(text: string, options: ObjectCallOptions = {}): Promise<void> {
    const reference = parseReference(text);
    if (reference !== undefined) await this.#store.delete(reference.key, options);
  }

  /** Also a small message that looks like a reference: who receives it would take it for one. */
  #travelsByReference(text: string): boolean {
    // A character is one to three bytes, so most texts need no counting.
    if (text.length >= this.#minBytes || looksLikeReference(text)) return true;
    return text.length * 3 >= this.#minBytes && Buffer.byteLength(text) >= this.#minBytes;
  }
}

function sha256Of(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
