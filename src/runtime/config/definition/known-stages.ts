/** The stages that ship with Millrace: what a pipeline file may name without a file or a package. */
import { z } from "zod";
import type { Logger } from "../../../core/index.js";
import type { Stage } from "../../../pipeline/index.js";
import {
  DedupOptions,
  EmbedOptions,
  ExtractOptions,
  embedStage,
  extractStage,
  IMAGE_TYPES,
  imageDedup,
  imageFilter,
  metadataInjector,
  SHEET_TYPES,
  SplitOptions,
  type StageConfigs,
  splitStage,
} from "../../../stages/index.js";
import type { WorkerPool } from "../../../workers/index.js";

/** What a built-in stage may use. */
export interface KnownStageSetup {
  readonly name: string;
  readonly config: Readonly<Record<string, unknown>>;
  /** What the pipeline says of all built-in stages; the stage's own `config` wins. */
  readonly settings: StageConfigs;
  readonly logger: Logger;
  readonly pool: WorkerPool;
}

export interface KnownStage {
  /** One sentence for `millrace plugins`. */
  readonly about: string;
  readonly options: z.ZodObject;
  /** Whether what it made is worth a checkpoint. */
  readonly isCostly: boolean;
  create(setup: KnownStageSetup): Stage;
}

function extractor(documentTypes: string | readonly string[], format: string): KnownStage {
  return {
    about: `Extracts what the job asks for from ${format}, in threads.`,
    options: ExtractOptions,
    isCostly: true,
    create: ({ name, config, settings, pool }) =>
      extractStage({
        name,
        documentTypes: [documentTypes].flat(),
        pool,
        options: { ...settings.extract, ...config },
      }),
  };
}

/** In the order of upstream's pipeline. */
export const KNOWN_STAGES: ReadonlyMap<string, KnownStage> = new Map([
  [
    "metadata_injector",
    {
      about: "Gives each row the metadata that all later stages count on.",
      options: z.strictObject({}),
      isCostly: false,
      create: ({ name }) => ({ ...metadataInjector(), name }),
    },
  ],
  ["pdf_extractor", extractor("pdf", "PDF documents")],
  ["docx_extractor", extractor("docx", "DOCX documents")],
  ["pptx_extractor", extractor("pptx", "PPTX slides")],
  ["html_extractor", extractor("html", "HTML pages")],
  ["image_extractor", extractor(IMAGE_TYPES, "pictures")],
  ["sheet_extractor", extractor(SHEET_TYPES, "CSV files and XLSX workbooks")],
  ["epub_extractor", extractor("epub", "EPUB books")],
  ["eml_extractor", extractor("eml", "mails and their attachments")],
  [
    "image_filter",
    {
      about: "Leaves out images that are too small or too long to say anything.",
      options: z.strictObject({}),
      isCostly: false,
      create: ({ name }) => ({ ...imageFilter(), name }),
    },
  ],
  [
    "image_dedup",
    {
      about: "Leaves out images that are there already.",
      options: DedupOptions,
      isCostly: false,
      create: ({ name, config, settings }) => ({
        ...imageDedup({ ...settings.dedup, ...config }),
        name,
      }),
    },
  ],
  [
    "text_splitter",
    {
      about: "Cuts texts into chunks of tokens, sentences or Markdown sections, in threads.",
      options: SplitOptions,
      isCostly: false,
      create: ({ name, config, settings, pool }) =>
        splitStage({ name, pool, options: { ...settings.split, ...config } }),
    },
  ],
  [
    "text_embedder",
    {
      about: "Gives rows the vectors of their texts, by a model behind an HTTP endpoint.",
      options: EmbedOptions,
      isCostly: true,
      create: ({ name, config, settings }) =>
        embedStage({ name, options: { ...settings.embed, ...config } }),
    },
  ],
]);

/** What a pipeline runs that names no stages. */
export const LOCAL_STAGES: readonly string[] = [...KNOWN_STAGES.keys()];
