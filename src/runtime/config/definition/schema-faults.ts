/** Turns what a zod schema says of a value into sentences with a place: one for each thing wrong. */
import type { z } from "zod";
import { nearestKey, quote } from "../../../core/index.js";
import type { Path } from "../text/origin.js";
import type { Fault } from "./fault.js";
import { keysAt, typeTextOf } from "./schema-at.js";

type Issue = z.core.$ZodIssue;

interface Checked<T> {
  /** Undefined when there are faults. */
  readonly data: T | undefined;
  readonly faults: readonly Fault[];
}

/** @param path of the value in the whole definition. */
export function checkBySchema<S extends z.ZodType>(
  schema: S,
  value: unknown,
  path: Path = [],
): Checked<z.output<S>> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return { data: parsed.data, faults: [] };
  const faults = parsed.error.issues.flatMap((issue) => faultsOf(issue, schema, value));
  return {
    data: undefined,
    faults: faults.map((fault) => ({ ...fault, path: [...path, ...fault.path] })),
  };
}

function faultsOf(issue: Issue, schema: z.ZodType, root: unknown): Fault[] {
  const { path } = issue;
  const got = valueAt(root, path);
  if (issue.code === "unrecognized_keys") {
    const known = keysAt(schema, path);
    return issue.keys.map((key) => ({
      path: [...path, key],
      at: "key",
      text: `unknown key ${quote(key)}${didYouMean(key, known)}`,
    }));
  }
  if (got === undefined && ["invalid_type", "invalid_union"].includes(issue.code)) {
    return [{ path, at: "key", text: `${quote(String(path.at(-1) ?? ""))} is missing` }];
  }
  if (issue.code === "invalid_union") return unionFaults(issue, schema, root);
  if (issue.code === "invalid_key") {
    return [{ path, at: "key", text: `the key is wrong: ${readable(issue.issues[0]?.message)}` }];
  }
  if (issue.code === "invalid_value") {
    const choices = issue.values.map((value) => quote(value));
    const near = typeof got === "string" ? didYouMean(got, issue.values.map(String)) : "";
    return [{ path, at: "value", text: `expected ${choices.join(" or ")}${near}`, got }];
  }
  const isComplete = issue.code === "custom" && issue.params?.isComplete === true;
  const text = readable(issue.message);
  return [{ path, at: "value", text, ...(!isComplete && { got }) }];
}

/** The faults of the form that the value most likely is, or the forms that there are. */
function unionFaults(
  issue: Extract<Issue, { code: "invalid_union" }>,
  schema: z.ZodType,
  root: unknown,
): Fault[] {
  const { path } = issue;
  const likely = issue.errors.find((issues) =>
    issues.every((inner) => inner.path.length > 0 || inner.code === "unrecognized_keys"),
  );
  if (likely !== undefined) {
    return likely.flatMap((inner) => {
      return faultsOf({ ...inner, path: [...path, ...inner.path] }, schema, root);
    });
  }
  const typeText = typeTextOf(schema, path);
  const forms = issue.errors.flatMap(([first]) => readable(first?.message));
  const text = typeText === undefined ? forms.join(", or ") : `expected ${typeText}`;
  const bounds = issue.errors.flat().find(({ code }) => code === "too_big" || code === "too_small");
  const got = valueAt(root, path);
  const said = bounds === undefined ? text : readable(bounds.message);
  return [{ path, at: "value", text: said, got }];
}

function readable(message = ""): string {
  return message
    .replace(/^Invalid input: /, "")
    .replace(/^(Too|Invalid)/, (word) => word.toLowerCase());
}

export function didYouMean(word: string, known: readonly string[]): string {
  const nearest = nearestKey(word, known);
  return nearest === undefined ? "" : `, did you mean ${quote(nearest)}?`;
}

function valueAt(root: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (at, key) => (typeof at === "object" && at !== null ? Reflect.get(at, key) : undefined),
    root,
  );
}
