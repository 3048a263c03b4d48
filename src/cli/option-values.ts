/** Decides which value of an option holds: flag, then environment, then file, then default. */
import type { z } from "zod";
import { hasCode, OptionErrors, parseOptions } from "../core/index.js";
import type { Leaf } from "./schema-options.js";

/** An option with the value that holds, and where it comes from. */
export interface ChosenValue {
  readonly leaf: Leaf;
  readonly value: unknown;
  readonly origin: "flag" | "environment" | "file" | "default";
  /** The place in the file. */
  readonly place?: string;
}

/** What a file says of the option at `path`. */
export type FileLayer = (path: readonly string[]) =>
  | {
      readonly value: unknown;
      /** Else it is the default that the file's other values make. */
      readonly isGiven: boolean;
      readonly from: string;
    }
  | undefined;

/** What was written, by whom it was written. */
export interface Written {
  /** By flag; only those that stand on the command line. */
  readonly flags: ReadonlyMap<string, string | boolean>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly file?: FileLayer | undefined;
}

export interface ChosenOptions<T> {
  /** Complete and checked. */
  readonly config: T;
  readonly values: readonly ChosenValue[];
}

/**
 * The configuration of a command. An empty variable counts as not set.
 *
 * @param what names the command, for the error's text.
 * @throws OPTIONS_INVALID, with the flags and variables that are wrong.
 */
export function chooseOptions<S extends z.ZodType>(
  schema: S,
  leaves: readonly Leaf[],
  { what, written }: { readonly what: string; readonly written: Written },
): ChosenOptions<z.output<S>> {
  const given = leaves.map((leaf) => choose(leaf, written));
  const input: Record<string, unknown> = {};
  for (const { leaf, value } of given) {
    if (value !== undefined) place(input, leaf.path, value);
  }
  const config = parse(schema, input, { what, given });
  const values = given.map((each) => ({ ...each, value: lookUp(config, each.leaf.path) }));
  return { config, values };
}

/** The value of an option by flag or variable alone. */
export function writtenValue(leaf: Leaf, { flags, environment }: Written): ChosenValue | undefined {
  const flag = flags.get(leaf.flag);
  if (flag !== undefined) return { leaf, value: readWritten(leaf, flag), origin: "flag" };
  const variable = environment[leaf.variable];
  if (variable === undefined || variable === "") return undefined;
  return { leaf, value: readWritten(leaf, variable), origin: "environment" };
}

function choose(leaf: Leaf, written: Written): ChosenValue {
  const own = writtenValue(leaf, written);
  if (own !== undefined) return own;
  const found = written.file?.(leaf.path);
  if (found === undefined) return { leaf, value: undefined, origin: "default" };
  const { value, isGiven, from } = found;
  return isGiven
    ? { leaf, value, origin: "file", place: from }
    : { leaf, value, origin: "default" };
}

const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ["true", true],
  ["1", true],
  ["yes", true],
  ["false", false],
  ["0", false],
  ["no", false],
]);

/** What cannot be read stays text, so that the schema says what it should be. */
function readWritten({ type }: Leaf, written: string | boolean): unknown {
  if (typeof written === "boolean" || type === "text") return written;
  const text = written.trim();
  if (type === "boolean") return BOOLEANS.get(text.toLowerCase()) ?? written;
  return /^[+-]?\d+(?:\.\d+)?$/.test(text) ? Number(text) : written;
}

function place(input: Record<string, unknown>, path: readonly string[], value: unknown): void {
  let at = input;
  for (const key of path.slice(0, -1)) {
    at[key] ??= {};
    at = at[key] as Record<string, unknown>;
  }
  at[path.at(-1) as string] = value;
}

function lookUp(config: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((at, key) => (at as Record<string, unknown>)?.[key], config);
}

/** Faults are told by the names that the person used, not by those of the configuration. */
function parse<S extends z.ZodType>(
  schema: S,
  input: unknown,
  { what, given }: { readonly what: string; readonly given: readonly ChosenValue[] },
): z.output<S> {
  try {
    return parseOptions(schema, input, what);
  } catch (error) {
    if (!hasCode(error, OptionErrors.INVALID.code)) throw error;
    const { faults } = (error as { details?: { faults?: string[] } }).details ?? {};
    const renamed = (faults ?? []).map((fault) =>
      readable(fault).replace(/^"([^"]+)"/, (quoted, path: string) => {
        const value = given.find(({ leaf }) => leaf.path.join(".") === path);
        if (value === undefined) return quoted;
        const { leaf, origin, place = quoted } = value;
        if (origin === "file") return place;
        return origin === "environment" ? leaf.variable : leaf.flag;
      }),
    );
    throw OptionErrors.INVALID({ what, faults: renamed }, error);
  }
}

/** Said as pipeline files say it: without the checker's own words. */
function readable(fault: string): string {
  return fault
    .replace(/: Invalid option: expected one of (\S+)/, (_, choices: string) => {
      return `: expected ${choices.split("|").join(" or ")}`;
    })
    .replace(/: Invalid input: /, ": ")
    .replace(/: Too (big|small): /, ": too $1: ");
}
