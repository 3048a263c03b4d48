/**
 * What a client asks of an extractor: `params` of its `extract` task, read leniently.
 *
 * Clients of many versions send these, so a member that is missing or has a wrong type gets its
 * default and an unknown member is passed over. The wire's snake_case ends here.
 * Source: spec job-and-control-message.md A7; pipeline-and-stages.md 5.2 for the text depth.
 */
import { z } from "zod";

/** A flag, also as the text or the number that some clients write. */
const flag = (fallback: boolean) =>
  z
    .preprocess((value) => {
      if (typeof value === "string") return TRUE_OR_FALSE.get(value.trim().toLowerCase());
      return typeof value === "number" ? value !== 0 : value;
    }, z.boolean())
    .catch(fallback);

const TRUE_OR_FALSE = new Map([
  ["true", true],
  ["1", true],
  ["false", false],
  ["0", false],
]);

const word = (fallback: string) => z.string().catch(fallback);

const WireParams = z.object({
  extract_text: flag(true),
  extract_images: flag(false),
  extract_tables: flag(false),
  extract_charts: flag(false),
  extract_infographics: flag(false),
  extract_page_as_image: flag(false),
  extract_images_method: word("group"),
  extract_tables_method: word("yolox"),
  text_depth: word("page"),
  table_output_format: word("markdown"),
});

const TEXT_DEPTHS = ["document", "page", "block", "line", "span"] as const;

/** An extractor that has no such depth takes the whole document, which loses nothing. */
export type TextDepth = (typeof TEXT_DEPTHS)[number];

export interface ExtractParams {
  readonly extractText: boolean;
  readonly extractImages: boolean;
  readonly extractTables: boolean;
  readonly extractCharts: boolean;
  readonly extractInfographics: boolean;
  readonly extractPageAsImage: boolean;
  readonly extractImagesMethod: string;
  readonly extractTablesMethod: string;
  /** How finely text is cut into rows. */
  readonly textDepth: TextDepth;
  readonly tableOutputFormat: string;
}

/** Reads `params` of an `extract` task. Total: whatever comes, complete parameters go. */
export function parseExtractParams(input: unknown): ExtractParams {
  const given = typeof input === "object" && input !== null && !Array.isArray(input) ? input : {};
  const wire = WireParams.parse(given);
  return {
    extractText: wire.extract_text,
    extractImages: wire.extract_images,
    extractTables: wire.extract_tables,
    extractCharts: wire.extract_charts,
    extractInfographics: wire.extract_infographics,
    extractPageAsImage: wire.extract_page_as_image,
    extractImagesMethod: wire.extract_images_method,
    extractTablesMethod: wire.extract_tables_method,
    textDepth: textDepthOf(wire.text_depth),
    tableOutputFormat: wire.table_output_format,
  };
}

function textDepthOf(word: string): TextDepth {
  const depth = word.trim().toLowerCase();
  return TEXT_DEPTHS.find((known) => known === depth) ?? "document";
}
