/** The phases that stages belong to, under the names of nv-ingest's default pipeline. */
import { PIPELINE_PHASES } from "../../message/index.js";

const { PRE_PROCESSING, EXTRACTION, MUTATION, TRANSFORM, RESPONSE, TELEMETRY, DRAIN } =
  PIPELINE_PHASES;

const PHASES: ReadonlyMap<string, number> = new Map([
  ["metadata_injector", PRE_PROCESSING],
  ["pdf_extractor", EXTRACTION],
  ["audio_extractor", EXTRACTION],
  ["docx_extractor", EXTRACTION],
  ["pptx_extractor", EXTRACTION],
  ["image_extractor", EXTRACTION],
  ["html_extractor", EXTRACTION],
  ["infographic_extractor", EXTRACTION],
  ["ocr_extractor", EXTRACTION],
  ["table_extractor", EXTRACTION],
  ["chart_extractor", EXTRACTION],
  ["image_filter", MUTATION],
  ["image_dedup", MUTATION],
  ["text_splitter", MUTATION],
  ["image_caption", TRANSFORM],
  ["text_embedder", TRANSFORM],
  ["image_storage", RESPONSE],
  ["embedding_storage", RESPONSE],
  ["broker_response", RESPONSE],
  ["otel_tracer", TELEMETRY],
  ["default_drain", DRAIN],
]);

/** The phase of each stage, in their order. One that nobody knows is in that of the stage before it. */
export function phasesOf(
  stages: readonly string[],
  given: Readonly<Record<string, number>>,
): number[] {
  const known = new Map([...PHASES, ...Object.entries(given)]);
  let phase: number = PRE_PROCESSING;
  return stages.map((stage) => {
    phase = known.get(stage) ?? phase;
    return phase;
  });
}
