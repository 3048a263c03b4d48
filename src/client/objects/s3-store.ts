/**
 * Objects in a bucket of S3, or of anything that speaks its protocol. The package that signs the
 * requests is optional, and loaded here only, at the first call.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { S3mini } from "s3mini";
import { backoffMs, messageOf } from "../../core/index.js";
import { withinLimits } from "./call-limits.js";
import { ObjectErrors } from "./errors.js";
import {
  checkKey,
  OBJECT_BYTES_MAX,
  type ObjectCallOptions,
  type ObjectGetOptions,
  type ObjectStore,
} from "./object-store.js";
import { failureOf, isNoSuchObject, lossOf, readBounded } from "./s3-answers.js";

const PEER = "s3mini";
const REPETITIONS_MAX = 4;
const BACKOFF_BASE_MS = 100;
const BACKOFF_MAX_MS = 2_000;

export interface S3StoreOptions {
  /** Begins the path of every request; the bucket follows it. The one of AWS by default. */
  readonly endpoint?: string | undefined;
  readonly region: string;
  readonly bucket: string;
  /** Before every key, with a slash between; empty for none. */
  readonly prefix: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Longest time of one call, repetitions included. */
  readonly timeoutMs: number;
}

/** Old objects go by a lifecycle rule of the bucket. */
export class S3Store implements ObjectStore {
  /** Private, so that nobody logs the keys by logging the store. */
  readonly #options: S3StoreOptions;
  readonly #where: string;

  /** Connects to nothing. */
  constructor(options: S3StoreOptions) {
    this.#options = options;
    this.#where = `s3://${options.bucket}/${options.prefix}`;
  }

  async put(key: string, bytes: Uint8Array, options: ObjectCallOptions = {}): Promise<void> {
    const path = this.#pathOf(key);
    await this.#call(options, (s3) => s3.putObject(path, bytes));
  }

  async get(key: string, options: ObjectGetOptions = {}): Promise<Buffer | undefined> {
    const path = this.#pathOf(key);
    const { maxBytes = OBJECT_BYTES_MAX } = options;
    return this.#call(options, async (s3) => {
      const response = await unlessMissing(s3.getObjectResponse(path));
      if (!response) return undefined;
      const bytes = await readBounded(response.body, maxBytes);
      if (bytes !== undefined) return bytes;
      throw ObjectErrors.DAMAGED({ key, reason: `it has more than ${maxBytes} bytes` });
    });
  }

  async delete(key: string, options: ObjectCallOptions = {}): Promise<void> {
    const path = this.#pathOf(key);
    await this.#call(options, (s3) => unlessMissing(s3.deleteObject(path)));
  }

  #pathOf(key: string): string {
    checkKey(key);
    const { prefix } = this.#options;
    return prefix === "" ? key : `${prefix}/${key}`;
  }

  /** Repeats what may succeed later; all that is asked for here can be done twice. */
  async #call<T>(
    { signal: signals }: ObjectCallOptions,
    work: (s3: S3mini) => Promise<T>,
  ): Promise<T> {
    const { timeoutMs } = this.#options;
    const where = this.#where;
    return withinLimits({ signal: signals, timeoutMs, where }, async (signal) => {
      const s3 = await this.#connect(signal);
      for (let attempt = 0; ; attempt++) {
        try {
          return await work(s3);
        } catch (error) {
          const failure = lossOf(error, where);
          if (!failure.retry || attempt === REPETITIONS_MAX) throw failure;
        }
        await sleep(backoffMs(attempt, BACKOFF_BASE_MS, BACKOFF_MAX_MS), undefined, { signal });
      }
    });
  }

  /** One for each call: it takes no signal, so the call's is in the function that it fetches with. */
  async #connect(signal: AbortSignal): Promise<S3mini> {
    const { S3mini } = await loadPeer();
    const { region, bucket, accessKeyId, secretAccessKey } = this.#options;
    const { endpoint = `https://s3.${region}.amazonaws.com` } = this.#options;
    return new S3mini({
      endpoint: `${endpoint.replace(/\/+$/, "")}/${bucket}`,
      ...{ region, accessKeyId, secretAccessKey },
      fetch: async (input, init) => {
        // Redirected requests would take a message to where nobody configured it to go.
        const response = await fetch(input, { ...init, signal, redirect: "manual" });
        if (response.ok) return response;
        throw await failureOf(response, this.#where);
      },
    });
  }
}

async function unlessMissing<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (isNoSuchObject(error)) return undefined;
    throw error;
  }
}

async function loadPeer() {
  try {
    return await import("s3mini");
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === "ERR_MODULE_NOT_FOUND";
    if (!isMissing || !messageOf(error).includes(`'${PEER}'`)) throw error;
    throw ObjectErrors.PEER_MISSING({ peer: PEER, command: `npm install ${PEER}` }, error);
  }
}
