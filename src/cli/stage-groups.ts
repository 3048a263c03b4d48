/** How the help groups the options of threads and built-in stages, the same in all commands. */

/** Members of the options of checkpoints. */
export const CHECKPOINT_OPTIONS = ["dir", "maxBytes", "maxAgeMs"];

/** A member for each family of stages. */
export const STAGE_GROUPS = {
  "Extraction:": [
    "maxThreads",
    "maxHeapMb",
    "maxPages",
    "maxPdfMemoryMb",
    "pageNumberBase",
    "strictCapabilities",
  ],
  "Duplicates:": ["perceptualDistance", "legacyRowOrder"],
  "Splitting:": [
    "split.by",
    "split.tokenizer",
    "split.tokenizersDir",
    "split.legacySplit",
    "split.dropContainedTail",
    "split.maxChunks",
    "split.maxTotalChars",
    "split.strictCapabilities",
  ],
  "Embedding:": [
    "embed.url",
    "embed.model",
    "embed.apiKey",
    "embed.apiKeyFile",
    "embed.timeoutMs",
    "embed.maxAttempts",
    "embed.concurrency",
    "embed.maxResponseBytes",
    "embed.batchSize",
    "embed.sendInputType",
    "embed.legacyRowOrder",
    "embed.strictCapabilities",
  ],
};
