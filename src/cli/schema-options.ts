/**
 * Makes a command's flags, environment variables and help from the schema of its options, so that
 * nothing is named, described or defaulted twice. Knows no command.
 *
 * Members of members become flags of their own: `brokerParams.maxQueueSize` is `--max-queue-size`
 * and `MILLRACE_MAX_QUEUE_SIZE`. Those of some groups, which other things
 * have too, keep the group's name: `metrics.port` is `--metrics-port`.
 */
import { Option } from "commander";
import type { z } from "zod";
import { KiB, MiB, shapeOf } from "../core/index.js";

export type LeafType = "number" | "boolean" | "text";

/** One option of a command. */
export interface Leaf {
  /** Where it stands in the configuration, for example `["brokerParams", "maxQueueSize"]`. */
  readonly path: readonly string[];
  /** `--max-queue-size` */
  readonly flag: string;
  /** `MILLRACE_MAX_QUEUE_SIZE` */
  readonly variable: string;
  /** There is no flag for it: others on the machine could read it there. */
  readonly isVariableOnly: boolean;
  readonly type: LeafType;
  readonly choices: readonly unknown[] | undefined;
  readonly about: string;
  readonly hasDefault: boolean;
  readonly defaultValue: unknown;
}

/** Where the house's name for an option, or its path, and the usual flag differ. */
const FLAG_NAMES: ReadonlyMap<string, string> = new Map([
  ["taskQueue", "queue"],
  ["checkpoints.dir", "checkpoint-dir"],
  ["checkpoints.maxBytes", "checkpoint-max-bytes"],
  ["checkpoints.maxAgeMs", "checkpoint-max-age-ms"],
  ["udf.policy", "udf-policy"],
]);

/** Groups whose members are called by the group's name and their own. */
const NAMING_GROUPS: ReadonlySet<string | undefined> = new Set([
  "metrics",
  "redis",
  "objects",
  "dedup",
  "split",
  "embed",
  "caption",
  "transcribe",
  "models",
  "store",
]);

/** What stands for the value in the help. */
const PLACEHOLDERS: ReadonlyMap<string, string> = new Map([
  ["config", "FILE"],
  ["broker", "URL"],
  ["out", "DIR"],
  ["taskQueue", "NAME"],
  ["host", "ADDRESS"],
  ["port", "PORT"],
  ["dataDir", "DIR"],
  ["dir", "DIR"],
  ["tokenizersDir", "DIR"],
  ["queues", "JSON"],
  ["passwordFile", "FILE"],
  ["apiKeyFile", "FILE"],
  ["url", "URL"],
  ["caFile", "FILE"],
  ["otlpEndpoint", "URL"],
  ["otlpTracesEndpoint", "URL"],
  ["otlpServiceName", "NAME"],
]);

/** What zod keeps of a schema; the part of it that is read here. */
interface Definition {
  readonly type: string;
  readonly innerType?: z.ZodType;
  readonly defaultValue?: unknown;
  readonly entries?: Readonly<Record<string, unknown>>;
  readonly options?: readonly z.ZodType[];
  readonly values?: readonly unknown[];
}

const HOUR_MS = 3_600_000;

const definitionOf = (schema: z.ZodType) => schema.def as unknown as Definition;

/** All options of a schema, in its order. Throws when two would have the same flag. */
export function leavesOf(schema: z.ZodType): Leaf[] {
  const leaves = collect(schema, []);
  const taken = new Map<string, Leaf>();
  for (const leaf of leaves) {
    const other = taken.get(leaf.flag);
    if (other !== undefined) {
      throw new TypeError(
        `${leaf.path.join(".")} and ${other.path.join(".")} are both ${leaf.flag}`,
      );
    }
    taken.set(leaf.flag, leaf);
  }
  return leaves.map((leaf) => ({ ...leaf, about: withFlags(leaf.about, leaves) }));
}

function collect(schema: z.ZodType, path: readonly string[]): Leaf[] {
  const shape = shapeOf(schema) ?? {};
  return Object.entries(shape).flatMap(([key, member]) => {
    const memberPath = [...path, key];
    return shapeOf(member) === undefined
      ? [leafOf(member, memberPath)]
      : collect(member, memberPath);
  });
}

function leafOf(schema: z.ZodType, path: readonly string[]): Leaf {
  const key = path.at(-1) as string;
  const usual = FLAG_NAMES.get(key) ?? FLAG_NAMES.get(path.slice(-2).join("."));
  const prefix = NAMING_GROUPS.has(path.at(-2)) ? `${path.at(-2)}-` : "";
  const own = usual ?? key.replaceAll(/[A-Z]/g, (c) => `-${c.toLowerCase()}`);
  const name = `${prefix}${own}`;
  let inner = schema;
  let about: string | undefined;
  let isVariableOnly = false;
  let withDefault: Definition | undefined;
  for (;;) {
    about ??= inner.description;
    isVariableOnly ||= inner.meta()?.isVariableOnly === true;
    const definition = definitionOf(inner);
    if (definition.type === "default" || definition.type === "prefault") withDefault ??= definition;
    if (definition.innerType === undefined) break;
    inner = definition.innerType;
  }
  const choices = choicesOf(definitionOf(inner));
  return {
    path,
    flag: `--${name}`,
    variable: `MILLRACE_${name.replaceAll("-", "_").toUpperCase()}`,
    isVariableOnly,
    type: typeOf(definitionOf(inner), choices),
    choices,
    about: about ?? "",
    hasDefault: withDefault !== undefined,
    defaultValue: withDefault?.defaultValue,
  };
}

function choicesOf({ type, entries, options, values }: Definition): unknown[] | undefined {
  if (type === "enum") return Object.values(entries ?? {});
  if (type === "literal") return [...(values ?? [])];
  if (type !== "union") return undefined;
  const each = (options ?? []).map((option) => choicesOf(definitionOf(option)));
  return each.every((choice) => choice !== undefined) ? each.flat() : undefined;
}

function typeOf({ type }: Definition, choices: readonly unknown[] | undefined): LeafType {
  if (type === "boolean") return "boolean";
  const isNumber = type === "number" || choices?.every((choice) => typeof choice === "number");
  return isNumber === true ? "number" : "text";
}

/** Descriptions name other options as programs write them; on the command line they are flags. */
function withFlags(about: string, leaves: readonly Leaf[]): string {
  return about.replaceAll(/\b(?:[a-z]+\.)?[a-z]+(?:[A-Z][a-z]+)+\b/g, (word) => {
    const leaf = leaves.find(({ path }) => [path.at(-1), path.join(".")].includes(word));
    return (leaf?.isVariableOnly ? leaf.variable : leaf?.flag) ?? word;
  });
}

/**
 * Commander's options for a leaf, none where only a variable may set it. A boolean has its hidden
 * opposite too, to undo a variable.
 */
export function commanderOptions(leaf: Leaf): Option[] {
  if (leaf.isVariableOnly) return [];
  const about = `${leaf.about.replace(/\.$/, "")}${suffixOf(leaf)}`;
  if (leaf.type === "boolean") {
    const isOn = leaf.defaultValue === true;
    const off = leaf.flag.replace("--", "--no-");
    const yes = new Option(leaf.flag, about);
    const no = new Option(off, about);
    return [isOn ? yes.hideHelp() : yes, isOn ? no : no.hideHelp()];
  }
  const key = leaf.path.at(-1) as string;
  const placeholder = PLACEHOLDERS.get(key) ?? (leaf.type === "number" ? "N" : "WORD");
  return [new Option(`${leaf.flag} <${placeholder}>`, about)];
}

function suffixOf({ type, choices, hasDefault, defaultValue, path }: Leaf): string {
  const parts = choices === undefined ? [] : [choices.join(", ")];
  if (hasDefault && type !== "boolean") {
    parts.push(`default: ${readable(path.at(-1) as string, defaultValue)}`);
  }
  return parts.length === 0 ? "" : ` (${parts.join("; ")})`;
}

function readable(key: string, value: unknown): string {
  if (typeof value === "object") return JSON.stringify(value);
  if (key.endsWith("Ms") && typeof value === "number" && value > HOUR_MS) {
    return value % HOUR_MS === 0 ? `${value}, ${value / HOUR_MS} hours` : `${value}`;
  }
  if (!key.includes("Bytes") || typeof value !== "number" || value < 10 * KiB) return String(value);
  return value % MiB === 0 ? `${value}, ${value / MiB} MiB` : `${value}`;
}
