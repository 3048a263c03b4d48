/**
 * How a model's HTTP endpoint is reached. Families of stages spread these members into their own options.
 *
 * The texts of errors quote the value at a fault's path. Faults of what may hold a key therefore have a
 * path below it, where there is no value.
 */
import { z } from "zod";
import { KiB, MiB } from "../../core/index.js";

/** What may stand in a header as it is: no key can add a header of its own. */
const API_KEY = /^[\x21-\x7e]{1,4096}$/;
const URL_LENGTH_MAX = 2_048;
/** Node's fetch waits no longer for the next byte. */
const TIMEOUT_MS_MAX = 300_000;

export function isApiKey(value: unknown): value is string {
  return typeof value === "string" && API_KEY.test(value);
}

/** Whether the text is an http: or https: URL without names, passwords, query and fragment. */
function isEndpointUrl(text: string): boolean {
  if (text.length > URL_LENGTH_MAX || !URL.canParse(text)) return false;
  const { protocol, username, password, search, hash } = new URL(text);
  const isPlain = [username, password, search, hash].every((part) => part === "");
  return isPlain && (protocol === "https:" || protocol === "http:");
}

/**
 * The members that the options of a family of stages have for its endpoint.
 *
 * @param family the member of the stages' settings, for texts: `embed`
 * @param model the one that is asked unless told
 */
export function endpointOptions(family: string, model: string) {
  return {
    url: z
      .string()
      .refine(isEndpointUrl, {
        path: ["form"],
        error: 'must be like "https://host:port/v1", without names, passwords and query',
      })
      .optional()
      .describe(
        "Where the model answers, `https://host:port/v1`; with or without the call's own path. " +
          "Without it the work is left undone, which an annotation says.",
      ),
    model: z.string().min(1).default(model).describe("Model for tasks that name none."),
    apiKey: z
      .custom<string>(isApiKey, {
        path: ["characters"],
        error: "must be a string of printable ASCII characters without spaces",
      })
      .optional()
      .meta({
        description: "Key that goes with each request. Never a flag, which others could see.",
        typeText: "string",
        isVariableOnly: true,
      }),
    apiKeyFile: z
      .string()
      .min(1)
      .optional()
      .describe(
        `File that holds the key, readable by its owner alone; wins over ${family}.apiKey.`,
      ),
    timeoutMs: z
      .int()
      .min(1)
      .max(TIMEOUT_MS_MAX)
      .default(120_000)
      .describe("Longest time of one attempt, until the last byte of its answer."),
    maxAttempts: z
      .int()
      .min(1)
      .max(20)
      .default(5)
      .describe("Attempts at a call, with growing pauses, while the model is away or busy."),
    concurrency: z.int().min(1).max(256).default(16).describe("Calls of the model at a time."),
    maxResponseBytes: z
      .int()
      .min(1 * KiB)
      .max(256 * MiB)
      .default(64 * MiB)
      .describe("Largest answer taken in, unpacked; a longer one fails the call."),
    strictCapabilities: z
      .boolean()
      .default(false)
      .describe("Fail a job whose task cannot be done as it says, instead of noting it."),
  };
}

/** What a client of an endpoint needs to know; plain data. */
export interface EndpointConfig {
  readonly url: string;
  readonly apiKey?: string | undefined;
  readonly apiKeyFile?: string | undefined;
  readonly timeoutMs: number;
  readonly maxAttempts: number;
  readonly concurrency: number;
  readonly maxResponseBytes: number;
}
