/**
 * Ids of jobs that a broker knows again without keeping them. An id is a UUID v4 of 74 random bits
 * and 48 bits that only the holder of the store's secret can make of them. So a broker can tell a job
 * that it accepted once and has long forgotten from a queue of that name which somebody made up: the
 * one will never get a result, the other may.
 */
import { hash, randomFillSync } from "node:crypto";

const UUID_LENGTH = 36;
const RANDOM_BYTES = 10;
const ID_BYTES = 16;
/** Random bytes are drawn for so many ids at a time: a call for each would cost more than all else. */
const DRAWN_IDS = 128;
const HEX = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

export class JobIds {
  readonly #secret: Buffer;
  readonly #random = Buffer.alloc(DRAWN_IDS * RANDOM_BYTES);
  #usedBytes = this.#random.length;

  constructor(secret: Buffer) {
    this.#secret = secret;
  }

  /** A UUID v4 in lower case; as hard to guess as any. */
  issue(): string {
    const id = Buffer.alloc(ID_BYTES);
    if (this.#usedBytes === this.#random.length) {
      randomFillSync(this.#random);
      this.#usedBytes = 0;
    }
    this.#random.copy(id, 0, this.#usedBytes, this.#usedBytes + RANDOM_BYTES);
    this.#usedBytes += RANDOM_BYTES;
    // Version and variant of a random UUID.
    id[6] = ((id[6] as number) & 0x0f) | 0x40;
    id[8] = ((id[8] as number) & 0x3f) | 0x80;
    this.#seal(id).copy(id, RANDOM_BYTES, 0, ID_BYTES - RANDOM_BYTES);
    const hex = id.toString("hex");
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  }

  isOurs(id: string): boolean {
    if (id.length !== UUID_LENGTH || !HEX.test(id)) return false;
    const bytes = Buffer.from(id.replaceAll("-", ""), "hex");
    const seal = this.#seal(bytes).subarray(0, ID_BYTES - RANDOM_BYTES);
    return seal.equals(bytes.subarray(RANDOM_BYTES));
  }

  #seal(id: Buffer): Buffer {
    const sealed = Buffer.concat([this.#secret, id.subarray(0, RANDOM_BYTES)]);
    return hash("sha256", sealed, "buffer");
  }
}
