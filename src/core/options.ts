/**
 * Reads options by their zod schema: the schema is the only place where an option is named, typed,
 * bounded, defaulted and described.
 */
import { z } from "zod";
import { defineErrors, quote } from "./errors.js";

export const OptionErrors = defineErrors("OPTIONS", {
  INVALID: {
    kind: "input",
    retry: false,
    about:
      "An option is unknown, has the wrong type or is out of its bounds. The text lists every fault.",
    say: ({ what, faults }: { what: string; faults: readonly string[] }) =>
      `${what}: ${faults.join("; ")}`,
  },
});

/**
 * The complete configuration that `input` describes, defaults filled in.
 *
 * @param what names the thing being configured, for the error's text.
 * @throws OPTIONS_INVALID with all faults at once; an unknown key names the nearest known one.
 */
export function parseOptions<S extends z.ZodType>(
  schema: S,
  input: unknown,
  what: string,
): z.output<S> {
  const parsed = schema.safeParse(input ?? {});
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.flatMap((issue) => faultsOf(issue, schema, input));
  throw OptionErrors.INVALID({ what, faults });
}

function faultsOf(issue: z.core.$ZodIssue, schema: z.ZodType, input: unknown): string[] {
  const path = issue.path.join(".");
  if (issue.code === "unrecognized_keys") {
    const known = knownKeys(schema, issue.path);
    return issue.keys.map((key) => {
      const nearest = nearestKey(key, known);
      const hint = nearest === undefined ? "" : `, did you mean "${nearest}"?`;
      return `unknown option "${path === "" ? key : `${path}.${key}`}"${hint}`;
    });
  }
  const value = issue.path.reduce<unknown>(
    (at, key) => (typeof at === "object" && at !== null ? Reflect.get(at, key) : undefined),
    input,
  );
  const shown = value === undefined ? "" : ` (got ${quote(value)})`;
  return [`${path === "" ? "options" : `"${path}"`}: ${issue.message}${shown}`];
}

function knownKeys(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  let at: unknown = schema;
  for (const key of path) at = shapeOf(at)?.[String(key)];
  return Object.keys(shapeOf(at) ?? {});
}

/** The members of an object schema, also when it is optional or has a default. */
export function shapeOf(schema: unknown): Record<string, z.ZodType> | undefined {
  let at = schema;
  while (
    at instanceof z.ZodOptional ||
    at instanceof z.ZodDefault ||
    at instanceof z.ZodPrefault ||
    at instanceof z.ZodReadonly
  ) {
    at = at.unwrap();
  }
  return at instanceof z.ZodObject ? (at.shape as Record<string, z.ZodType>) : undefined;
}

/** No name of ours is longer: nobody meant one, and comparing would take long. */
const HINTED_LENGTH_MAX = 64;

/** The known key that a person most likely meant, or undefined when none is near. */
export function nearestKey(key: string, known: readonly string[]): string | undefined {
  if (key.length > HINTED_LENGTH_MAX) return undefined;
  const plain = (text: string) => text.toLowerCase().replaceAll(/[-_]/g, "");
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(key.length / 3)) + 1;
  const written = plain(key);
  for (const candidate of known) {
    const meant = plain(candidate);
    // At least so many letters are to be added or taken away.
    if (Math.abs(meant.length - written.length) >= bestDistance) continue;
    const distance = editDistance(written, meant);
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substituted = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substituted, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}
