/** The first stage: gives each row the metadata that all later stages count on. */
import { injectMetadata } from "../message/index.js";
import type { Stage } from "../pipeline/index.js";

/**
 * The stage `metadata_injector`. Rows that have metadata already stay as they are.
 *
 * It fails a job with MESSAGE_DOCUMENT_TYPE_UNSUPPORTED when a row is of a type that has no place
 * in results. Source: spec pipeline-and-stages.md 5.1.
 */
export function metadataInjector(): Stage {
  return {
    name: "metadata_injector",
    process(message) {
      message.payload = message.payload.map(injectMetadata);
      return message;
    },
  };
}
