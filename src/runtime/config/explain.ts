/**
 * Shows a definition: as a list of values with where each comes from, and as text that reads back to the
 * same definition. Secrets are hidden in both.
 */
import { stringify } from "yaml";
import type { DefinedPipeline } from "./definition/pipeline-definition.js";
import type { PipelineFile } from "./read-pipeline-file.js";
import { type Path, type Place, pathText } from "./text/origin.js";
import { HIDDEN, isSecretName, isSecretPath, withoutUrlPasswords } from "./text/secrets.js";

export interface ExplainedValue {
  /** `stages[0].config.maxPages` */
  readonly path: string;
  /** `(hidden)` for a secret; a function or stage of code by its name. */
  readonly value: unknown;
  /** `pipeline.yaml:4`, `$QUEUE (pipeline.yaml:4)`, `default` or `code`. */
  readonly origin: string;
}

type Read = Pick<PipelineFile, "definition" | "file" | "places">;

/** Every value that is no collection, and every empty collection, in the order of the schema. */
export function explainPipeline(pipeline: Read): ExplainedValue[] {
  return leavesOf(pipeline.definition, []).map(({ path, value }) => ({
    path: pathText(path),
    value: shown(path, value, pipeline.places?.get(path)),
    origin: originOf(path, pipeline),
  }));
}

/** Where the value at `path` comes from, for people. */
export function originOf(path: Path, { file, places }: Pick<Read, "file" | "places">): string {
  if (places === undefined) return "code";
  const place = places.get(path);
  if (place === undefined) return "default";
  const line = `${file}:${place.value.line}`;
  if (place.set.length > 0) return `$${place.set.join(", $")} (${line})`;
  return place.unset.length > 0 ? `${line} ($${place.unset.join(", $")} is not set)` : line;
}

/**
 * The whole definition, defaults included, as the text of a pipeline file. It reads back to the same
 * definition, except for secrets that stand in the file as they are: those are replaced by `(hidden)`;
 * and for functions and stages of code, which have no text.
 */
export function definitionText(pipeline: Read, format: "yaml" | "json"): string {
  const plain = plainOf(pipeline.definition, [], pipeline);
  if (format === "json") return `${JSON.stringify(plain, null, 2)}\n`;
  return stringify(plain, { schema: "core", lineWidth: 0, aliasDuplicateObjects: false });
}

interface Leaf {
  readonly path: Path;
  readonly value: unknown;
}

function leavesOf(value: unknown, path: Path): Leaf[] {
  const members = membersOf(value);
  if (members === undefined || members.length === 0) return [{ path, value }];
  return members.flatMap(([key, member]) => leavesOf(member, [...path, key]));
}

/** Undefined for what is shown as one value: also a stage of code, whose members are its own. */
function membersOf(value: unknown): (readonly [string | number, unknown])[] | undefined {
  if (Array.isArray(value)) return value.map((member, index) => [index, member]);
  if (typeof value !== "object" || value === null || "process" in value) return undefined;
  return Object.entries(value).filter(([, member]) => member !== undefined);
}

function plainOf(value: unknown, path: Path, pipeline: Read): unknown {
  const members = membersOf(value);
  if (members === undefined) return written(path, value, pipeline.places?.get(path));
  const plain = members.map(([key, member]) => [key, plainOf(member, [...path, key], pipeline)]);
  if (Array.isArray(value)) return plain.map(([, member]) => member);
  return Object.fromEntries(plain) as DefinedPipeline;
}

const ONE_VARIABLE = /^\$(?:\w+|\{\w+\})$/;

/** As it must stand in a file: a secret from a variable by the variable's name, a dollar doubled. */
function written(path: Path, value: unknown, place: Place | undefined): unknown {
  const secret = shown(path, value, place);
  if (secret !== value && place?.written !== undefined && ONE_VARIABLE.test(place.written)) {
    return place.written;
  }
  return typeof secret === "string" ? secret.replaceAll("$", "$$$$") : secret;
}

function shown(path: Path, value: unknown, place: Place | undefined): unknown {
  if (typeof value === "function") return `(function ${value.name})`;
  // A stage of code.
  if (typeof value === "object" && value !== null && "process" in value) {
    return `(stage ${String(Reflect.get(value, "name"))})`;
  }
  const isLeaf = typeof value !== "object" || value === null;
  const isFromSecret = place?.set.some(isSecretName) === true;
  if (isLeaf && value !== null && (isFromSecret || isSecretPath(path, value))) return HIDDEN;
  return typeof value === "string" ? withoutUrlPasswords(value) : value;
}
