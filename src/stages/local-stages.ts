/** The stages that run without any model or service, in the order of upstream's pipeline. */
import type { Stage } from "../pipeline/index.js";
import type { WorkerPool } from "../workers/index.js";
import { imageDedup } from "./dedup/image-dedup.js";
import type { EmbedOptions } from "./embed/embed-options.js";
import { embedStage } from "./embed/embed-stage.js";
import type { ExtractOptions } from "./extract/extract-options.js";
import { createExtractStages } from "./extract/extract-stage.js";
import { imageFilter } from "./filter/image-filter.js";
import { metadataInjector } from "./metadata-injector.js";
import type { SplitOptions } from "./split/split-options.js";
import { splitStage } from "./split/split-stage.js";

/**
 * metadata_injector, pdf_extractor, docx_extractor, pptx_extractor, html_extractor, image_extractor,
 * sheet_extractor, epub_extractor, eml_extractor, image_filter, image_dedup, text_splitter, text_embedder.
 *
 * The pool stays the caller's: close it after the pipeline has stopped. @throws OPTIONS_INVALID
 */
export function localStages(
  pool: WorkerPool,
  options: ExtractOptions = {},
  split: SplitOptions = {},
  embed: EmbedOptions = {},
): Stage[] {
  return [
    metadataInjector(),
    ...createExtractStages(pool, options),
    imageFilter(),
    imageDedup(),
    splitStage({ pool, options: split }),
    embedStage({ options: embed }),
  ];
}
