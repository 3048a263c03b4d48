/**
 * What a client asks of the splitter: the properties of its `split` task, read leniently, but for
 * sizes that make no sense: they fail before any work, for every answer to them would surprise.
 * Source: spec job-and-control-message.md A6.
 */
import { quote } from "../../core/index.js";
import { StagesErrors } from "../errors.js";
import { SPLIT_UNITS, type SplitConfig, type SplitUnit } from "./split-options.js";

const CHUNK_SIZE_DEFAULT = 1024;
const CHUNK_OVERLAP_DEFAULT = 150;

export interface SplitParams {
  /** The most tokens in a chunk. */
  readonly chunkSize: number;
  /** Tokens that neighbours share; less than `chunkSize`. */
  readonly chunkOverlap: number;
  /** The tokenizer that the task names. */
  readonly tokenizer: string | undefined;
  /** Rows of these values of `source_metadata.source_type` are split. */
  readonly sourceTypes: ReadonlySet<unknown>;
  readonly by: SplitUnit;
  readonly legacySplit: boolean;
  readonly dropContainedTail: boolean;
}

type Properties = Readonly<Record<string, unknown>>;

/** @throws STAGES_SPLIT_PARAMS_INVALID */
export function parseSplitParams(properties: Properties, config: SplitConfig): SplitParams {
  const params = isObject(properties.params) ? properties.params : {};
  const chunkSize = wholeNumber(properties, "chunk_size", 1) ?? CHUNK_SIZE_DEFAULT;
  const chunkOverlap = wholeNumber(properties, "chunk_overlap", 0) ?? defaultOverlap(chunkSize);
  if (chunkOverlap >= chunkSize) {
    const reason = `chunk_overlap must be smaller than chunk_size (${chunkOverlap} is not below ${chunkSize})`;
    throw StagesErrors.SPLIT_PARAMS_INVALID({ reason });
  }
  const { tokenizer } = properties;
  return {
    chunkSize,
    chunkOverlap,
    tokenizer: typeof tokenizer === "string" && tokenizer !== "" ? tokenizer : undefined,
    sourceTypes: sourceTypesOf(params.split_source_types),
    by: unitOf(params.by) ?? config.by,
    legacySplit: flagOf(params.legacy_split) ?? config.legacySplit,
    dropContainedTail: flagOf(params.drop_contained_tail) ?? config.dropContainedTail,
  };
}

/** As for tasks that come over the wire: smaller than the chunk in any case. */
function defaultOverlap(chunkSize: number): number {
  return chunkSize > CHUNK_OVERLAP_DEFAULT ? CHUNK_OVERLAP_DEFAULT : Math.floor(chunkSize / 4);
}

function isObject(value: unknown): value is Properties {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Also as a text of digits; undefined when it is not given. */
function wholeNumber(properties: Properties, name: string, least: number): number | undefined {
  const given = properties[name];
  if (given === undefined || given === null) return undefined;
  const number = typeof given === "string" && given.trim() !== "" ? Number(given) : given;
  if (typeof number !== "number" || !Number.isSafeInteger(number) || number < least) {
    const reason = `${name} must be a whole number of at least ${least}, and is ${quote(String(given))}`;
    throw StagesErrors.SPLIT_PARAMS_INVALID({ reason });
  }
  return number;
}

function sourceTypesOf(given: unknown): ReadonlySet<unknown> {
  if (typeof given === "string") return new Set([given]);
  return new Set(Array.isArray(given) ? given : ["text"]);
}

function unitOf(given: unknown): SplitUnit | undefined {
  return SPLIT_UNITS.find((unit) => unit === given);
}

function flagOf(given: unknown): boolean | undefined {
  return typeof given === "boolean" ? given : undefined;
}
