/**
 * The stage `text_splitter`: takes the `split` task and replaces rows of text by rows of chunks. The
 * cutting happens in threads; this file knows tasks and rows. Source: spec pipeline-and-stages.md 5.12.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import { newId, parseOptions, VERSION } from "../../core/index.js";
import {
  deepCopy,
  type IngestControlMessage,
  type Row,
  type RowMetadata,
} from "../../message/index.js";
import type { Stage, StageContext } from "../../pipeline/index.js";
import type { WorkerPool } from "../../workers/index.js";
import { StagesErrors } from "../errors.js";
import { type SplitConfig, SplitOptions } from "./split-options.js";
import { parseSplitParams, type SplitParams } from "./split-params.js";
import { splitTask } from "./split-task.js";
import { findTokenizer } from "./tokenizers/find-tokenizer.js";

export interface SplitStageSetup {
  /** Stands in traces and annotations. */
  readonly name?: string;
  /** Where the work happens; the stage neither starts nor closes it. */
  readonly pool: WorkerPool;
  readonly options?: SplitOptions;
}

/** Copies made in one turn of the event loop. */
const ROWS_PER_TURN = 1_000;

/**
 * Rows come out with the new ones first, then all that were not split.
 *
 * The stage fails with STAGES_SPLIT_PARAMS_INVALID, …_SPLIT_TOO_LARGE, …_TOKENIZER_UNREADABLE, with
 * STAGES_CAPABILITY_MISSING under `strictCapabilities`, with WORKERS_* when a thread could not do its
 * work, or with the signal's reason. @throws OPTIONS_INVALID
 */
export function splitStage({ name = "text_splitter", pool, options }: SplitStageSetup): Stage {
  const config = parseOptions(SplitOptions, options, name);
  return {
    name,
    version: `${VERSION} ${JSON.stringify(config)}`,
    accepts: (message) => message.hasTaskOfType("split"),
    async process(message, context) {
      const task = message.takeTask("split");
      if (task === undefined) return message;
      const params = parseSplitParams(task.properties, config);
      const note = await splitRows({ message, params, name, pool, config, context });
      if (note !== undefined) {
        message.annotate({ sourceId: name, taskId: name, taskResult: "SUCCESS", message: note });
      }
      return message;
    },
  };
}

interface Work {
  readonly message: IngestControlMessage;
  readonly params: SplitParams;
  readonly name: string;
  readonly pool: WorkerPool;
  readonly config: SplitConfig;
  readonly context: StageContext;
}

/** Replaces the message's rows and returns what its client should know. */
async function splitRows(work: Work): Promise<string | undefined> {
  const { message, params, name, pool, config, context } = work;
  const mine = message.payload.filter((row) => isEligible(row, params));
  if (mine.length === 0) return undefined;
  const { choice, note, isSubstitute } = await findTokenizer(params.tokenizer, config);
  if (isSubstitute && config.strictCapabilities) {
    throw StagesErrors.CAPABILITY_MISSING({ stage: name, missing: [note ?? ""] });
  }
  const texts = mine.map((row) => ({
    text: textOf(row),
    language: row.metadata?.text_metadata?.language ?? "unknown",
  }));
  const { maxChunks, maxTotalChars } = config;
  const { tokenizer: _, sourceTypes: __, ...rules } = params;
  const job = { texts, tokenizer: choice, rules, limits: { maxChunks, maxTotalChars } };
  const { signal } = context;
  const offsets = await pool.run(splitTask, job, { signal });
  const rows: Row[] = [];
  for (const [index, row] of mine.entries()) {
    await pushChunks(rows, row, { offsets: offsets[index] as Int32Array, signal });
  }
  const split = new Set(mine);
  for (const row of message.payload) if (!split.has(row)) rows.push(row);
  message.payload = rows;
  return note;
}

function isEligible({ documentType, metadata }: Row, { sourceTypes }: SplitParams): boolean {
  if (documentType !== "text" && documentType !== "audio") return false;
  return sourceTypes.has(metadata?.source_metadata?.source_type);
}

function textOf({ documentType, metadata }: Row): string {
  const text =
    documentType === "audio" ? metadata?.audio_metadata?.audio_transcript : metadata?.content;
  return typeof text === "string" ? text : "";
}

interface Cuts {
  readonly offsets: Int32Array;
  readonly signal: AbortSignal;
}

async function pushChunks(rows: Row[], row: Row, { offsets, signal }: Cuts): Promise<void> {
  const text = textOf(row);
  for (let at = 0; at < offsets.length; at += 2) {
    if (rows.length % ROWS_PER_TURN === ROWS_PER_TURN - 1) await nextTurn(undefined, { signal });
    rows.push(chunkRow(row, text.slice(offsets[at], offsets[at + 1])));
  }
}

/** A deep copy with the chunk in the place of the text; nothing else changes. */
function chunkRow({ documentType, metadata }: Row, chunk: string): Row {
  const copy = deepCopy(metadata) as RowMetadata;
  if (documentType === "audio" && copy.audio_metadata !== null) {
    copy.audio_metadata.audio_transcript = chunk;
  } else {
    copy.content = chunk;
  }
  return { documentType, metadata: copy, uuid: newId() };
}
