/**
 * Leaves out images that are too small or too long to say anything.
 * Source: spec pipeline-and-stages.md 5.10.
 */
import { completeRowMetadata, type Row } from "../../message/index.js";
import type { Stage } from "../../pipeline/index.js";
import { StagesErrors } from "../errors.js";

const STAGE_NAME = "image_filter";
const HEIGHT_MIN = 1e-9;

interface Bounds {
  /** Of the mean of width and height, in pixels. */
  readonly minSize: number;
  /** Of width to height. */
  readonly minRatio: number;
  readonly maxRatio: number;
}

/**
 * The stage `image_filter`: takes the `filter` task. With `params.filter` the images that are out of
 * bounds go; without it they stay as rows of type `info_message`, which later stages pass over.
 *
 * The stage fails with STAGES_FILTER_INVALID when the bounds contradict each other.
 */
export function imageFilter(): Stage {
  return {
    name: STAGE_NAME,
    accepts: (message) => message.hasTaskOfType("filter"),
    process(message) {
      const task = message.takeTask("filter");
      if (task === undefined) return message;
      const params = task.properties.params as Record<string, unknown>;
      const bounds = boundsOf(params);
      const isOut = (row: Row) => row.documentType === "image" && !isWithin(row, bounds);
      message.payload =
        params.filter === true
          ? message.payload.filter((row) => !isOut(row))
          : message.payload.map((row) => (isOut(row) ? marked(row) : row));
      return message;
    },
  };
}

/** Text and missing members were read and filled in with the job. */
function boundsOf(params: Record<string, unknown>): Bounds {
  const [minSize, minRatio, maxRatio] = ["min_size", "min_aspect_ratio", "max_aspect_ratio"].map(
    (name) => {
      const value = params[name];
      if (typeof value === "number" && !Number.isNaN(value)) return value;
      throw StagesErrors.FILTER_INVALID({ reason: `${name} must be a number, not ${value}` });
    },
  ) as [number, number, number];
  if (minSize < 0) {
    throw StagesErrors.FILTER_INVALID({
      reason: `min_size must not be negative, it is ${minSize}`,
    });
  }
  if (minRatio > maxRatio) {
    const reason = `min_aspect_ratio (${minRatio}) is above max_aspect_ratio (${maxRatio})`;
    throw StagesErrors.FILTER_INVALID({ reason });
  }
  return { minSize, minRatio, maxRatio };
}

function isWithin({ metadata }: Row, { minSize, minRatio, maxRatio }: Bounds): boolean {
  const { width = 0, height = 0 } = metadata?.image_metadata ?? {};
  const ratio = width / Math.max(height, HEIGHT_MIN);
  return (width + height) / 2 > minSize && minRatio < ratio && ratio < maxRatio;
}

function marked(row: Row): Row {
  const info_message_metadata = {
    task: "filter",
    status: "success" as const,
    message: "Filtered due to image size or aspect ratio.",
    filter: true,
  };
  const completed = completeRowMetadata({ info_message_metadata }).info_message_metadata;
  const metadata = {
    ...completeRowMetadata(row.metadata ?? {}),
    ...row.metadata,
    info_message_metadata: completed,
  };
  return { ...row, documentType: "info_message", metadata };
}
