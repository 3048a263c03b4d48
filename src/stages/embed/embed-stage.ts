/**
 * The stage `text_embedder`: takes the `embed` task and gives each row the vector of its text, as a
 * model at an OpenAI-like `/embeddings` endpoint makes it. Source: spec pipeline-and-stages.md 5.14.
 */
import { linkSignals, messageOf, parseOptions, VERSION } from "../../core/index.js";
import type { IngestControlMessage, Row } from "../../message/index.js";
import type { Stage } from "../../pipeline/index.js";
import { type CallContext, EndpointClient } from "../endpoint/endpoint-client.js";
import { StagesErrors } from "../errors.js";
import { type EmbedConfig, EmbedOptions } from "./embed-options.js";
import { EMBEDDED_KINDS, type EmbeddedKind, kindOf, textOf } from "./row-texts.js";

export interface EmbedStageSetup {
  /** Stands in traces and annotations. */
  readonly name?: string;
  readonly options?: EmbedOptions;
}

/**
 * Rows without text keep `embedding: null`. With `filter_errors` a row whose text the model does not
 * take stays, with `error_metadata`; else the job fails. Addresses and keys of a task are not used: a
 * client does not say where the operator's server connects to.
 *
 * The stage fails with STAGES_ENDPOINT_* or CIRCUIT_OPEN, with STAGES_CAPABILITY_MISSING under
 * `strictCapabilities`, or with the signal's reason. @throws OPTIONS_INVALID, STAGES_API_KEY_UNREADABLE
 */
export function embedStage({ name = "text_embedder", options }: EmbedStageSetup = {}): Stage {
  const config = parseOptions(EmbedOptions, options, name);
  const client =
    config.url === undefined ? undefined : new EndpointClient({ ...config, url: config.url });
  const { apiKey: _, apiKeyFile: __, ...known } = config;
  return {
    name,
    version: `${VERSION} ${JSON.stringify(known)}`,
    accepts: (message) => message.hasTaskOfType("embed"),
    async process(message, context) {
      const task = message.takeTask("embed");
      if (task === undefined) return message;
      const notes = undoneNotes(task.properties, client === undefined);
      if (notes.length > 0 && config.strictCapabilities) {
        throw StagesErrors.CAPABILITY_MISSING({ stage: name, missing: notes });
      }
      if (client !== undefined) {
        await embedRows({ message, properties: task.properties, config, client, context });
      }
      for (const note of notes) {
        const text = `skipped: ${note}`;
        message.annotate({ sourceId: name, taskId: name, taskResult: "SUCCESS", message: text });
      }
      return message;
    },
  };
}

type Properties = Readonly<Record<string, unknown>>;

interface Work {
  readonly message: IngestControlMessage;
  readonly properties: Properties;
  readonly config: EmbedConfig;
  readonly client: EndpointClient;
  readonly context: CallContext;
}

interface RowText {
  readonly row: Row;
  readonly text: string;
}

async function embedRows(work: Work): Promise<void> {
  const { message, config } = work;
  const texts = message.payload.flatMap((row) => textsOf(row, work.properties));
  const batches: RowText[][] = [];
  for (let at = 0; at < texts.length; at += config.batchSize) {
    batches.push(texts.slice(at, at + config.batchSize));
  }
  await untilOneFails(work.context, (context) =>
    batches.map((batch) => embedBatch(batch, { ...work, context })),
  );
  if (config.legacyRowOrder) message.payload = regrouped(message.payload);
}

/**
 * Waits for all calls, of which the client bounds how many are under way. The first failure ends those
 * that wait, so that a wrong key is not tried once for each batch, and is thrown when all have ended.
 */
async function untilOneFails(
  { signal: outer, logger, circuit }: CallContext,
  start: (context: CallContext) => Promise<void>[],
): Promise<void> {
  const failure = new AbortController();
  const { signal, unlink } = linkSignals(outer, failure.signal);
  try {
    const calls = start({ signal, logger, circuit });
    for (const call of calls) call.catch((error: unknown) => failure.abort(error));
    await Promise.allSettled(calls);
    outer.throwIfAborted();
    failure.signal.throwIfAborted();
  } finally {
    unlink();
  }
}

/** A batch that the model refuses is asked again text by text where single texts may fail. */
async function embedBatch(batch: readonly RowText[], work: Work): Promise<void> {
  try {
    const vectors = await vectorsOf(batch, work);
    for (const [index, { row }] of batch.entries()) {
      keep(row, vectors[index] as number[], work.properties);
    }
  } catch (error) {
    work.context.signal.throwIfAborted();
    const [only] = batch;
    if (work.properties.filter_errors !== true || only === undefined) throw error;
    if (batch.length > 1) {
      for (const one of batch) await embedBatch([one], work);
      return;
    }
    const { metadata } = only.row;
    if (metadata === undefined) throw error;
    const error_msg = messageOf(error);
    metadata.error_metadata = {
      task: "embed",
      status: "error",
      source_id: "",
      error_msg,
      custom_content: null,
    };
  }
}

async function vectorsOf(batch: readonly RowText[], work: Work): Promise<number[][]> {
  const { client, config, context, properties } = work;
  const { model_name: model, dimensions } = properties;
  const body = {
    model: typeof model === "string" && model !== "" ? model : config.model,
    input: batch.map(({ text }) => text),
    encoding_format: "float",
    ...(config.sendInputType && { input_type: "passage", truncate: "END" }),
    ...(typeof dimensions === "number" && { dimensions }),
  };
  const answer = await client.post("/embeddings", body, context);
  const vectors = readVectors(answer, batch.length);
  if (vectors !== undefined) return vectors;
  const reason = `it has no list "data" of ${batch.length} vectors of one length`;
  throw StagesErrors.ENDPOINT_ANSWER_INVALID({ endpoint: client.endpoint, reason });
}

/** In the order of the texts, which `index` tells; undefined where anything is missing. */
function readVectors(answer: unknown, count: number): number[][] | undefined {
  const { data } = Object(answer) as { data?: unknown };
  if (!Array.isArray(data) || data.length !== count) return undefined;
  const vectors: number[][] = [];
  for (const [place, each] of data.entries()) {
    const { index = place, embedding } = Object(each) as { index?: unknown; embedding?: unknown };
    if (!isVector(embedding)) return undefined;
    if (typeof index !== "number" || vectors[index] !== undefined) return undefined;
    vectors[index] = embedding;
  }
  // An index that is none, or is left out, leaves a hole.
  const lengths = new Set(Array.from({ length: count }, (_, index) => vectors[index]?.length));
  return lengths.size === 1 && !lengths.has(undefined) ? vectors : undefined;
}

function isVector(value: unknown): value is number[] {
  return Array.isArray(value) && value.length > 0 && value.every((each) => Number.isFinite(each));
}

/** What of a row is asked for; nothing where its kind is switched off or it has no text. */
function textsOf(row: Row, properties: Properties): RowText[] {
  const field = properties.custom_content_field;
  if (typeof field === "string" && field !== "") {
    const text = row.metadata?.custom_content?.[field];
    return typeof text === "string" && text.trim() !== "" ? [{ row, text }] : [];
  }
  const kind = kindOf(row);
  if (kind === undefined || properties[`embed_${kind}_elements`] === false) return [];
  const text = textOf(row, kind);
  return text.trim() === "" ? [] : [{ row, text }];
}

function keep({ metadata }: Row, vector: number[], properties: Properties): void {
  if (metadata === undefined) return;
  const { custom_content_field: field, result_target_field: target } = properties;
  if (typeof field !== "string" || field === "") {
    metadata.embedding = vector;
    return;
  }
  const name = typeof target === "string" && target !== "" ? target : `${field}_embedding`;
  metadata.custom_content = { ...metadata.custom_content, [name]: vector };
}

function undoneNotes(properties: Properties, isWithoutModel: boolean): string[] {
  if (isWithoutModel)
    return ["rows have no embedding, no model is configured for them (embed.url)"];
  const notes: string[] = [];
  const modalities = EMBEDDED_KINDS.filter((kind) => {
    const modality = properties[`${kind}_elements_modality`];
    return typeof modality === "string" && modality !== "text";
  });
  if (modalities.length > 0) {
    notes.push(`${modalities.join(", ")} rows are embedded by their text alone`);
  }
  if (properties.image_elements_aggregate_page_content === true) {
    notes.push("the content of pages is not joined before it is embedded");
  }
  if (typeof properties.endpoint_url === "string" && properties.endpoint_url !== "") {
    notes.push("the task's endpoint_url, the operator's is used");
  }
  return notes;
}

function regrouped(rows: readonly Row[]): Row[] {
  const rank = (row: Row) => {
    const kind: EmbeddedKind | undefined = kindOf(row);
    return kind === undefined ? EMBEDDED_KINDS.length : EMBEDDED_KINDS.indexOf(kind);
  };
  return [...rows].sort((a, b) => rank(a) - rank(b));
}
