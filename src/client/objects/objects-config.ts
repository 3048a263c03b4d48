/**
 * Where large messages are kept, and from which size on.
 *
 * The texts of errors quote the value at a fault's path. Faults of what may hold a key of access
 * therefore have a path below it, where there is no value.
 */
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { MiB, parseOptions } from "../../core/index.js";
import { ObjectErrors } from "./errors.js";
import { FolderStore } from "./folder-store.js";
import { OBJECT_BYTES_MAX, type ObjectStore } from "./object-store.js";
import { S3Store } from "./s3-store.js";

const ms = () => z.number().int().min(1).max(2_147_483_647);

const ACCESS_KEY = /^[\x21-\x7e]{1,256}$/;
const BUCKET = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/((?:[\w.-]+\/)*[\w.-]+))?\/?$/;
const URL_LENGTH_MAX = 1_024;

type Place = { readonly dir: string } | { readonly bucket: string; readonly prefix: string };

/** Undefined for anything else than an absolute file: or an s3: URL without keys, port and query. */
function placeOf(url: string): Place | undefined {
  if (url.length > URL_LENGTH_MAX) return undefined;
  const [, bucket, prefix = ""] = BUCKET.exec(url) ?? [];
  if (bucket !== undefined) {
    const isPlain = prefix.split("/").every((part) => part !== "." && part !== "..");
    return isPlain ? { bucket, prefix } : undefined;
  }
  if (!url.startsWith("file:///") || /[?#]/.test(url)) return undefined;
  try {
    return { dir: fileURLToPath(url) };
  } catch {
    return undefined;
  }
}

function isEndpoint(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password, search, hash } = new URL(text);
  const isPlain = [username, password, search, hash].every((part) => part === "");
  return isPlain && (protocol === "https:" || protocol === "http:");
}

const accessKey = () =>
  z.custom<string>((value) => typeof value === "string" && ACCESS_KEY.test(value), {
    path: ["characters"],
    error: "must be a string of printable ASCII characters without spaces",
  });

export const ObjectsConfig = z
  .strictObject({
    url: z
      .string()
      .refine((url) => placeOf(url) !== undefined, {
        path: ["form"],
        error: 'must be like "file:///shared/folder" or "s3://bucket/prefix"',
      })
      .describe(
        "A folder that the machines share, `file:///shared/folder`, which must be there, or a bucket, " +
          "`s3://bucket/prefix`, which needs the package s3mini.",
      ),
    endpoint: z
      .string()
      .refine(isEndpoint, {
        path: ["form"],
        error: 'must be like "https://host:port", without keys',
      })
      .optional()
      .describe("URL of an S3 service other than the one of AWS."),
    region: z
      .string()
      .regex(/^[a-z0-9-]{1,64}$/)
      .default("us-east-1")
      .describe("Region of the bucket."),
    accessKeyId: accessKey().optional().meta({
      description: "Key for the bucket; on the command line also AWS_ACCESS_KEY_ID.",
      typeText: "string",
    }),
    secretAccessKey: accessKey().optional().meta({
      description: "Its secret; on the command line also AWS_SECRET_ACCESS_KEY.",
      typeText: "string",
    }),
    minBytes: z
      .number()
      .int()
      .min(1)
      .max(OBJECT_BYTES_MAX)
      .default(1 * MiB)
      .describe("Messages of so many bytes or more travel by reference."),
    maxAgeMs: ms()
      .default(172_800_000)
      .describe(
        "Older objects are removed from a folder. A bucket needs a lifecycle rule for that. Must be " +
          "longer than any message waits.",
      ),
    timeoutMs: ms()
      .default(120_000)
      .describe("Longest time to store, fetch or delete an object, repetitions included."),
  })
  .superRefine(({ accessKeyId, secretAccessKey }, context) => {
    if ((accessKeyId === undefined) === (secretAccessKey === undefined)) return;
    const missing = accessKeyId === undefined ? "accessKeyId" : "secretAccessKey";
    context.addIssue({ code: "custom", path: [missing], message: "must be given with the other" });
  });
export type ObjectsConfig = z.input<typeof ObjectsConfig>;

/**
 * The store that a configuration describes; touches and connects to nothing yet.
 *
 * @throws OPTIONS_INVALID, OBJECT_ACCESS_KEYS_MISSING
 */
export function openObjectStore(config: ObjectsConfig): ObjectStore {
  const parsed = parseOptions(ObjectsConfig, config, "ObjectsConfig");
  const { endpoint, region, maxAgeMs, timeoutMs, accessKeyId, secretAccessKey } = parsed;
  const place = placeOf(parsed.url) as Place;
  if ("dir" in place) return new FolderStore({ dir: place.dir, maxAgeMs, timeoutMs });
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    throw ObjectErrors.ACCESS_KEYS_MISSING({ where: parsed.url });
  }
  return new S3Store({ ...place, endpoint, region, accessKeyId, secretAccessKey, timeoutMs });
}
