/**
 * What a checkpoint is found by: the content of a message, and everything that worked on it. Whatever
 * names the job or its time is left out, so the same content in another job has the same keys.
 */
import { createHash, type Hash } from "node:crypto";
import { VERSION } from "../../core/index.js";
import {
  ANNOTATION_PREFIX,
  type IngestControlMessage,
  TRACE_TAGGING,
} from "../../message/index.js";
import type { CheckpointedStage } from "../checkpoints.js";
import { FORMAT } from "./value-format.js";
import { ValueWriter } from "./value-writer.js";

/** Metadata of a message that is its job's own: no part of a key, and not kept either. */
const OF_THE_JOB: ReadonlySet<string> = new Set([
  "job_id",
  "response_channel",
  "timestamp",
  "trace_id",
  TRACE_TAGGING,
]);

export function isOfTheJob(metadataKey: string): boolean {
  return OF_THE_JOB.has(metadataKey);
}

/**
 * The SHA-256 of rows, tasks, configuration and the metadata that a source gave, as hexadecimal text.
 * Undefined when something in them is no plain data (see `ValueWriter.write`).
 */
export function digestOfContent(message: IngestControlMessage): string | undefined {
  const tasks = message.getTasks().map(({ type, properties }) => [type, properties]);
  const metadata: Record<string, unknown> = Object.create(null);
  for (const [key, value] of message.metadataEntries()) {
    if (!isOfTheJob(key) && !key.startsWith(ANNOTATION_PREFIX)) metadata[key] = value;
  }
  return digestOf([message.payload, tasks, message.config(), metadata]);
}

/**
 * For each stage a digest of itself and of all before it, of their names, versions and options, in
 * this order, and of this version of Millrace. Undefined from the first stage on whose options are no
 * plain data: what stands behind it cannot be told from what another made.
 */
export function digestsOfStages(stages: readonly CheckpointedStage[]): (string | undefined)[] {
  let before = digestOf([FORMAT, VERSION]);
  return stages.map(({ stage, config }) => {
    before = before && digestOf([before, stage.name, stage.version, config]);
    return before;
  });
}

/** The key of what the last of these stages makes of this content. */
export function keyOf(contentDigest: string, stagesDigest: string): string {
  return createHash("sha256").update(contentDigest).update(stagesDigest).digest("hex");
}

function digestOf(value: unknown): string | undefined {
  const hash = createHash("sha256");
  const writer = new ValueWriter(sinkOf(hash), { sortMembers: true });
  if (!writer.write(value)) return undefined;
  writer.end();
  return hash.digest("hex");
}

function sinkOf(hash: Hash) {
  return {
    takeBytes: (bytes: Uint8Array) => void hash.update(bytes),
    takeText: (text: string) => void hash.update(text, "utf8"),
  };
}
