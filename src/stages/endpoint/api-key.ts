/** Where an endpoint's key comes from, and how it is kept out of texts. */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { platform } from "node:os";
import { KiB } from "../../core/index.js";
import { StagesErrors } from "../errors.js";
import { type EndpointConfig, isApiKey } from "./endpoint-options.js";

const FILE_BYTES_MAX = 8 * KiB;
/** Rights of the group and of others. */
const RIGHTS_OF_OTHERS = 0o077;
const HIDDEN = "(hidden)";
const BEARER = /\bbearer\s+[^\s"',;]+/gi;

type KeySource = Pick<EndpointConfig, "apiKey" | "apiKeyFile">;

/**
 * The key, from its file where one is named; undefined when there is none.
 * @throws STAGES_API_KEY_UNREADABLE
 */
export function readApiKey({ apiKey, apiKeyFile }: KeySource): string | undefined {
  if (apiKeyFile === undefined) return apiKey;
  const key = readKeyFile(apiKeyFile).trim();
  if (isApiKey(key)) return key;
  const reason = "it must hold one word of printable ASCII characters";
  throw StagesErrors.API_KEY_UNREADABLE({ file: apiKeyFile, reason });
}

function readKeyFile(file: string): string {
  let handle: number | undefined;
  try {
    handle = openSync(file, "r");
    const stats = fstatSync(handle);
    if (!stats.isFile()) throw unreadable(file, "it is no file");
    // Windows has other rights than these, and shows all of them as given.
    if (platform() !== "win32" && (stats.mode & RIGHTS_OF_OTHERS) !== 0) {
      throw unreadable(file, `others than its owner may use it; run "chmod 600" on it`);
    }
    const bytes = Buffer.alloc(FILE_BYTES_MAX);
    return bytes.toString("latin1", 0, readSync(handle, bytes));
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === StagesErrors.API_KEY_UNREADABLE.code) throw error;
    throw unreadable(file, code ?? "it cannot be read");
  } finally {
    if (handle !== undefined) closeSync(handle);
  }
}

function unreadable(file: string, reason: string) {
  return StagesErrors.API_KEY_UNREADABLE({ file, reason });
}

/** The text without the key, and without anything else that was sent as one. */
export function withoutKey(text: string, apiKey: string | undefined): string {
  const own = apiKey === undefined ? [] : [apiKey, JSON.stringify(apiKey).slice(1, -1)];
  const rest = own.reduce((left, written) => left.replaceAll(written, HIDDEN), text);
  return rest.replaceAll(BEARER, `Bearer ${HIDDEN}`);
}
