/**
 * The text by which a row is found again, by the kind of its content. Source: spec
 * pipeline-and-stages.md 5.14.
 */
import type { Row } from "../../message/index.js";

export const EMBEDDED_KINDS = ["text", "structured", "image", "audio"] as const;
export type EmbeddedKind = (typeof EMBEDDED_KINDS)[number];

export function kindOf({ metadata }: Row): EmbeddedKind | undefined {
  const type = metadata?.content_metadata?.type;
  return EMBEDDED_KINDS.find((kind) => kind === type);
}

/** `""` where a row has no text. */
export function textOf(row: Row, kind: EmbeddedKind): string {
  const { metadata } = row;
  switch (kind) {
    case "text":
      return metadata?.content ?? "";
    case "structured":
      return metadata?.table_metadata?.table_content ?? "";
    case "image": {
      const isPage = metadata?.content_metadata?.subtype === "page_image";
      return (isPage ? metadata?.image_metadata?.text : metadata?.image_metadata?.caption) ?? "";
    }
    case "audio":
      return metadata?.audio_metadata?.audio_transcript ?? "";
  }
}
