/** The stages that ship with Millrace. */

export { DedupOptions } from "./dedup/dedup-options.js";
export { imageDedup } from "./dedup/image-dedup.js";
export { EmbedOptions } from "./embed/embed-options.js";
export { embedStage } from "./embed/embed-stage.js";
export { StagesErrors } from "./errors.js";
export { type ExtractConfig, ExtractOptions } from "./extract/extract-options.js";
export type { ExtractParams } from "./extract/extract-params.js";
export {
  createExtractStages,
  type ExtractStageSetup,
  extractStage,
  IMAGE_TYPES,
  SHEET_TYPES,
} from "./extract/extract-stage.js";
export type {
  ExtractedRow,
  Extraction,
  ExtractLimits,
  Extractor,
  ExtractRequest,
} from "./extract/extractor.js";
export { imageFilter } from "./filter/image-filter.js";
export { detectLanguage } from "./language.js";
export { localStages } from "./local-stages.js";
export { metadataInjector } from "./metadata-injector.js";
export { type SplitConfig, SplitOptions } from "./split/split-options.js";
export { type SplitStageSetup, splitStage } from "./split/split-stage.js";
export { type StageConfigs, StageSettings } from "./stage-settings.js";
export { type UdfConfig, type UdfFunctions, UdfOptions, UdfSettings } from "./udf/udf-options.js";
export { withUdf } from "./udf/with-udf.js";
