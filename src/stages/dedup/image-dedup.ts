/**
 * Leaves out images that are there already: the same bytes, the place of a table or chart, and, where
 * the operator wants it, the same look. Source: spec pipeline-and-stages.md 5.11.
 */
import { createHash } from "node:crypto";
import { parseOptions } from "../../core/index.js";
import type { Row } from "../../message/index.js";
import type { Stage, StageContext } from "../../pipeline/index.js";
import { boxOf, intersectionOverUnion } from "./bounding-boxes.js";
import { DedupOptions } from "./dedup-options.js";
import { bitsApart, perceptualHash } from "./perceptual-hash.js";

const STAGE_NAME = "image_dedup";

/**
 * The stage `image_dedup`: takes the `dedup` task. Of equal images the first stays. With
 * `params.enable_bbox_dedup` an image that covers a structured row of its page goes too, or the
 * structured row when `params.bbox_dedup_prefer_structured` is false.
 *
 * @throws OPTIONS_INVALID
 */
export function imageDedup(options: DedupOptions = {}): Stage {
  const config = parseOptions(DedupOptions, options, STAGE_NAME);
  const { perceptualDistance, legacyRowOrder } = config;
  return {
    name: STAGE_NAME,
    version: JSON.stringify(config),
    accepts: (message) => message.hasTaskOfType("dedup"),
    async process(message, context) {
      const task = message.takeTask("dedup");
      if (task === undefined) return message;
      const params = task.properties.params as Record<string, unknown>;
      let rows = withoutEqual(message.payload);
      if (params.enable_bbox_dedup !== false) rows = withoutOverlapping(rows, params);
      if (perceptualDistance !== undefined) {
        rows = await withoutLookalikes(rows, perceptualDistance, context);
      }
      if (legacyRowOrder) rows = [...rows.filter(isImage), ...rows.filter((row) => !isImage(row))];
      message.payload = rows;
      return message;
    },
  };
}

const isImage = (row: Row) => row.documentType === "image";

function withoutEqual(rows: readonly Row[]): Row[] {
  const seen = new Set<string>();
  return rows.filter((row) => {
    if (!isImage(row)) return true;
    const hash = createHash("md5")
      .update(row.metadata?.content ?? "")
      .digest("hex");
    if (seen.has(hash)) return false;
    seen.add(hash);
    return true;
  });
}

function withoutOverlapping(rows: readonly Row[], params: Record<string, unknown>): Row[] {
  const { iou_threshold: threshold, bbox_dedup_prefer_structured: preferStructured } = params;
  const least = typeof threshold === "number" ? threshold : 0.45;
  const pages = new Map<string, Row[]>();
  for (const row of rows) {
    const onPage = pages.get(pageOf(row));
    if (onPage === undefined) pages.set(pageOf(row), [row]);
    else onPage.push(row);
  }
  const gone = new Set<Row>();
  for (const onPage of pages.values()) {
    const structured = onPage.filter((row) => row.documentType === "structured");
    for (const image of onPage.filter(isImage)) {
      for (const other of structured) {
        const [one, two] = [boxOf(image), boxOf(other)];
        if (one === undefined || two === undefined) continue;
        if (intersectionOverUnion(one, two) < least) continue;
        gone.add(preferStructured === false ? other : image);
      }
    }
  }
  return rows.filter((row) => !gone.has(row));
}

function pageOf({ metadata }: Row): string {
  return JSON.stringify([
    metadata?.source_metadata?.source_id,
    metadata?.content_metadata?.page_number,
  ]);
}

/** An image that cannot be read looks like no other. */
async function withoutLookalikes(
  rows: readonly Row[],
  maxApart: number,
  { signal }: StageContext,
): Promise<Row[]> {
  const kept: Row[] = [];
  const hashes: bigint[] = [];
  for (const row of rows) {
    signal.throwIfAborted();
    if (isImage(row)) {
      const hash = await perceptualHash(Buffer.from(row.metadata?.content ?? "", "base64"));
      if (hash !== undefined) {
        if (hashes.some((other) => bitsApart(hash, other) <= maxApart)) continue;
        hashes.push(hash);
      }
    }
    kept.push(row);
  }
  return kept;
}
