/**
 * `store.json`: the format and the secret of the store, with a checksum, and the same once more in
 * `store.json.copy`, because of all that is in the directory this could not be found again.
 */
import { randomBytes } from "node:crypto";
import { basename, join } from "node:path";
import { crc32 } from "node:zlib";
import { StoreErrors } from "../errors.js";
import { type FileLayer, systemCode, writeWhole } from "./disk/file-layer.js";
import { FORMAT_VERSION } from "./format/file-header.js";
import type { Quarantine } from "./quarantine.js";

const SECRET_BYTES = 32;

export interface StoreFileParts {
  readonly directory: string;
  readonly files: FileLayer;
  readonly quarantine: Quarantine;
}

interface Found {
  readonly path: string;
  readonly text: string | undefined;
  readonly secret: Buffer | undefined;
}

export class StoreFile {
  readonly #parts: StoreFileParts;
  #found: readonly Found[] = [];

  constructor(parts: StoreFileParts) {
    this.#parts = parts;
  }

  /** Touches nothing. @throws STORE_FORMAT_UNKNOWN */
  async read(): Promise<void> {
    const { directory } = this.#parts;
    this.#found = [
      await this.#readOne(join(directory, "store.json")),
      await this.#readOne(join(directory, "store.json.copy")),
    ];
  }

  /** The secret; made when there is none yet. Puts both files right. */
  async settle(hasSegments: boolean): Promise<Buffer> {
    const { directory, files, quarantine } = this.#parts;
    const known = this.#found.find(({ secret }) => secret !== undefined)?.secret;
    const secret = known ?? randomBytes(SECRET_BYTES);
    const isNew = known === undefined && !hasSegments;
    for (const { path, text, secret: own } of this.#found) {
      if (own?.equals(secret)) continue;
      if (!isNew || text !== undefined) {
        const bytes = text?.length ?? 0;
        const damage = { file: basename(path), offset: 0, bytes };
        if (known === undefined) quarantine.tellLost(damage);
        else quarantine.tellMended(damage);
      }
      await writeWhole(files, path, textOf(secret));
    }
    await files.flushDirectory(directory);
    return secret;
  }

  async #readOne(path: string): Promise<Found> {
    let text: string;
    try {
      text = await this.#parts.files.readText(path);
    } catch (error) {
      if (systemCode(error) === "ENOENT") return { path, text: undefined, secret: undefined };
      throw error;
    }
    return { path, text, secret: secretOf(text, path) };
  }
}

function textOf(secret: Buffer): string {
  const hex = secret.toString("hex");
  const checksum = checksumOf(FORMAT_VERSION, hex);
  return `${JSON.stringify({ format: FORMAT_VERSION, secret: hex, checksum })}\n`;
}

/** Undefined when the text is not what was written. */
function secretOf(text: string, path: string): Buffer | undefined {
  let content: { format?: unknown; secret?: unknown; checksum?: unknown };
  try {
    content = JSON.parse(text);
  } catch {
    return undefined;
  }
  const { format, secret, checksum } = content ?? {};
  if (typeof format !== "number" || typeof secret !== "string") return undefined;
  if (checksum !== checksumOf(format, secret)) return undefined;
  if (format !== FORMAT_VERSION) {
    throw StoreErrors.FORMAT_UNKNOWN({ file: path, found: format, known: FORMAT_VERSION });
  }
  const bytes = Buffer.from(secret, "hex");
  return bytes.length === SECRET_BYTES ? bytes : undefined;
}

function checksumOf(format: number, secret: string): string {
  return crc32(`${format}:${secret}`).toString(16).padStart(8, "0");
}
